"""Paging: from a tier to persons, from persons to channels, from a failed channel to the next."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.care.alert import Do, Standing, Step, page_step
from bot.care.policy import Policy, Tier, Who
from bot.flows import roster, staff_cards
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.message import Outgoing, OutgoingKind
from storage import alerts, marks, outbox
from storage import staff as people
from storage.tables import (
    Alert,
    Contact,
    Lane,
    Outbox,
    OutboxKind,
    Page,
    Staff,
)

logger = logging.getLogger(__name__)
OUTSIDE = "apprise"  # the outbox channel of everything that is not a chat
CHAT_CHANNELS = ("telegram", "telegram-alert")
ALL_CHANNELS = 99
DIGEST_FROM = 4  # so many open alerts to one person within a round make one digest
DIGEST_EVERY = timedelta(minutes=1)
STORM_WINDOW = timedelta(minutes=5)
GAP_TOLD_EVERY = timedelta(hours=12)


def standing(alert: Alert) -> Standing:
    """Return the columns an alert's clocks depend on."""
    return Standing(
        state=alert.state,
        tier=alert.tier,
        raised_at=alert.raised_at,
        next_action_at=alert.next_action_at or alert.raised_at,
        tier_since=alert.tier_since,
        claimed_at=alert.claimed_at,
        claim_until=alert.claim_until,
        contact=alert.contact,
    )


def page_tier(
    act: Act,
    alert: Alert,
    policy: Policy,
    step: Step,
    *,
    also: Sequence[Staff] = (),
) -> int:
    """Page the step's tier, skipping tiers in which nobody can be reached; return how many pages.

    Persons are looked up now, tiers and delays are those frozen in the alert. `also` are people paged
    besides: the one whose claim ran out. When no tier is left, everybody is paged on every channel.
    """
    number, chosen = _first_reachable(act, alert, policy, step)
    news = alert.tier == 0 or step.do is Do.RISE
    climbed = number != alert.tier or step.do in (Do.CLIMB, Do.RISE, Do.TAKE_BACK)
    channels = ALL_CHANNELS if is_last_resort(policy, number) else step.channels
    fresh = alert.tier_since is None or climbed or alert.tier_since > act.now
    if number != step.tier:
        step = page_step(step.do, number, policy, act.now, act.now, raised_at=alert.raised_at)
    alerts.change(
        act.tx, alert,
        tier=number, loop=alert.loop + 1, next_action_at=step.next_action_at,
        tier_since=act.now if fresh else alert.tier_since,
    )  # fmt: skip
    sent = 0
    also = [each for each in also if roster.may_have(each, policy)]
    for staff in _each_once([*also, *chosen]):
        sent += _page_person(act, alert, staff, channels, news=news)
    nobody = sent == 0 or (is_last_resort(policy, number) and _all_failed(act.tx, alert))
    alerts.change(act.tx, alert, nobody_reached=nobody)
    act.record("system", "alert.paged", f"alert:{alert.id}",
        tier=number, round=alert.loop, pages=sent, what=step.do.value,
    )  # fmt: skip
    return sent


def _all_failed(tx: Session, alert: Alert) -> bool:
    """Whether everybody was paged before and no channel ever accepted any of it."""
    return alert.loop > 1 and not alerts.was_reached(tx, alert.id) and alert.nobody_reached


def is_last_resort(policy: Policy, number: int) -> bool:
    """Whether this tier is everybody, so that nobody is left to climb to."""
    return number > len(policy.tiers) or policy.tier(number).who is Who.EVERYONE


def _each_once(staff: Sequence[Staff]) -> list[Staff]:
    return list({each.id: each for each in staff}.values())


def _first_reachable(act: Act, alert: Alert, policy: Policy, step: Step) -> tuple[int, list[Staff]]:
    """Return the first tier from the step's on in which somebody can be reached, and who that is.

    A climb that would only reach people already paged goes on to the next tier: one person in every
    tier must not hold the alert to herself.
    """
    paged = set(alerts.paged_staff(act.tx, alert.id)) if step.do in (Do.CLIMB, Do.RISE) else set()
    for number in range(max(step.tier, 1), len(policy.tiers) + 1):
        tier = policy.tier(number)
        chosen = roster.persons(act.tx, alert.site_id, tier.who, policy, act.now)
        if not chosen:
            _tell_of_gap(act, alert, tier)
        last = number == len(policy.tiers) and tier.who is Who.EVERYONE
        if chosen and (last or {each.id for each in chosen} - paged or number == alert.tier):
            return number, chosen
    return len(policy.tiers) + 1, roster.persons(act.tx, alert.site_id, Who.EVERYONE, policy, act.now)


def _tell_of_gap(act: Act, alert: Alert, tier: Tier) -> None:
    """Tell coordinators and admins, once in a while, that a tier had nobody who can be reached."""
    name = f"gap:{alert.site_id}:{tier.who.value}"
    before = marks.mark(act.tx, name)
    if before is not None and act.now - before.at < GAP_TOLD_EVERY and before.at <= act.now:
        return
    marks.set_mark(act.tx, name, act.now)
    act.record("system", "rota.gap", f"site:{alert.site_id}", tier=tier.who.value)
    for staff in people.at_site(act.tx, alert.site_id, ("coordinator", "admin")):
        words = act.words(staff)
        tell_staff(act, staff, words.say("staff.gap", tier=words.say(f"staff.who.{tier.who}")))


