"""Alerts, their findings and their pages."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlmodel import Session, col

from bot.care.alert import SET_BACK
from bot.care.level import Finding
from storage.ids import new_id
from storage.tables import (
    Alert,
    AlertState,
    Drill,
    FindingRow,
    Outbox,
    OutboxKind,
    OutboxState,
    Page,
    PageState,
)
from storage.vault import Erased, seal, unseal


def locked(tx: Session, alert_id: str) -> Alert | None:
    """Return an alert, read anew and locked until the transaction ends."""
    return tx.get(Alert, alert_id, with_for_update=True, populate_existing=True)


def unresolved(tx: Session, site_id: str, *, patient_id: str | None = None) -> list[Alert]:
    """Return the site's alerts that are not resolved, most urgent first, then oldest first."""
    wanted = select(Alert).where(col(Alert.site_id) == site_id, col(Alert.state) != AlertState.RESOLVED)
    if patient_id is not None:
        wanted = wanted.where(col(Alert.patient_id) == patient_id)
    order = ("emergency", "urgent", "same_day", "watch")
    return sorted(tx.scalars(wanted), key=lambda each: (order.index(each.level), each.id))


def open_of_system(tx: Session, site_id: str, rule_id: str) -> Alert | None:
    """Return the alert about this trouble of our own that is not resolved."""
    wanted = select(Alert).where(
        col(Alert.site_id) == site_id,
        col(Alert.rule_id) == rule_id,
        col(Alert.patient_id).is_(None),
        col(Alert.state) != AlertState.RESOLVED,
    )
    return tx.scalars(wanted.order_by(col(Alert.id)).limit(1).with_for_update()).first()


def due(tx: Session, now: datetime, limit: int) -> list[str]:
    """Return the ids of alerts whose clock has run out, longest waiting first.

    Times that lie in the future where only the past can be were written before the clock was set back.
    """
    ahead = or_(
        and_(col(Alert.state) == AlertState.OPEN, col(Alert.tier_since) > now + SET_BACK),
        and_(col(Alert.state) == AlertState.CLAIMED, col(Alert.claimed_at) > now + SET_BACK),
    )
    wanted = select(col(Alert.id)).where(
        col(Alert.state) != AlertState.RESOLVED, or_(col(Alert.next_action_at) <= now, ahead)
    )
    return list(tx.scalars(wanted.order_by(col(Alert.next_action_at), col(Alert.id)).limit(limit)))


def unanswered_questions(tx: Session, now: datetime, limit: int) -> list[str]:
    """Return alerts whose direct question was asked and not answered in time."""
    wanted = select(col(Alert.id)).where(
        col(Alert.state) != AlertState.RESOLVED, col(Alert.asked_until) <= now
    )
    return list(tx.scalars(wanted.order_by(col(Alert.asked_until)).limit(limit)))


def claim(tx: Session, alert_id: str, staff_id: str, now: datetime, lease: timedelta) -> bool:
    """Take an open alert; False when it is not open any more. However many press at once, one wins."""
    taken = (
        update(Alert)
        .where(col(Alert.id) == alert_id, col(Alert.state) == AlertState.OPEN)
        .values(
            state=AlertState.CLAIMED,
            claimed_by=staff_id,
            claimed_at=now,
            claim_until=now + lease,
            next_action_at=now + lease,
            nobody_reached=False,
            contact="",
            contacted_at=None,
        )
        .returning(col(Alert.id))
    )
    return tx.execute(taken).first() is not None


def was_reopened(tx: Session, alert_id: str) -> bool:
    """Whether another alert follows this one, because somebody opened it again."""
    return tx.scalar(select(col(Alert.id)).where(col(Alert.reopens) == alert_id).limit(1)) is not None


def claimed_by(tx: Session, staff_id: str) -> list[Alert]:
    """Return the alerts this member of staff has, locked."""
    theirs = (col(Alert.claimed_by) == staff_id, col(Alert.state) == AlertState.CLAIMED)
    return list(tx.scalars(select(Alert).where(*theirs).order_by(col(Alert.id)).with_for_update()))


