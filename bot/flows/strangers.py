"""People the bot does not know: crisis numbers, where to ask, and invites."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot.flows import enrolment, invites, patients, staff
from bot.flows.clinic import Clinic
from bot.flows.talk import Talk, answer_tap, channel_of
from bot.message import Outgoing, OutgoingKind, Reply, ReplyKind
from storage import outbox
from storage import patients as people
from storage.tables import OutboxKind


def receive(clinic: Clinic, tx: Session, reply: Reply, now: datetime) -> None:
    """Answer somebody unknown: open the invite they bring, or tell them where to turn."""
    if reply.kind in (ReplyKind.BLOCKED, ReplyKind.UNBLOCKED):
        return
    if reply.kind is ReplyKind.TAP:
        answer_tap(tx, reply, now, _say(clinic, reply, "patient.tap.unknown"), alert=True)
        return
    payload = payload_of(reply)
    if not payload:
        tell_where_to_turn(clinic, tx, reply, now)
        return
    opened = invites.open_invite(clinic, tx, payload, reply, now)
    if opened.invite is None:
        tell_where_to_turn(clinic, tx, reply, now, opened.problem)
    elif opened.invite.patient_id is None:
        staff.join(clinic, tx, opened.invite, reply, now)
    else:
        patient = people.locked(tx, opened.invite.patient_id)
        assert patient is not None  # the invite refers to it
        enrolment.begin(Talk(clinic, tx, patient, now), opened.invite, reply)


def payload_of(reply: Reply) -> str:
    """Return what follows "/start", "" when nothing does or it is no such command."""
    if patients.command_of(reply.text) != "start":
        return ""
    return reply.text.partition(" ")[2].strip()


def tell_where_to_turn(
    clinic: Clinic, tx: Session, reply: Reply, now: datetime, problem: str = "patient.stranger.text"
) -> None:
    """Say what the bot is, or what is wrong with an invite, and the numbers of every clinic it serves."""
    language = language_of(clinic, reply)
    lines = [_say(clinic, reply, problem)]
    for site_id in clinic.content.sites:
        values = clinic.content.fill(site_id, language, now)
        lines.append(clinic.content.wording(language).say("patient.stranger.numbers", **values))
    outgoing = Outgoing(OutgoingKind.MESSAGE, reply.chat_id, "\n\n".join(lines))
    outbox.put(tx, outgoing, kind=OutboxKind.NOTICE, now=now, channel=channel_of(reply))


def language_of(clinic: Clinic, reply: Reply) -> str:
    """Return the language the person's phone is set to, when it is one of ours."""
    code = reply.language_code[:2].lower()
    return code if code in clinic.content.languages else "en"


def _say(clinic: Clinic, reply: Reply, key: str) -> str:
    return clinic.content.wording(language_of(clinic, reply)).say(key)
