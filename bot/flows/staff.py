"""What a member of staff does in a chat: every press and every command is authorised again, now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from bot.flows import (
    pages,
    staff_alerts,
    staff_contacts,
    staff_lists,
    staff_patients,
    staff_record,
    staff_rota,
    staff_write,
)
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.flows.desk import Desk
from bot.flows.look import Look, command_of
from bot.message import Reply, ReplyKind
from storage import staff as people
from storage.tables import ContactState, Invite, Role, Staff

MENU = (
    "alerts", "today", "oncall", "patients", "patient", "chart", "treated", "write", "invite", "take",
    "contacts", "drill", "week", "language", "help",
)  # fmt: skip
SILENT = (ReplyKind.UNBLOCKED, ReplyKind.ADDED, ReplyKind.REMOVED)


def receive_staff(
    clinic: Clinic, tx: Session, staff: Staff, reply: Reply, now: datetime, look: Look | None = None
) -> None:
    """Act on what a member of staff wrote or pressed.

    `staff` is the row as it is at this moment: someone who left is a stranger by now, and what a button
    asks for is checked against role, site and chat each time.
    """
    desk = Desk(Act(clinic, tx, now), staff, reply, look)
    if reply.kind is ReplyKind.BLOCKED:
        _blocked(desk)
    elif reply.kind is ReplyKind.TAP:
        _pressed(desk)
    elif reply.kind in SILENT:
        return
    elif not reply.private:
        desk.tell_privately("staff.only_private")
    elif reply.kind is ReplyKind.TEXT:
        _wrote(desk)
    else:
        desk.tell("staff.only_text")


def join(clinic: Clinic, tx: Session, invite: Invite, reply: Reply, now: datetime) -> Staff:
    """Make the person who brought a valid staff invite a member with its role, and greet them."""
    act = Act(clinic, tx, now)
    site = clinic.content.sites.get(invite.site_id)
    code = reply.language_code[:2].lower()
    staff = people.add(
        tx, invite.site_id, invite.staff_name or invite.role or "", Role(invite.role or Role.CLINICIAN), now,
        language=code if code in clinic.content.languages else "en", zone=site.zone if site else "UTC",
    )  # fmt: skip
    people.link_chat(tx, staff, reply.chat_id, now)
    invite.used_at = now
    tx.add(invite)
    act.record(f"staff:{staff.id}", "staff.joined", f"staff:{staff.id}", role=staff.role)
    desk = Desk(act, staff, reply)
    desk.tell("staff.welcome", name=staff.name, role=desk.words.say(f"staff.role.{staff.role}"))
    _show_menu(desk)
    return staff


def _show_menu(desk: Desk) -> None:
    desk.set_menu(tuple((name, desk.words.say(f"staff.menu.{name}")) for name in MENU))


def _blocked(desk: Desk) -> None:
    """They blocked the bot: their chat is no way to reach them until they come back."""
    for contact in people.contacts(desk.act.tx, desk.staff.id):
        if contact.channel == people.TELEGRAM:
            people.set_contact_state(desk.act.tx, contact.id, ContactState.BLOCKED)
    desk.record("staff.blocked_bot", f"staff:{desk.staff.id}")
    for other in people.at_site(desk.act.tx, desk.staff.site_id, (Role.COORDINATOR, Role.ADMIN)):
        if other.id != desk.staff.id:
            words = desk.act.words(other)
            said = words.say("staff.contact_dead", name=desk.staff.name, channel=people.TELEGRAM)
            pages.tell_staff(desk.act, other, said)


PRESSES: dict[str, Callable[[Desk], bool]] = {
    "a": staff_alerts.pressed,
    "k": staff_contacts.pressed,
    "t": staff_patients.pressed,
    "r": staff_record.pressed,
    "o": staff_write.pressed,
}


def _pressed(desk: Desk) -> None:
    prefix = desk.reply.data.partition(":")[0]
    press = PRESSES.get(prefix)
    if press is None or not press(desk):
        desk.refuse()


def _wrote(desk: Desk) -> None:
    command = command_of(desk.reply.text)
    if command is not None:
        _command(desk, *command)
    elif not _go_on(desk, desk.reply.text):
        desk.tell("staff.no_dialogue")


def _command(desk: Desk, name: str, rest: str) -> None:
    desk.set_step("")
    _come_back(desk)
    command = COMMANDS.get(name)
    if command is None:
        desk.tell("staff.unknown_command")
    else:
        command(desk, rest)


def _come_back(desk: Desk) -> None:
    """Whoever writes can be reached: a chat that was blocked is a way again."""
    for contact in people.contacts(desk.act.tx, desk.staff.id):
        if contact.channel == people.TELEGRAM and contact.state == ContactState.BLOCKED:
            people.set_contact_state(desk.act.tx, contact.id, ContactState.UNVERIFIED)


def _go_on(desk: Desk, text: str) -> bool:
    """Take typed words as the rest of an unfinished dialogue; False when there is none."""
    step, _, subject = desk.staff.step.partition(":")
    dialogue = DIALOGUES.get(step)
    if dialogue is None:
        return False
    desk.set_step("")
    dialogue(desk, subject, text)
    return True


def _help(desk: Desk, rest: str) -> None:
    del rest
    _show_menu(desk)
    desk.tell("staff.help")


def _language(desk: Desk, rest: str) -> None:
    code = rest.lower()
    if code not in desk.act.clinic.content.languages:
        desk.tell("staff.language_unknown", known=", ".join(sorted(desk.act.clinic.content.languages)))
        return
    desk.staff.language = code
    desk.act.tx.add(desk.staff)
    desk.act.tx.flush()
    _show_menu(desk)
    desk.tell("staff.language_set")


COMMANDS: dict[str, Callable[[Desk, str], None]] = {
    "start": _help,
    "help": _help,
    "language": _language,
    "alerts": staff_lists.list_open,
    "today": staff_record.show_today,
    "chart": staff_record.show_chart,
    "week": staff_lists.show_week,
    "oncall": staff_rota.show_on_call,
    "take": staff_rota.take_over,
    "drill": staff_rota.drill,
    "patients": staff_patients.list_patients,
    "patient": staff_patients.show_patient,
    "treated": staff_patients.record_treated,
    "invite": staff_patients.make_invite,
    "write": staff_write.command,
    "contacts": staff_contacts.show,
}

DIALOGUES: dict[str, Callable[[Desk, str, str], None]] = {
    "write": staff_write.typed,
    "opening": staff_write.typed_more,
    "outcome": staff_alerts.outcome_words,
    "contact": staff_contacts.address_words,
}
