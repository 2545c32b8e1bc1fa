"""The auditor's look at the database: what was promised and does not hold, and the part it can mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, or_, select
from sqlmodel import col

from bot.care.level import Finding, Level
from bot.flows import raising, roster
from bot.flows.act import Act
from storage import alerts, marks
from storage.tables import (
    Alert,
    AlertState,
    FindingRow,
    Inbox,
    InboxState,
    Lane,
    Outbox,
    OutboxKind,
    OutboxState,
    Page,
    PageState,
    Patient,
)

PATIENCE = timedelta(seconds=90)
"""How late anything may be before it counts as not happening: a tick is a second, a send a few."""

ON_ITS_WAY = (OutboxState.PENDING, OutboxState.SENDING)
MENDED_AT_ONCE = 100


@dataclass(frozen=True)
class Breach:
    """A promise that does not hold: which check found it, how often, and whether it was mended."""

    check: str
    count: int
    mended: bool = False


Check = Callable[[Act], int]


def examine(act: Act) -> tuple[Breach, ...]:
    """Return everything that does not hold, after mending what can be mended in this transaction."""
    found = [Breach(name, count, mended=True) for name, mend in MENDING if (count := mend(act))]
    found += [Breach(name, count) for name, look in LOOKING if (count := look(act))]
    for each in found:
        if each.mended:
            act.record("auditor", "promise.mended", f"check:{each.check}", count=each.count)
    return tuple(found)


def _overdue_alerts(act: Act) -> int:
    """Alerts whose clock ran out and nothing moved them: the tick is not running."""
    late = (col(Alert.state) != AlertState.RESOLVED, col(Alert.next_action_at) <= act.now - PATIENCE)
    return act.tx.scalar(select(func.count()).select_from(Alert).where(*late)) or 0


def _stuck_pages(act: Act) -> int:
    """Messages of the alert lane that should have gone: the sender is not running, or no channel takes them.

    One that is tried again and again counts too, as long as nobody at all was paged about its alert.
    """
    untried = (
        col(Outbox.lane) == Lane.ALERT,
        col(Outbox.state) == OutboxState.PENDING,
        col(Outbox.attempts) == 0,
        col(Outbox.not_before) <= act.now - PATIENCE,
    )
    unheard = select(col(Alert.id)).where(col(Alert.state) == AlertState.OPEN, col(Alert.paged_at).is_(None))
    in_vain = (
        col(Outbox.kind) == OutboxKind.PAGE,
        col(Outbox.state).in_(ON_ITS_WAY),
        col(Outbox.created_at) <= act.now - PATIENCE,
        col(Outbox.alert_id).in_(unheard),
    )
    late = select(func.count()).select_from(Outbox).where(or_(and_(*untried), and_(*in_vain)))
    return act.tx.scalar(late) or 0


def _leases_over(act: Act) -> int:
    """Messages whose sender died and which no other sender took up."""
    over = (col(Outbox.state) == OutboxState.SENDING, col(Outbox.lease_until) <= act.now - PATIENCE)
    return act.tx.scalar(select(func.count()).select_from(Outbox).where(*over)) or 0


def _waiting_replies(act: Act) -> int:
    """Replies that were taken in and not read: the worker is not running."""
    waiting = (
        col(Inbox.state) == InboxState.NEW,
        col(Inbox.attempts) == 0,
        col(Inbox.received_at) <= act.now - PATIENCE,
    )
    return act.tx.scalar(select(func.count()).select_from(Inbox).where(*waiting)) or 0


def _nobody_reached(act: Act) -> int:
    """Alerts of which no channel of anybody took a page: only somebody outside can still help."""
    alone = (col(Alert.state) == AlertState.OPEN, col(Alert.nobody_reached).is_(True))
    return act.tx.scalar(select(func.count()).select_from(Alert).where(*alone)) or 0


def _still(name: str) -> Check:
    """Return a check that a mark, once set, keeps being set."""

    def look(act: Act) -> int:
        last = marks.mark(act.tx, name)
        return int(last is not None and act.now - last.at > PATIENCE)

    return look


def _open_without_pages(act: Act) -> int:
    """Open alerts that say they were paged and have no page: their clock is set to now."""
    paged = select(col(Page.alert_id))
    lost = select(Alert).where(
        col(Alert.state) == AlertState.OPEN, col(Alert.tier) > 0, col(Alert.nobody_reached).is_(False),
        col(Alert.id).not_in(paged), col(Alert.next_action_at) > act.now,
    )  # fmt: skip
    return _set_clocks(act, act.tx.scalars(lost.limit(MENDED_AT_ONCE)).all())


def _alerts_without_clock(act: Act) -> int:
    """Alerts that nothing would ever move again."""
    stopped = select(Alert).where(
        col(Alert.state) != AlertState.RESOLVED, col(Alert.next_action_at).is_(None)
    )
    return _set_clocks(act, act.tx.scalars(stopped.limit(MENDED_AT_ONCE)).all())


def _set_clocks(act: Act, found: Sequence[Alert]) -> int:
    for alert in found:
        alerts.change(act.tx, alert, next_action_at=act.now)
    return len(found)


def _pages_without_carrier(act: Act) -> int:
    """Pages that wait although no message carries them: failed, and the alert is looked at again now."""
    carried = select(col(Outbox.page_id)).where(
        col(Outbox.page_id).is_not(None), col(Outbox.state).in_(ON_ITS_WAY)
    )
    digests = select(col(Outbox.id)).where(col(Outbox.state).in_(ON_ITS_WAY))
    wanted = select(Page).where(
        col(Page.state) == PageState.PENDING, col(Page.created_at) <= act.now - PATIENCE,
        col(Page.id).not_in(carried),
        col(Page.outbox_id).is_(None) | col(Page.outbox_id).not_in(digests),
    )  # fmt: skip
    found = act.tx.scalars(wanted.limit(MENDED_AT_ONCE)).all()
    for page in found:
        page.state = PageState.FAILED
        act.tx.add(page)
        alert = alerts.locked(act.tx, page.alert_id)
        if alert is not None and alert.state == AlertState.OPEN:
            alerts.change(act.tx, alert, next_action_at=act.now)
    return len(found)


def _findings_without_alert(act: Act) -> int:
    """Findings that nobody was told of, as after a backup was restored: each becomes an alert."""
    orphans = select(FindingRow).where(col(FindingRow.alert_id).is_(None), col(FindingRow.shadow).is_(False))
    found = act.tx.scalars(orphans.order_by(col(FindingRow.id)).limit(MENDED_AT_ONCE)).all()
    for row in found:
        patient = act.tx.get(Patient, row.patient_id)
        if patient is not None:
            row.alert_id = _alert_for(act, patient, row).id
            act.tx.add(row)
    act.tx.flush()
    return len(found)


def _alert_for(act: Act, patient: Patient, row: FindingRow) -> Alert:
    finding = Finding(row.rule_id, Level.from_key(row.level))
    policy = roster.policy_for(act.clinic, patient.site_id, row.level, row.rule_id)
    for alert in alerts.unresolved(act.tx, patient.site_id, patient_id=patient.id):
        enough = Level.from_key(alert.level) >= finding.level
        if enough and tuple(alert.policy.get("audience", ())) == policy.audience:
            return alert
    alert = raising.start(act, patient, finding, policy, replied_at=row.found_at)
    raising.page_if_due(act, alert)
    return alert


MENDING: tuple[tuple[str, Check], ...] = (
    ("alert_without_clock", _alerts_without_clock),
    ("alert_without_page", _open_without_pages),
    ("page_without_carrier", _pages_without_carrier),
    ("finding_without_alert", _findings_without_alert),
)

LOOKING: tuple[tuple[str, Check], ...] = (
    ("nobody_reached", _nobody_reached),
    ("alert_overdue", _overdue_alerts),
    ("page_not_sent", _stuck_pages),
    ("lease_over", _leases_over),
    ("reply_waiting", _waiting_replies),
    ("tick_stopped", _still("tick")),
    ("poll_stopped", _still("poll:care")),
)
