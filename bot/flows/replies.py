"""Every reply comes in here: one transaction each, safe to run twice, whoever wrote it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot.care.level import Finding
from bot.flows import alerts, conversation, look, staff, strangers
from bot.flows.clinic import Clinic
from bot.flows.talk import CHANNELS, Talk
from bot.message import Outgoing, OutgoingKind, Reply, ReplyKind
from storage import audit, inbox, outbox, patients
from storage import staff as colleagues
from storage.tables import Inbox, OutboxKind, Patient

NOT_HANDLED = "a message could not be processed"


def receive_reply(clinic: Clinic, reply: Reply, now: datetime) -> None:
    """Act on one reply: what it says, what follows from it, and that it was handled, together."""
    seen = look.ahead(clinic, reply, now)
    clinic.db.run(lambda tx: _receive(clinic, tx, reply, now, seen))


def _receive(clinic: Clinic, tx: Session, reply: Reply, now: datetime, seen: look.Look | None) -> None:
    if not inbox.mark_done(tx, reply.bot, reply.update_id, now):
        return
    if reply.kind is ReplyKind.REMOVED:
        return
    if reply.kind is ReplyKind.ADDED:
        _leave(clinic, tx, reply, now)
        return
    colleague = colleagues.by_chat(tx, reply.sender_id)
    if colleague is not None:
        staff.receive_staff(clinic, tx, colleague, reply, now, seen)
        return
    patient = patients.by_chat(tx, reply.sender_id)
    if patient is not None:
        conversation.receive(Talk(clinic, tx, patient, now, seen), reply)
    elif reply.private:
        strangers.receive(clinic, tx, reply, now)


def _leave(clinic: Clinic, tx: Session, reply: Reply, now: datetime) -> None:
    """Say why, and leave a group or channel: other people can read along there."""
    words = clinic.content.wording(strangers.language_of(clinic, reply))
    channel = CHANNELS.get(reply.bot, "telegram")
    said = Outgoing(OutgoingKind.MESSAGE, reply.chat_id, words.say("patient.group.leaving"))
    outbox.put(tx, said, kind=OutboxKind.NOTICE, now=now, channel=channel)
    left = Outgoing(OutgoingKind.LEAVE, reply.chat_id)
    outbox.put(tx, left, kind=OutboxKind.MENU, now=now, channel=channel)
    audit.record(tx, now, "system", "group.left", f"update:{reply.update_id}")


def set_aside(clinic: Clinic, bot: str, update_id: int, now: datetime) -> None:
    """Give up on an update that could not be handled, and see that a person hears of it."""
    clinic.db.run(lambda tx: _set_aside(clinic, tx, bot, update_id, now))


def _set_aside(clinic: Clinic, tx: Session, bot: str, update_id: int, now: datetime) -> None:
    if not inbox.mark_dead(tx, bot, update_id, now):
        return
    audit.record(tx, now, "system", "update.set_aside", f"update:{update_id}", bot=bot)
    row = tx.get(Inbox, (bot, update_id))
    patient = _patient_of(tx, row) if row else None
    if row is not None and patient is not None:
        level = clinic.content.conduct.unreadable.failed
        finding = Finding("UNK-1", level, facts=(NOT_HANDLED,), told="M4")
        alerts.raise_findings(clinic, tx, patient, (finding,), now, replied_at=row.received_at)
        return
    for site_id in clinic.content.sites:
        alerts.raise_system(clinic, tx, site_id, "SYS-1", now, ("an update was set aside",))


def _patient_of(tx: Session, row: Inbox) -> Patient | None:
    return tx.get(Patient, row.patient_id) if row.patient_id else patients.by_chat_hash(tx, row.chat_hash)
