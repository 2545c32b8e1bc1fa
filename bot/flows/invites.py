"""Invites: making one for a patient or for staff, and opening one that somebody brings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.flows import pages
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.message import Reply
from storage import audit, invites, marks, patients
from storage import staff as colleagues
from storage.tables import Invite, Patient
from storage.vault import chat_hash

LONGEST_NAME = 60
PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Invitation:
    """A new invite. `code` is shown once and kept nowhere; `link` is empty until the bot has a name."""

    code: str
    link: str
    expires_at: datetime
    patient_code: str = ""


def invite_patient(
    clinic: Clinic,
    tx: Session,
    site_id: str,
    by: str,
    now: datetime,
    *,
    language: str = "en",
    zone: str = "",
    protocol: str = "",
) -> Invitation:
    """Create a patient at a site and the invite that links their chat.

    Raises:
        KeyError: the content has no such site or protocol.
    """
    site = clinic.content.sites[site_id]
    if protocol:
        protocol = clinic.content.protocols[protocol].id
    patient = patients.enrol(tx, site_id, now, language=language, zone=zone or site.zone, protocol=protocol)
    return invite_again(clinic, tx, patient, by, now)


def invite_again(clinic: Clinic, tx: Session, patient: Patient, by: str, now: datetime) -> Invitation:
    """Make a new invite for a patient: the first one, or one for a new phone."""
    expires_at = now + timedelta(days=clinic.content.conduct.invites.valid_days)
    code = invites.make(tx, patient.site_id, now, expires_at=expires_at, by=by, patient_id=patient.id)
    audit.record(tx, now, by, "invite.made", f"patient:{patient.id}")
    return Invitation(code, link(tx, code), expires_at, patient.code)


def invite_staff(
    clinic: Clinic, tx: Session, site_id: str, by: str, now: datetime, *, role: str, name: str
) -> Invitation:
    """Make an invite for a member of staff.

    Raises:
        KeyError: the content has no such site.
    """
    site = clinic.content.sites[site_id]
    patients.site_row(tx, site.id)
    expires_at = now + timedelta(days=clinic.content.conduct.invites.valid_days)
    code = invites.make(
        tx, site.id, now, expires_at=expires_at, by=by, role=role, staff_name=shown_name(name)
    )
    audit.record(tx, now, by, "invite.made", f"site:{site.id}", role=role)
    return Invitation(code, link(tx, code), expires_at)


def shown_name(name: str) -> str:
    """Return a name as one short line without invisible characters: it stands on every colleague's card."""
    visible = "".join(
        " " if each.isspace() else each for each in name if each.isprintable() or each.isspace()
    )
    return " ".join(visible.split())[:LONGEST_NAME]


def link(tx: Session, code: str) -> str:
    """Return the link that opens the bot with this code, "" while the bot's name is not known."""
    named = marks.mark(tx, "bot:care")
    return f"https://t.me/{named.value}?start={code}" if named and named.value else ""


@dataclass(frozen=True)
class Opened:
    """An invite somebody brought: the valid invite, or the wording key of what is wrong with it."""

    invite: Invite | None
    problem: str = ""


def open_invite(clinic: Clinic, tx: Session, payload: str, reply: Reply, now: datetime) -> Opened:
    """Look up an invite. Wrong ones are counted, and a chat that keeps guessing is not answered."""
    if _guesses(clinic, tx, reply, now) >= clinic.content.conduct.invites.most_guesses:
        return Opened(None, "patient.invite.too_many")
    if not PAYLOAD.fullmatch(payload):
        return _wrong(clinic, tx, reply, now, "patient.invite.unreadable")
    invite = invites.find(tx, payload)
    if invite is None:
        return _wrong(clinic, tx, reply, now, "patient.invite.forged")
    if invite.used_at is not None:
        return Opened(None, "patient.invite.used")
    if invite.expires_at <= now:
        return Opened(None, "patient.invite.expired")
    return Opened(invite)


def use(tx: Session, invite: Invite, now: datetime) -> None:
    invite.used_at = now
    tx.add(invite)
    tx.flush()


def _mark_name(tx: Session, reply: Reply) -> str:
    return f"guesses:{chat_hash(tx, reply.chat_id)}"


def _guesses(clinic: Clinic, tx: Session, reply: Reply, now: datetime) -> int:
    mark = marks.mark(tx, _mark_name(tx, reply))
    counted = timedelta(minutes=clinic.content.conduct.invites.guess_minutes)
    recent = mark is not None and now - mark.at < counted
    return int(mark.value) if mark and recent else 0


def _wrong(clinic: Clinic, tx: Session, reply: Reply, now: datetime, problem: str) -> Opened:
    """Count a wrong code; the admin is told once, when the chat reaches the limit."""
    guesses = _guesses(clinic, tx, reply, now) + 1
    marks.set_mark(tx, _mark_name(tx, reply), now, str(guesses))
    audit.record(tx, now, "stranger", "invite.refused", f"update:{reply.update_id}", guesses=guesses)
    if guesses == clinic.content.conduct.invites.most_guesses:
        _tell_admins(Act(clinic, tx, now))
    return Opened(None, problem)


def _tell_admins(act: Act) -> None:
    count = act.clinic.content.conduct.invites.most_guesses
    for site_id in act.clinic.content.sites:
        for staff in colleagues.at_site(act.tx, site_id, ("coordinator", "admin")):
            pages.tell_staff(act, staff, act.words(staff).say("patient.staff.guessing", count=count))
