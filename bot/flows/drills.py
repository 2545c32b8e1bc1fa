"""Drills: a marked test page through every real channel of whoever is on call, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from bot.care.oncall import TIERS
from bot.flows import pages, roster
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.message import Button, ButtonStyle, Failure, Outgoing, OutgoingKind
from storage import marks, outbox
from storage import staff as people
from storage.ids import new_id
from storage.tables import Contact, ContactState, Drill, Lane, Outbox, OutboxKind, OutboxState, Role, Staff

EVERY = timedelta(days=1)
ANSWER_WITHIN = timedelta(minutes=30)
MARK = "drill:"


def daily(clinic: Clinic, now: datetime) -> int:
    """Start the daily drill of every site that had none for a day, while the clinic is open."""
    return sum(_daily_at(clinic, site_id, now) for site_id in clinic.content.sites)


def _daily_at(clinic: Clinic, site_id: str, now: datetime) -> int:
    return clinic.db.run(lambda tx: _if_due(Act(clinic, tx, now), site_id))


def _if_due(act: Act, site_id: str) -> int:
    """The first day only starts the count: people who have just joined are not drilled at once."""
    last = marks.mark(act.tx, f"{MARK}{site_id}")
    if last is None:
        marks.set_mark(act.tx, f"{MARK}{site_id}", act.now)
        return 0
    hours = roster.hours_of(act.clinic.content.sites.get(site_id))
    if act.now - last.at < EVERY or not hours.is_open(act.now):
        return 0
    return start(act, site_id, by="system")


def start(act: Act, site_id: str, *, by: str) -> int:
    """Send a test page to each person on call, through every channel; return how many pages."""
    marks.set_mark(act.tx, f"{MARK}{site_id}", act.now)
    on_call = (roster.on_call_now(act.tx, site_id, tier, act.now) for tier in TIERS)
    chosen = {each.id: each for each in on_call if each is not None}
    sent = sum(
        _test(act, staff, contact)
        for staff in chosen.values()
        for contact in people.usable_contacts(act.tx, staff)
    )
    act.record(by, "drill.started", f"site:{site_id}", people=len(chosen), pages=sent)
    return sent


def test_contact(act: Act, staff: Staff, contact: Contact) -> None:
    """Send a test page through one channel, for somebody setting up how they are reached."""
    _test(act, staff, contact)


def _test(act: Act, staff: Staff, contact: Contact) -> bool:
    drill = Drill(
        id=new_id(act.now), site_id=staff.site_id, staff_id=staff.id, channel=contact.channel, sent_at=act.now
    )
    outgoing = _outgoing(act, staff, contact, drill)
    if outgoing is None:
        return False
    row = outbox.put(
        act.tx, outgoing, kind=OutboxKind.PAGE, now=act.now, lane=Lane.ALERT,
        channel=pages.outbox_channel(act.clinic, contact), staff_id=staff.id,
    )  # fmt: skip
    drill.outbox_id = row.id
    act.tx.add(drill)
    act.tx.flush()
    return True


def _outgoing(act: Act, staff: Staff, contact: Contact, drill: Drill) -> Outgoing | None:
    words = act.words(staff)
    if contact.channel != people.TELEGRAM:
        address = people.address_of(act.tx, contact)
        return Outgoing(OutgoingKind.MESSAGE, 0, words.say("staff.drill.outside"), address=address)
    chat_id = people.chat_of(act.tx, staff)
    if chat_id is None:
        return None
    seen = Button(words.say("staff.drill.button"), f"k:drill:{drill.id}", ButtonStyle.PRIMARY)
    return Outgoing(OutgoingKind.MESSAGE, chat_id, words.say("staff.drill.page"), ((seen,),))


def accepted(tx: Session, row: Outbox, now: datetime) -> None:
    """Called when a page was sent: when it was a drill's, its channel is known to take messages."""
    drill = tx.scalars(select(Drill).where(col(Drill.outbox_id) == row.id)).first()
    if drill is None:
        return
    drill.accepted_at = now
    tx.add(drill)
    theirs = (col(Contact.staff_id) == drill.staff_id, col(Contact.channel) == drill.channel)
    tx.execute(update(Contact).where(*theirs).values(last_success_at=now))


