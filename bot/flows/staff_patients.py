"""Patients as staff see them: by code. Recording a treatment, inviting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from bot.care.said_time import SaidTime, read_time
from bot.flows import invites, treatments
from bot.flows.desk import Desk
from bot.flows.talk import Talk
from bot.message import Button
from storage import alerts, checkins
from storage.tables import CheckInStatus, Patient, PatientStatus, Role, Treatment

LISTED = 40
MAY_INVITE_STAFF = (Role.LEAD, Role.ADMIN)
CANCEL, MOVE = ("cancel", "cancelar"), ("move", "mover")
RAISED = ("raised", "higher", "increased", "subida", "mayor", "aumentada")  # the dose, against the one before


def list_patients(desk: Desk, rest: str) -> None:
    """List the site's patients by code, with status and what is open."""
    del rest
    wanted = select(Patient).where(
        col(Patient.site_id) == desk.staff.site_id, col(Patient.status) != PatientStatus.ERASED
    )
    found = desk.act.tx.scalars(wanted.order_by(col(Patient.code))).all()
    if not found:
        desk.tell("staff.patients.none")
        return
    lines = [_line(desk, each) for each in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(desk.words.say("staff.patients.more", count=len(found) - LISTED))
    desk.record("patients.listed", f"site:{desk.staff.site_id}", count=len(found))
    desk.say("\n".join(lines))


def _line(desk: Desk, patient: Patient) -> str:
    open_alerts = len(alerts.unresolved(desk.act.tx, patient.site_id, patient_id=patient.id))
    status = desk.words.say(f"staff.status.{patient.status}")
    more = f" · {desk.words.say('staff.patients.alerts', count=open_alerts)}" if open_alerts else ""
    return f"{patient.code} · {status}{more}"


def show_patient(desk: Desk, rest: str) -> None:
    """Show one patient: status, treatments, check-ins, open alerts. Not what they wrote."""
    patient = _found(desk, rest)
    if patient is not None:
        desk.record("patient.looked_at", f"patient:{patient.id}")
        desk.say("\n".join(_facts(desk, patient)))


def _facts(desk: Desk, patient: Patient) -> Iterator[str]:
    yield _line(desk, patient)
    yield desk.words.say("staff.patient.settings", language=patient.language, zone=patient.zone)
    given = checkins.treatments(desk.act.tx, patient.id)
    for each in given[-5:]:
        line = desk.words.say("staff.patient.treated", number=each.number, at=_when(desk, each.ended_at))
        yield f"{line} · {desk.words.say('staff.patient.raised')}" if each.increased else line
    if not given:
        yield desk.words.say("staff.page.untreated")
    counts = {status: len(checkins.with_status(desk.act.tx, patient.id, status)) for status in CheckInStatus}
    yield desk.words.say(
        "staff.patient.checkins", answered=counts[CheckInStatus.ANSWERED],
        partial=counts[CheckInStatus.PARTIAL], missed=counts[CheckInStatus.MISSED],
        planned=counts[CheckInStatus.PLANNED],
    )  # fmt: skip


def _found(desk: Desk, code: str) -> Patient | None:
    """Return the patient a command names; unknown, erased and another site's get the same answer."""
    if not code:
        desk.tell("staff.patient.which")
        return None
    patient = desk.patient(code)
    if patient is None:
        desk.tell("staff.patient.unknown")
    return patient


def _when(desk: Desk, at: datetime) -> str:
    return at.astimezone(ZoneInfo(desk.staff.zone)).strftime("%Y-%m-%d %H:%M")


def record_treated(desk: Desk, rest: str) -> None:
    """/treated CODE [when] [raised] | move when | cancel: record, correct or take back a treatment."""
    code, _, said = rest.partition(" ")
    patient = _found(desk, code)
    if patient is None:
        return
    word, _, after = said.strip().partition(" ")
    talk = Talk(desk.act.clinic, desk.act.tx, patient, desk.act.now)
    if word.lower() in CANCEL:
        _cancel(desk, talk)
        return
    moving = word.lower() in MOVE
    when, raised = (after, False) if moving else _without_raised(said)
    read = read_time(when, desk.act.now, desk.staff.zone)
    if read.at is None:
        _ask_again(desk, patient, read)
    elif moving:
        _move(desk, talk, read.at)
    else:
        _record(desk, talk, read.at, raised)


def _ask_again(desk: Desk, patient: Patient, read: SaidTime) -> None:
    desk.tell(f"staff.time.{read.unclear}", code=patient.code, zone=desk.staff.zone)


def _without_raised(said: str) -> tuple[str, bool]:
    """Return what was said without the word for a higher dose, and whether it was there."""
    words = said.split()
    kept = [each for each in words if each.lower().strip(",.") not in RAISED]
    return " ".join(kept), len(kept) < len(words)


def _record(desk: Desk, talk: Talk, at: datetime, raised: bool) -> None:
    recorded = treatments.record(talk, at, desk.actor, increased=raised)
    treatment = recorded.treatment
    key = "staff.treated.known" if recorded.known else "staff.treated.done"
    said = desk.words.say(
        key, code=talk.patient.code, at=_when(desk, treatment.ended_at), planned=recorded.planned,
        zone=desk.staff.zone,
    )  # fmt: skip
    desk.say(f"{said} {desk.words.say('staff.treated.raised')}" if treatment.increased else said)


def _latest(desk: Desk, talk: Talk) -> Treatment | None:
    given = checkins.treatments(desk.act.tx, talk.patient.id)
    if not given:
        desk.tell("staff.treated.none", code=talk.patient.code)
        return None
    return given[-1]


def _move(desk: Desk, talk: Talk, at: datetime) -> None:
    latest = _latest(desk, talk)
    if latest is not None:
        treatments.move(talk, latest, at, desk.actor)
        desk.tell("staff.treated.moved", code=talk.patient.code, at=_when(desk, at), zone=desk.staff.zone)


def _cancel(desk: Desk, talk: Talk) -> None:
    """Ask before taking a treatment back: what follows from it is taken back too."""
    latest = _latest(desk, talk)
    if latest is not None:
        yes = Button(desk.words.say("staff.treated.cancel_yes"), f"t:cancel:{latest.id}")
        at = _when(desk, latest.ended_at)
        desk.tell("staff.treated.cancel_ask", code=talk.patient.code, at=at, buttons=((yes,),))


def pressed(desk: Desk) -> bool:
    """Act on a button about a treatment; False when it asks for nothing this member may do."""
    verb, _, treatment_id = desk.reply.data.removeprefix("t:").partition(":")
    treatment = desk.act.tx.get(Treatment, treatment_id)
    patient = desk.act.tx.get(Patient, treatment.patient_id) if treatment else None
    if verb != "cancel" or treatment is None or patient is None or patient.site_id != desk.staff.site_id:
        return False
    desk.answer()
    if treatment.status == "cancelled":
        desk.tell("staff.treated.cancelled_before", code=patient.code)
        return True
    talk = Talk(desk.act.clinic, desk.act.tx, patient, desk.act.now)
    treatments.cancel(talk, treatment, desk.actor)
    desk.tell("staff.treated.cancelled", code=patient.code)
    return True


def make_invite(desk: Desk, rest: str) -> None:
    """/invite patient [language], or /invite ROLE NAME: a link that works once, for a week."""
    what, _, name = rest.partition(" ")
    if what.lower() in ("patient", "paciente"):
        _invite_patient(desk, name.strip().lower())
    elif what.lower() in tuple(Role):
        _invite_staff(desk, what.lower(), name.strip())
    else:
        desk.tell("staff.invite.how")


def _invite_patient(desk: Desk, language: str) -> None:
    if language and language not in desk.act.clinic.content.languages:
        desk.tell("staff.language_unknown", known=", ".join(sorted(desk.act.clinic.content.languages)))
        return
    invitation = invites.invite_patient(
        desk.act.clinic, desk.act.tx, desk.staff.site_id, desk.actor, desk.act.now, language=language or "en"
    )
    link = invitation.link or f"/start {invitation.code}"
    desk.tell(
        "staff.invite.patient",
        code=invitation.patient_code,
        link=link,
        days=_days(desk, invitation.expires_at),
    )


def _invite_staff(desk: Desk, role: str, name: str) -> None:
    if desk.staff.role not in MAY_INVITE_STAFF:
        desk.tell("staff.invite.not_yours")
        return
    if not name:
        desk.tell("staff.invite.how")
        return
    invitation = invites.invite_staff(
        desk.act.clinic, desk.act.tx, desk.staff.site_id, desk.actor, desk.act.now, role=role, name=name
    )
    link = invitation.link or f"/start {invitation.code}"
    desk.tell("staff.invite.staff", name=name, link=link, days=_days(desk, invitation.expires_at))


def _days(desk: Desk, until: datetime) -> int:
    return (until - desk.act.now) // timedelta(days=1)