def record_finding(
    tx: Session,
    patient_id: str,
    finding: Finding,
    now: datetime,
    rules_version: str,
    *,
    response_id: str | None = None,
    message_id: str | None = None,
    check_in_id: str | None = None,
) -> FindingRow:
    """Keep a finding with its evidence sealed under the patient's key."""
    row = FindingRow(
        id=new_id(now), patient_id=patient_id, rule_id=finding.rule_id, level=finding.level.key,
        rules_version=rules_version, response_id=response_id, message_id=message_id,
        check_in_id=check_in_id, found_at=now,
    )  # fmt: skip
    evidence = {"words": finding.words, "facts": finding.facts}
    seal(tx, row, "evidence_sealed", json.dumps(evidence))
    tx.add(row)
    return row


def evidence_of(tx: Session, row: FindingRow) -> tuple[Sequence[str], Sequence[str]]:
    """Return a finding's words and facts; nothing when the patient was erased."""
    try:
        evidence = json.loads(unseal(tx, row, "evidence_sealed") or "{}")
    except Erased:
        return (), ()
    return evidence.get("words", ()), evidence.get("facts", ())


def findings(tx: Session, alert_id: str) -> list[FindingRow]:
    """Return everything an alert is about, oldest first."""
    wanted = select(FindingRow).where(col(FindingRow.alert_id) == alert_id)
    return list(tx.scalars(wanted.order_by(col(FindingRow.id))))


def findings_since(tx: Session, patient_id: str, since: datetime) -> list[FindingRow]:
    """Return a patient's findings after `since`, oldest first, but not those a silent rule set made."""
    wanted = select(FindingRow).where(
        col(FindingRow.patient_id) == patient_id,
        col(FindingRow.found_at) > since,
        col(FindingRow.shadow).is_(False),
    )
    return list(tx.scalars(wanted.order_by(col(FindingRow.id))))


def add_page(
    tx: Session, alert: Alert, now: datetime, *, staff_id: str | None, contact_id: str | None, channel: str
) -> Page:
    """Add a page in the alert's present tier and round."""
    page = Page(
        id=new_id(now), alert_id=alert.id, tier=alert.tier, loop=alert.loop, staff_id=staff_id,
        contact_id=contact_id, channel=channel, created_at=now,
    )  # fmt: skip
    tx.add(page)
    tx.flush()
    return page


def pages(tx: Session, alert_id: str, *, loop: int | None = None) -> list[Page]:
    wanted = select(Page).where(col(Page.alert_id) == alert_id)
    if loop is not None:
        wanted = wanted.where(col(Page.loop) == loop)
    return list(tx.scalars(wanted.order_by(col(Page.id))))


def paged_staff(tx: Session, alert_id: str) -> list[str]:
    """Return everyone this alert was sent to, in the order they first were."""
    wanted = (
        select(col(Page.staff_id))
        .where(col(Page.alert_id) == alert_id, col(Page.staff_id).is_not(None))
        .group_by(col(Page.staff_id))
        .order_by(func.min(col(Page.id)))
    )
    return [each for each in tx.scalars(wanted) if each]


def was_reached(tx: Session, alert_id: str) -> bool:
    """Return whether any page of the alert was ever accepted by a channel."""
    reached = select(col(Page.id)).where(
        col(Page.alert_id) == alert_id, col(Page.state).in_([PageState.SENT, PageState.SEEN])
    )
    return tx.scalar(reached.limit(1)) is not None


def mark_seen(tx: Session, alert_id: str, staff_id: str, now: datetime) -> None:
    """Note that a person looked at or pressed something on their page."""
    theirs = (
        col(Page.alert_id) == alert_id,
        col(Page.staff_id) == staff_id,
        col(Page.state).in_([PageState.PENDING, PageState.SENT]),
    )
    tx.execute(update(Page).where(*theirs).values(state=PageState.SEEN, seen_at=now))
    unseen = (col(Alert.id) == alert_id, col(Alert.seen_at).is_(None))
    tx.execute(update(Alert).where(*unseen).values(seen_at=now))