def answered(act: Act, drill_id: str, staff: Staff) -> timedelta | None:
    """Note that the person pressed the drill's button; their channels count as verified.

    Returns how long it took, None when the drill is not theirs or was answered before.
    """
    drill = act.tx.get(Drill, drill_id)
    if drill is None or drill.staff_id != staff.id or drill.claimed_at is not None:
        return None
    drill.claimed_at = act.now
    act.tx.add(drill)
    theirs = (col(Contact.staff_id) == staff.id, col(Contact.channel) == drill.channel)
    act.tx.execute(
        update(Contact).where(*theirs).values(state=ContactState.VERIFIED, last_success_at=act.now)
    )
    act.record(f"staff:{staff.id}", "drill.answered", f"drill:{drill.id}")
    return act.now - drill.sent_at


def unanswered(clinic: Clinic, now: datetime) -> int:
    """Tell the admins of drills in chats that nobody answered in time; the contact counts as unverified."""
    return clinic.db.run(lambda tx: _unanswered(Act(clinic, tx, now)))


def _unanswered(act: Act) -> int:
    late = select(Drill).where(
        col(Drill.claimed_at).is_(None),
        col(Drill.failed).is_(False),
        col(Drill.sent_at) <= act.now - ANSWER_WITHIN,
    )
    found = act.tx.scalars(late.limit(50).with_for_update(skip_locked=True)).all()
    for drill in found:
        if drill.channel != people.TELEGRAM and drill.accepted_at is not None:
            drill.claimed_at = (
                drill.accepted_at
            )  # an outside channel has no button: taking it is all it can do
            act.tx.add(drill)
            continue
        drill.failed = True
        act.tx.add(drill)
        outbox.cancel(
            act.tx, drill.outbox_id or ""
        )  # a test that comes hours late wakes somebody for nothing
        _tell_admins(act, drill)
    return len(found)


def _tell_admins(act: Act, drill: Drill) -> None:
    staff = people.active(act.tx, drill.staff_id)
    if staff is None:
        return
    theirs = (col(Contact.staff_id) == staff.id, col(Contact.channel) == drill.channel)
    live = col(Contact.state) != ContactState.BLOCKED
    act.tx.execute(update(Contact).where(*theirs, live).values(state=ContactState.UNVERIFIED))
    act.record("system", "drill.unanswered", f"drill:{drill.id}")
    for other in people.at_site(act.tx, drill.site_id, (Role.ADMIN, Role.COORDINATOR)):
        words = act.words(other)
        pages.tell_staff(
            act, other, words.say("staff.drill.unanswered", name=staff.name, channel=drill.channel)
        )


def failed(act: Act, row: Outbox, failure: Failure) -> None:
    """Called when a page was refused for good: when it was a drill's, the person and the admins hear it now.

    An address outside the chat that cannot be used is off until another is set.
    """
    drill = act.tx.scalars(select(Drill).where(col(Drill.outbox_id) == row.id)).first()
    staff = people.active(act.tx, drill.staff_id) if drill else None
    if drill is None or staff is None or row.state != OutboxState.FAILED:
        return
    drill.failed = True
    act.tx.add(drill)
    if failure is Failure.DEAD_ADDRESS and drill.channel != people.TELEGRAM:
        theirs = (col(Contact.staff_id) == staff.id, col(Contact.channel) == drill.channel)
        act.tx.execute(update(Contact).where(*theirs).values(state=ContactState.BLOCKED))
    act.record("system", "drill.failed", f"drill:{drill.id}", failure=failure.value)
    admins = people.at_site(act.tx, drill.site_id, (Role.ADMIN, Role.COORDINATOR))
    for other in {each.id: each for each in (staff, *admins)}.values():
        said = act.words(other).say("staff.drill.failed", name=staff.name, channel=drill.channel)
        pages.tell_staff(act, other, said)