def _page_person(act: Act, alert: Alert, staff: Staff, channels: int, *, news: bool) -> int:
    contacts = people.usable_contacts(act.tx, staff)[:channels]
    return sum(page_contact(act, alert, staff, contact, news=news) for contact in contacts)


def page_contact(act: Act, alert: Alert, staff: Staff, contact: Contact, *, news: bool = False) -> bool:
    """Page one person by one channel in the alert's present round; False when they have no such chat.

    `news` is what they have not been told: raised, more urgent, nobody's again, handed to them. It is a
    message of its own in any storm; a digest may have gone out a moment ago, and would say nothing of it.
    """
    where = {"staff_id": staff.id, "contact_id": contact.id, "channel": contact.channel}
    page = alerts.add_page(act.tx, alert, act.now, **where)
    if not news and _storm(act.tx, alert, staff, contact.channel, act.now):
        _into_digest(act, page, staff, contact)
        return True
    return _send(act, alert, page, staff, contact)


def _send(act: Act, alert: Alert, page: Page, staff: Staff, contact: Contact) -> bool:
    patient = act.patient_of(alert)
    if contact.channel == people.TELEGRAM:
        outgoing = staff_cards.page(act, alert, patient, staff)
    else:
        outgoing = staff_cards.outside_page(
            act.clinic, alert, patient, staff, people.address_of(act.tx, contact)
        )
    return _put(act, outgoing, contact, page)


def _put(act: Act, outgoing: Outgoing | None, contact: Contact, page: Page) -> bool:
    if outgoing is None:
        return False
    outbox.put(
        act.tx, outgoing, kind=OutboxKind.PAGE, now=act.now, lane=Lane.ALERT,
        channel=outbox_channel(act.clinic, contact), staff_id=page.staff_id,
        alert_id=page.alert_id, page_id=page.id,
    )  # fmt: skip
    return True


def outbox_channel(clinic: Clinic, contact: Contact) -> str:
    if contact.channel != people.TELEGRAM:
        return OUTSIDE
    return chat_channel(clinic)


def chat_channel(clinic: Clinic) -> str:
    return "telegram-alert" if clinic.alert_bot else "telegram"


def _storm(tx: Session, alert: Alert, staff: Staff, channel: str, now: datetime) -> bool:
    """Whether this repeat goes into a digest. The first page of an alert is always a message of its own."""
    if not any(each.staff_id == staff.id and each.loop < alert.loop for each in alerts.pages(tx, alert.id)):
        return False
    return alerts.recent_pages_to(tx, staff.id, channel, now - STORM_WINDOW) >= DIGEST_FROM


def _into_digest(act: Act, page: Page, staff: Staff, contact: Contact) -> None:
    """Let one message carry the repeats of many alerts to one person."""
    channel = outbox_channel(act.clinic, contact)
    digest = alerts.digest_to(act.tx, staff.id, channel, act.now - DIGEST_EVERY)
    if digest is None:
        address = people.address_of(act.tx, contact)
        outgoing = staff_cards.digest(act.clinic, act.tx, staff, address)
        digest = outbox.put(
            act.tx,
            outgoing,
            kind=OutboxKind.PAGE,
            now=act.now,
            lane=Lane.ALERT,
            channel=channel,
            staff_id=staff.id,
        )
    page.outbox_id = digest.id
    act.tx.add(page)
    act.tx.flush()


def tell_staff(
    act: Act,
    staff: Staff,
    text: str,
    *,
    alert_id: str | None = None,
    buttons: staff_cards.Buttons = (),
) -> Outbox | None:
    """Queue a notice to one member's own chat, if they have one."""
    chat_id = people.chat_of(act.tx, staff)
    if chat_id is None:
        return None
    return outbox.put(
        act.tx, Outgoing(OutgoingKind.MESSAGE, chat_id, text, buttons), kind=OutboxKind.NOTICE, now=act.now,
        lane=Lane.ALERT, channel=chat_channel(act.clinic), staff_id=staff.id, alert_id=alert_id,
    )  # fmt: skip


def page_one(act: Act, alert: Alert, staff: Staff) -> int:
    """Page one named person on their first channel, outside the tiers."""
    alerts.change(act.tx, alert, loop=alert.loop + 1)
    return _page_person(act, alert, staff, 1, news=True)


def send_card(act: Act, alert: Alert, staff: Staff) -> None:
    """Send the card to somebody who asked for it; it follows the alert like a page."""
    outgoing = staff_cards.page(act, alert, act.patient_of(alert), staff)
    if outgoing is not None:
        outbox.put(
            act.tx, outgoing, kind=OutboxKind.PAGE, now=act.now, lane=Lane.ALERT,
            channel=chat_channel(act.clinic), staff_id=staff.id, alert_id=alert.id,
        )  # fmt: skip


def refresh_cards(act: Act, alert: Alert) -> None:
    """Change every card of the alert, on every phone, to say how it stands now."""
    patient = act.patient_of(alert)
    seen: set[str] = set()
    for row in reversed(alerts.cards(act.tx, alert.id, CHAT_CHANNELS)):
        staff = people.active(act.tx, row.staff_id)
        if staff is None:
            continue
        newest = staff.id not in seen
        seen.add(staff.id)
        outgoing = staff_cards.card(act, alert, patient, staff, buttons=newest)
        if outgoing is not None:
            outbox.put(
                act.tx, outgoing, kind=OutboxKind.EDIT, now=act.now, lane=Lane.ALERT, channel=row.channel,
                staff_id=staff.id, alert_id=alert.id, edits=row.id,
            )  # fmt: skip
