"""Every call for help, judged by the policy its alert carries: when was whom to be told, and when were they?

A reply is urgent, a silence is for the same day, an alert grows more urgent, a claim runs out: each of these
calls has its own clock in the policy. What waits for the clinic to open is late only from then on; what
does not wait is late at once. The audit chain says what happened when, the pages what was accepted.

Where a test turns the clock or kills the program, what fell due in between is due when that ended: nobody
lived before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.alert import first_action_at
from bot.care.policy import Clock, Policy
from bot.content import Content
from bot.flows.clinic import Clinic
from bot.flows.roster import policy_for
from storage.database import Database
from storage.tables import Alert, Audit, Outbox, OutboxKind, OutboxState, Page, PageState

CALLS = ("alert.raised", "alert.rose")
TAKEN = ("alert.claimed", "alert.resolved")
ENDS_ROUND = ("alert.paged", "alert.rose", "alert.handed_over", *TAKEN)
ENDS_CLAIM = (
    "alert.contacted", "alert.no_answer", "alert.handed_over", "alert.claim_ran_out", "alert.rose",
    "alert.resolved",
)  # fmt: skip
ENDS_CONTACT = (*ENDS_CLAIM, "alert.reminded", "alert.contact_due")


@dataclass(frozen=True)
class NotLived:
    """Time in which the program could do nothing: the clock was turned, or the program was dead.

    All that was due before `since` had been done; from `until` on it could do the rest.
    """

    since: datetime
    until: datetime


@dataclass
class Calls:
    """Judges every alert of a database as it stands at `now`."""

    db: Database
    content: Content
    now: datetime
    within: timedelta
    not_lived: Sequence[NotLived] = ()
    wrong: list[str] = field(default_factory=list)

    def judged(self) -> list[str]:
        with self.db.reading() as tx:
            events = _events(tx)
            for alert in tx.scalars(select(Alert)).all():
                life = Life(self, tx, alert, events.get(alert.id, []))
                self.wrong += [f"alert {alert.id}: {each}" for each in life.judged()]
        return self.wrong

    def lived(self, due: datetime) -> datetime:
        """Return when something due then could first be done."""
        for each in self.not_lived:
            if each.since <= due < each.until:
                due = each.until
        return due

    def is_late(self, due: datetime, done: datetime | None) -> bool:
        """Whether it was not done in time; what may still be done in time is not."""
        limit = self.lived(due) + self.within
        return (done or self.now) > limit


@dataclass(frozen=True)
class Event:
    number: int
    at: datetime
    action: str
    details: dict[str, object]


@dataclass
class Life:
    """One alert, from its raising on."""

    calls: Calls
    tx: Session
    alert: Alert
    events: Sequence[Event]

    def judged(self) -> Iterator[str]:
        policy: Policy | None = None
        accepted = _accepted(self.tx, self.alert.id)
        for number, event in enumerate(self.events):
            later = self.events[number + 1 :]
            if event.action in CALLS:
                policy = self._policy(str(event.details["level"]), str(event.details["rule"]))
                yield from self._first_page(event, later, policy, accepted)
            if policy is None:
                yield f"{event.action} before it was raised"
                return
            yield from self._next_step(event, later, policy)
            yield from self._claimer_hears(event, number)

    def _policy(self, level: str, rule: str) -> Policy:
        """Return the policy it was under: the one frozen into it, or the content's for an earlier level."""
        frozen = Policy.thawed(self.alert.policy)
        if frozen.level.key == level:
            return frozen
        clinic = Clinic(self.calls.db, self.calls.content)
        return policy_for(clinic, self.alert.site_id, level, rule)

    def _first_page(
        self, call: Event, later: Sequence[Event], policy: Policy, accepted: Sequence[datetime]
    ) -> Iterator[str]:
        """A channel accepts a page when the policy says so, unless somebody took it or it grew before."""
        if not policy.pages:
            return
        due = first_action_at(policy, call.at)
        settled = next((each.at for each in later if each.action in (*TAKEN, *CALLS)), None)
        page = next((at for at in accepted if at >= call.at), None)
        first = min((at for at in (page, settled) if at is not None), default=None)
        if self.calls.is_late(due, first):
            yield f"{call.action} as {policy.level.key} at {call.at}: due {due}, first page accepted {page}"

    def _next_step(self, event: Event, later: Sequence[Event], policy: Policy) -> Iterator[str]:
        """Nothing rests: a page is repeated, a claim runs out, the claimer is reminded."""
        if policy.clock is not Clock.ALWAYS:
            return
        if event.action == "alert.paged":
            tier = int(str(event.details["tier"]))
            due, ends = event.at + policy.repeat(tier), ENDS_ROUND
        elif event.action in ("alert.claimed", "alert.contact_due"):
            due, ends = event.at + policy.lease, ENDS_CLAIM
        elif event.action == "alert.contacted":
            due, ends = event.at + policy.wrap_up, ENDS_CONTACT
        else:
            return
        following = next((each.at for each in later if each.action in ends), None)
        if self.calls.is_late(due, following):
            yield f"after {event.action} at {event.at} the next step was due {due} and came {following}"

    def _claimer_hears(self, event: Event, number: int) -> Iterator[str]:
        """Whoever has an alert is told that there is more to read."""
        if event.action != "alert.joined" or event.details.get("rises"):
            return
        state = next((each for each in reversed(self.events[:number]) if each.action in _MOVES), None)
        if state is None or state.action != "alert.claimed":
            return
        told = self.tx.scalars(
            select(col(Outbox.sent_at)).where(
                col(Outbox.alert_id) == self.alert.id,
                col(Outbox.kind) == OutboxKind.NOTICE,
                col(Outbox.state) == OutboxState.SENT,
                col(Outbox.created_at) >= event.at,
            )
        ).all()
        if self.calls.is_late(event.at, min((at for at in told if at), default=None)):
            yield f"who has it was not told of what joined at {event.at}"


_MOVES = ("alert.raised", "alert.rose", "alert.claim_ran_out", "alert.handed_over", *TAKEN)


def _events(tx: Session) -> dict[str, list[Event]]:
    """Return what the audit chain says about each alert, in its order."""
    lines = select(Audit).where(col(Audit.subject).startswith("alert:")).order_by(col(Audit.number))
    found: dict[str, list[Event]] = {}
    for line in tx.scalars(lines):
        event = Event(line.number, line.at, line.action, line.details)
        found.setdefault(line.subject.removeprefix("alert:"), []).append(event)
    return found


def _accepted(tx: Session, alert_id: str) -> list[datetime]:
    """Return when channels accepted pages of an alert: as messages of their own, or in a digest."""
    own = select(col(Page.sent_at)).where(
        col(Page.alert_id) == alert_id, col(Page.state).in_((PageState.SENT, PageState.SEEN))
    )
    digest = (
        select(col(Outbox.sent_at))
        .join(Page, col(Outbox.id) == col(Page.outbox_id))
        .where(col(Page.alert_id) == alert_id)
    )
    return sorted(at for at in (*tx.scalars(own), *tx.scalars(digest)) if at is not None)
