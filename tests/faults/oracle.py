"""The one question every fault is asked at its end.

Every urgent reply has at least one page accepted by some channel within its limit, or the dead-man
switch outside fires; and no alert lacks its audit trail.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from storage import audit
from storage.database import Database
from storage.tables import Alert, AlertState, Audit, FindingRow, Inbox, InboxState, Outbox, Page, PageState

PAGED_WITHIN = timedelta(seconds=15)
"""The promise is five seconds, and is measured on an idle machine; tests share theirs with others."""

URGENT = ("emergency", "urgent")
ACCEPTED = (PageState.SENT, PageState.SEEN)


def check(
    db: Database,
    now: datetime,
    *,
    urgent_replies: int,
    within: timedelta = PAGED_WITHIN,
    dead_man_fired: bool = False,
    set_back: timedelta = timedelta(0),
) -> None:
    """Fail, listing everything that is wrong.

    `urgent_replies` is how many patients wrote something urgent, which the test knows and the
    database can only confirm. `within` is longer where the test turned the clock between; `set_back` is
    how far it turned it back: a page may then carry an earlier time than what it is about.
    """
    with db.reading() as tx:
        wrong = [*_without_trail(tx), *_without_clock(tx)]
        if not dead_man_fired:
            wrong += [*_unheard(tx, now, within, urgent_replies), *_unpaged(tx, within, set_back)]
    assert not wrong, "; ".join(wrong)


def _without_trail(tx: Session) -> Iterator[str]:
    """What happened to an alert and is not in the audit chain."""
    steps = {action: set[str]() for action in ("alert.raised", "alert.claimed", "alert.resolved")}
    for action, subject in tx.execute(select(col(Audit.action), col(Audit.subject))):
        if action in steps:
            steps[action].add(subject)
    for alert in tx.scalars(select(Alert)):
        happened = {
            "alert.raised": True,
            "alert.claimed": alert.state == AlertState.CLAIMED,
            "alert.resolved": alert.state == AlertState.RESOLVED,
        }
        for action, did in happened.items():
            if did and f"alert:{alert.id}" not in steps[action]:
                yield f"alert {alert.id} has no audit line {action}"
    if not audit.verify(tx).intact:
        yield "the audit chain is broken"


def _without_clock(tx: Session) -> Iterator[str]:
    stopped = (col(Alert.state) != AlertState.RESOLVED, col(Alert.next_action_at).is_(None))
    for alert_id in tx.scalars(select(col(Alert.id)).where(*stopped)):
        yield f"nothing would ever move alert {alert_id} again"


def _unheard(tx: Session, now: datetime, within: timedelta, expected: int) -> Iterator[str]:
    """Replies that nobody read, or that became a finding and no alert."""
    waiting = (col(Inbox.state) == InboxState.NEW, col(Inbox.received_at) < now - within)
    count = tx.scalar(select(func.count()).select_from(Inbox).where(*waiting)) or 0
    if count:
        yield f"{count} replies were kept and not read"
    patients = select(func.count(col(FindingRow.patient_id).distinct())).where(
        col(FindingRow.level).in_(URGENT), col(FindingRow.alert_id).is_not(None)
    )
    found = tx.scalar(patients) or 0
    if found < expected:
        yield f"{expected} patients wrote something urgent, alerts know of {found}"


def _unpaged(tx: Session, within: timedelta, set_back: timedelta) -> Iterator[str]:
    """Urgent replies that no channel accepted a page about in time, and that nobody took in time.

    A reply may join an alert that was paged before and is open: whoever takes it then has the reply too.
    What the passing of time raises, as a patient's silence, is no reply and has clocks of its own.
    """
    from_reply = col(FindingRow.message_id).is_not(None) | col(FindingRow.response_id).is_not(None)
    urgent = (
        select(col(FindingRow.alert_id), func.min(col(FindingRow.found_at)))
        .where(col(FindingRow.level).in_(URGENT), col(FindingRow.alert_id).is_not(None), from_reply)
        .group_by(col(FindingRow.alert_id))
    )
    accepted, taken = _accepted(tx), _taken(tx)
    for alert_id, found_at in tx.execute(urgent):
        heard = [*accepted.get(alert_id, ()), *taken.get(alert_id, ())]
        took = min((at - found_at for at in heard if at >= found_at - set_back), default=None)
        if took is None:
            yield f"no channel accepted a page of alert {alert_id}"
        elif took > within:
            yield f"the first page of alert {alert_id} took {took}"


def _taken(tx: Session) -> dict[str, list[datetime]]:
    """Return when a named person took each alert."""
    lines = select(col(Audit.subject), col(Audit.at)).where(col(Audit.action) == "alert.claimed")
    times: dict[str, list[datetime]] = {}
    for subject, at in tx.execute(lines):
        times.setdefault(subject.removeprefix("alert:"), []).append(at)
    return times


def _accepted(tx: Session) -> dict[str, list[datetime]]:
    """Return when pages of each alert were accepted: as messages of their own, or in a digest."""
    own = select(col(Page.alert_id), col(Page.sent_at)).where(col(Page.state).in_(ACCEPTED))
    digest = select(col(Page.alert_id), col(Outbox.sent_at)).join(
        Outbox, col(Outbox.id) == col(Page.outbox_id)
    )
    times: dict[str, list[datetime]] = {}
    for alert_id, at in (*tx.execute(own), *tx.execute(digest)):
        if at is not None:
            times.setdefault(alert_id, []).append(at)
    return times