def cards(tx: Session, alert_id: str, channels: Collection[str]) -> list[Outbox]:
    """Return the pages of an alert in chats, sent or about to be: the cards that must follow its state."""
    wanted = select(Outbox).where(
        col(Outbox.alert_id) == alert_id,
        col(Outbox.kind) == OutboxKind.PAGE,
        col(Outbox.channel).in_(list(channels)),
        col(Outbox.state).in_([OutboxState.SENT, OutboxState.SENDING]),
    )
    return list(tx.scalars(wanted.order_by(col(Outbox.id))))


def recent_pages_to(tx: Session, staff_id: str, channel: str, since: datetime) -> int:
    """Return how many alerts one person was paged about on one channel since then."""
    counted = select(func.count(func.distinct(col(Page.alert_id)))).where(
        col(Page.staff_id) == staff_id, col(Page.channel) == channel, col(Page.created_at) > since
    )
    return tx.scalar(counted) or 0


def digest_to(tx: Session, staff_id: str, channel: str, since: datetime) -> Outbox | None:
    """Return the digest already queued or sent to a person since then."""
    wanted = select(Outbox).where(
        col(Outbox.staff_id) == staff_id,
        col(Outbox.channel) == channel,
        col(Outbox.kind) == OutboxKind.PAGE,
        col(Outbox.alert_id).is_(None),
        col(Outbox.id).not_in(select(col(Drill.outbox_id)).where(col(Drill.outbox_id).is_not(None))),
        col(Outbox.created_at) > since,
        col(Outbox.state).in_([OutboxState.PENDING, OutboxState.SENDING, OutboxState.SENT]),
    )
    return tx.scalars(wanted.order_by(col(Outbox.id).desc()).limit(1)).first()


def mark_digest_sent(tx: Session, outbox_id: str, now: datetime) -> Sequence[str]:
    """Note that a digest arrived: every page it carried was sent. Returns the alerts."""
    carried = select(col(Page.alert_id)).where(col(Page.outbox_id) == outbox_id)
    alert_ids = list(tx.scalars(carried))
    pending = (col(Page.outbox_id) == outbox_id, col(Page.state) == PageState.PENDING)
    tx.execute(update(Page).where(*pending).values(state=PageState.SENT, sent_at=now))
    unpaged = (col(Alert.id).in_(alert_ids), col(Alert.paged_at).is_(None))
    tx.execute(update(Alert).where(*unpaged).values(paged_at=now))
    return alert_ids


def mark_digest_failed(tx: Session, outbox_id: str) -> list[Page]:
    """Note that a digest cannot be delivered; returns the pages it carried."""
    carried = select(Page).where(col(Page.outbox_id) == outbox_id, col(Page.state) == PageState.PENDING)
    found = list(tx.scalars(carried))
    for page in found:
        page.state = PageState.FAILED
        tx.add(page)
    tx.flush()
    return found


def reached_somebody(tx: Session, alert_ids: Iterable[str]) -> None:
    """Take back that nobody was reached: a channel has just accepted a page."""
    flagged = (col(Alert.id).in_(list(alert_ids)), col(Alert.nobody_reached).is_(True))
    tx.execute(update(Alert).where(*flagged).values(nobody_reached=False))


def last_safety_message(tx: Session, alert_id: str) -> Outbox | None:
    """Return the latest safety message the patient was sent about this alert."""
    wanted = select(Outbox).where(col(Outbox.alert_id) == alert_id, col(Outbox.kind) == OutboxKind.SAFETY)
    return tx.scalars(wanted.order_by(col(Outbox.id).desc()).limit(1)).first()


def change(tx: Session, alert: Alert, **values: Any) -> None:
    """Write new values to an alert at once, so that later queries of this transaction see them."""
    for name, value in values.items():
        setattr(alert, name, value)
    tx.flush()
