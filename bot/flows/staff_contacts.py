"""How a member of staff is reached: their channels and order, set and tested from their own chat."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain, count

from bot.flows import drills, pages
from bot.flows.desk import Desk
from bot.message import Button
from storage import inbox
from storage import staff as people
from storage.tables import Contact, ContactState, Staff

VERIFIED_FOR = timedelta(days=30)
MOST = 6
LONGEST_ADDRESS = 500


def show(desk: Desk, rest: str) -> None:
    """/contacts: list the ways to be reached. /contacts NAME: an admin does so for a colleague."""
    owner = _owner(desk, rest)
    if owner is None:
        desk.tell("staff.contacts.not_yours")
        return
    _show(desk, owner)


def _owner(desk: Desk, name: str) -> Staff | None:
    """Return whose contacts these are: one's own, or for an admin a colleague's by name."""
    if not name:
        return desk.staff
    if desk.staff.role != "admin":
        return None
    everyone = people.at_site(desk.act.tx, desk.staff.site_id)
    return next((each for each in everyone if each.name.casefold() == name.casefold()), None)


def _show(desk: Desk, owner: Staff) -> None:
    contacts = people.contacts(desk.act.tx, owner.id)
    lines = [desk.words.say("staff.contacts.head", name=owner.name)]
    rows = []
    for number, each in enumerate(contacts, start=1):
        state = desk.words.say(f"staff.contacts.{state_of(desk, each)}")
        lines.append(f"{number}. {each.channel} · {state}")
        row = [Button(desk.words.say("staff.contacts.test", number=number), f"k:test:{each.id}")]
        if number > 1:
            row.append(Button(desk.words.say("staff.contacts.up", number=number), f"k:up:{each.id}"))
        if each.channel != people.TELEGRAM:
            row.append(Button(desk.words.say("staff.contacts.remove", number=number), f"k:remove:{each.id}"))
        rows.append(tuple(row))
    rows.append((Button(desk.words.say("staff.contacts.add"), f"k:add:{owner.id}"),))
    desk.say("\n".join(lines), buttons=tuple(rows))


def state_of(desk: Desk, contact: Contact) -> str:
    """Return "verified" only while there was a success or an answered drill within 30 days."""
    if contact.state == ContactState.BLOCKED:
        return "blocked"
    fresh = contact.last_success_at is not None and desk.act.now - contact.last_success_at <= VERIFIED_FOR
    return "verified" if fresh else "unverified"


def pressed(desk: Desk) -> bool:
    """Act on a button of the contact list; False when it is not theirs to press."""
    verb, _, row_id = desk.reply.data.removeprefix("k:").partition(":")
    if not desk.reply.private:
        return False
    if verb == "drill":
        return _drill_answered(desk, row_id)
    if verb == "add":
        return _ask_address(desk, row_id)
    contact = desk.act.tx.get(Contact, row_id)
    owner = people.active(desk.act.tx, contact.staff_id) if contact else None
    if contact is None or owner is None or not _may_change(desk, owner):
        return False
    if verb == "test":
        drills.test_contact(desk.act, owner, contact)
        desk.answer(desk.words.say("staff.contacts.tested"))
    elif verb == "up":
        _move_up(desk, owner, contact)
    elif verb == "remove" and contact.channel != people.TELEGRAM:
        _remove(desk, owner, contact)
    else:
        return False
    desk.record(f"contact.{verb}", f"staff:{owner.id}", contact=contact.id, channel=contact.channel)
    return True


def _may_change(desk: Desk, owner: Staff) -> bool:
    return owner.id == desk.staff.id or (desk.staff.role == "admin" and owner.site_id == desk.staff.site_id)


def _drill_answered(desk: Desk, drill_id: str) -> bool:
    took = drills.answered(desk.act, drill_id, desk.staff)
    if took is None:
        return False
    desk.answer(desk.words.say("staff.drill.thanks", seconds=int(took.total_seconds())))
    return True


def _move_up(desk: Desk, owner: Staff, contact: Contact) -> None:
    contacts = people.contacts(desk.act.tx, owner.id)
    place = next(number for number, each in enumerate(contacts) if each.id == contact.id)
    if place > 0:
        contacts[place - 1], contacts[place] = contacts[place], contacts[place - 1]
        people.reorder(desk.act.tx, contacts)
    desk.answer()
    _show(desk, owner)


def _remove(desk: Desk, owner: Staff, contact: Contact) -> None:
    """Block it for good: pages that name it stay readable."""
    contacts = [each for each in people.contacts(desk.act.tx, owner.id) if each.id != contact.id]
    people.set_contact_state(desk.act.tx, contact.id, ContactState.BLOCKED)
    people.reorder(desk.act.tx, [*contacts, contact])
    desk.answer()
    _show(desk, owner)


def _ask_address(desk: Desk, staff_id: str) -> bool:
    owner = people.active(desk.act.tx, staff_id)
    if owner is None or not _may_change(desk, owner):
        return False
    desk.set_step(f"contact:{owner.id}")
    desk.answer()
    desk.tell("staff.contacts.ask")
    return True


def address_words(desk: Desk, staff_id: str, text: str) -> None:
    """Take an address like "ntfy://topic" or "mailto://...": kept sealed, tested at once."""
    owner = people.active(desk.act.tx, staff_id)
    if owner is None or not _may_change(desk, owner):
        desk.tell("staff.refused")
        return
    text = text.strip()
    if "://" in text:
        _forget_written(desk)
    scheme, _, rest = text.partition("://")
    known = people.contacts(desk.act.tx, owner.id)
    in_use = sum(each.state != ContactState.BLOCKED for each in known)
    sound = scheme.isascii() and scheme.isalnum() and rest and len(text) <= LONGEST_ADDRESS
    if not sound or any(each.isspace() for each in text) or in_use >= MOST:
        desk.set_step(f"contact:{owner.id}")
        desk.tell("staff.contacts.ask_again", most=MOST)
        return
    channel = _channel(scheme.lower(), known)
    contact = people.add_contact(desk.act.tx, owner.id, channel, text, desk.act.now)
    desk.record("contact.added", f"staff:{owner.id}", contact=contact.id, channel=channel)
    drills.test_contact(desk.act, owner, contact)
    if owner.id != desk.staff.id:
        words = desk.act.words(owner)
        pages.tell_staff(desk.act, owner, words.say("staff.contacts.changed", name=desk.staff.name))
    _show(desk, owner)


def _forget_written(desk: Desk) -> None:
    """An address holds a password: it stays neither in the chat nor in the update that brought it."""
    desk.delete_written()
    inbox.empty_raw(desk.act.tx, desk.reply.bot, desk.reply.update_id)


def _channel(scheme: str, known: list[Contact]) -> str:
    """Return a name for the channel that the person does not have yet: "ntfy", then "ntfy2"."""
    taken = {each.channel for each in known}
    names = chain([scheme], (f"{scheme}{number}" for number in count(2)))
    return next(each for each in names if each not in taken)
