"""What becomes of a page: accepted at last, or refused for good and carried by another channel or person."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot.care.alert import Do, page_step
from bot.care.policy import Policy
from bot.flows import pages
from bot.flows.act import Act
from bot.message import Failure
from storage import alerts, outbox
from storage import staff as people
from storage.tables import Alert, AlertState, ContactState, Lane, Outbox, OutboxKind, Page


def sent(tx: Session, row: Outbox, now: datetime) -> None:
    """Somebody was reached after all."""
    if row.alert_id is not None:
        alerts.reached_somebody(tx, [row.alert_id])
    else:
        alerts.reached_somebody(tx, alerts.mark_digest_sent(tx, row.id, now))


def failed(act: Act, row: Outbox, failure: Failure) -> None:
    """See to every page that this message carried: one, or for a digest many."""
    if row.page_id is None:
        for page in alerts.mark_digest_failed(act.tx, row.id):
            _page_failed(act, page, failure)
        return
    lost = act.tx.get(Page, row.page_id, populate_existing=True)
    if row.channel == "telegram-alert" and failure is Failure.DEAD_ADDRESS:
        _again_by_care_bot(act, row)
    elif lost is not None:
        _page_failed(act, lost, failure)


def _page_failed(act: Act, page: Page, failure: Failure) -> None:
    """Page by the next channel, else the next tier when nobody else was paged this round.

    A chat that is gone is remembered, so that nobody waits for it again.
    """
    alert = alerts.locked(act.tx, page.alert_id)
    if alert is None or alert.state == AlertState.RESOLVED:
        return
    what = "page.delayed" if failure is Failure.WAIT else "page.failed"
    act.record("system", what, f"page:{page.id}", alert=alert.id, failure=failure.value)
    if failure is Failure.DEAD_ADDRESS and page.contact_id:
        people.set_contact_state(act.tx, page.contact_id, ContactState.BLOCKED)
        _tell_of_dead_contact(act, alert, page)
    if alert.state != AlertState.OPEN or _next_channel(act, alert, page):
        return
    if not _others_on_their_way(act.tx, alert):
        _nobody_left_here(act, alert)


def _nobody_left_here(act: Act, alert: Alert) -> None:
    """The whole round failed: climb at once. With no higher tier, say so and let the clock repeat."""
    policy = Policy.thawed(alert.policy)
    if pages.is_last_resort(policy, alert.tier):
        alerts.change(act.tx, alert, nobody_reached=True)
        return
    pages.page_tier(act, alert, policy, page_step(Do.CLIMB, alert.tier + 1, policy, act.now, act.now))


def _again_by_care_bot(act: Act, row: Outbox) -> None:
    """The person never opened the alert bot's chat; the bot they know carries the page."""
    outbox.put(
        act.tx, outbox.read_outgoing(act.tx, row), kind=OutboxKind.PAGE, now=act.now, lane=Lane.ALERT,
        channel="telegram", staff_id=row.staff_id, alert_id=row.alert_id, page_id=row.page_id,
    )  # fmt: skip


def _next_channel(act: Act, alert: Alert, page: Page) -> bool:
    staff = people.active(act.tx, page.staff_id)
    if staff is None:
        return False
    tried = {
        each.channel for each in alerts.pages(act.tx, alert.id, loop=alert.loop) if each.staff_id == staff.id
    }
    for contact in people.usable_contacts(act.tx, staff):
        if contact.channel not in tried | {page.channel}:
            return pages.page_contact(act, alert, staff, contact)
    return False


def _others_on_their_way(tx: Session, alert: Alert) -> bool:
    """Whether a page of this round was accepted or still may be."""
    return any(
        each.state in ("pending", "sent", "seen") for each in alerts.pages(tx, alert.id, loop=alert.loop)
    )


def _tell_of_dead_contact(act: Act, alert: Alert, page: Page) -> None:
    staff = people.active(act.tx, page.staff_id)
    if staff is None:
        return
    for other in people.at_site(act.tx, alert.site_id, ("coordinator", "admin")):
        if other.id != staff.id:
            words = act.words(other)
            told = words.say("staff.contact_dead", name=staff.name, channel=page.channel)
            pages.tell_staff(act, other, told)
