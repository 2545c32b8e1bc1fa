"""What takes long of /today, /chart and /history, done before the transaction that answers: an urgent
reply never waits for a picture to be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.export.chart import course_chart
from bot.flows.caseload import Entry, entries
from bot.flows.clinic import Clinic
from bot.flows.courses import course_data
from bot.message import Reply, ReplyKind
from storage import patients
from storage import staff as people
from storage.tables import PatientStatus

TODAY, CHART, HISTORY = "today", "chart", "history"
DRAWN = (PatientStatus.ACTIVE, PatientStatus.PAUSED)


@dataclass(frozen=True)
class Look:
    """What was found for a member of staff of one site, or for a patient about themselves.

    Whoever shows it checks again who may see it.
    """

    site_id: str
    found: tuple[Entry, ...] = ()
    patient_id: str = ""
    picture: bytes = b""
    words: str = ""


def command_of(text: str) -> tuple[str, str] | None:
    """Return the name of a typed command and what follows it, None when it is none."""
    if not text.strip().startswith("/"):
        return None
    name, _, rest = text.strip()[1:].partition(" ")
    return name.partition("@")[0].lower(), rest.strip()


def ahead(clinic: Clinic, reply: Reply, now: datetime) -> Look | None:
    """Return what /today and /chart will show staff, and /history a patient; None for all else."""
    if reply.kind is not ReplyKind.TEXT or not reply.private:
        return None
    name, rest = command_of(reply.text) or ("", "")
    if name == TODAY:
        return _today(clinic, reply, now)
    if name == HISTORY:
        return _own(clinic, reply, now)
    return _chart(clinic, reply, rest, now) if name == CHART and rest else None


def _today(clinic: Clinic, reply: Reply, now: datetime) -> Look | None:
    with clinic.db.reading() as tx:
        staff = people.by_chat(tx, reply.sender_id)
        return Look(staff.site_id, found=entries(clinic, tx, staff.site_id, now)) if staff else None


def _chart(clinic: Clinic, reply: Reply, code: str, now: datetime) -> Look | None:
    with clinic.db.reading() as tx:
        staff = people.by_chat(tx, reply.sender_id)
        patient = patients.by_code(tx, code) if staff else None
        if staff is None or patient is None or patient.site_id != staff.site_id:
            return None
        if patient.status == PatientStatus.ERASED:
            return None
        course = course_data(clinic, tx, patient, now, staff.language)
    picture, words = course_chart(course)
    return Look(staff.site_id, patient_id=patient.id, picture=picture, words=words)


def _own(clinic: Clinic, reply: Reply, now: datetime) -> Look | None:
    """Return a patient's own course in their language; None when there is nothing to draw."""
    with clinic.db.reading() as tx:
        patient = patients.by_chat(tx, reply.sender_id)
        if patient is None or patient.status not in DRAWN:
            return None
        course = course_data(clinic, tx, patient, now, patient.language, own=True)
    if not course.lines:
        return None
    picture, words = course_chart(course)
    return Look(patient.site_id, patient_id=patient.id, picture=picture, words=words)
