"""The week in a few lines, for coordinators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, SQLModel, col

from bot.content.protocols import WEEKDAYS
from bot.flows import caseload, pages
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from storage import alerts, marks
from storage import staff as people
from storage.tables import (
    Alert,
    CheckIn,
    CheckInStatus,
    Patient,
    PatientStatus,
    Role,
    Staff,
    Treatment,
    TreatmentStatus,
)

WEEK = timedelta(days=7)


def weekly(clinic: Clinic, now: datetime) -> int:
    """Send each site's coordinators the week, once it is time; return how many were told."""
    return sum(_weekly(clinic, site_id, now) for site_id in clinic.content.sites)


def _weekly(clinic: Clinic, site_id: str, now: datetime) -> int:
    """Put the words together without writing, so that nothing urgent waits for them."""
    due_at = last_due(clinic, site_id, now)
    with clinic.db.reading() as tx:
        mark = marks.mark(tx, _name(site_id))
        if mark is not None and mark.at >= due_at:
            return 0
        told = people.at_site(tx, site_id, (Role.COORDINATOR,)) if mark is not None else []
        texts = [weekly_digest(clinic, tx, site_id, now, each.language, each.zone) for each in told]
    return clinic.db.run(lambda tx: _send(Act(clinic, tx, now), site_id, due_at, told, texts))


def last_due(clinic: Clinic, site_id: str, now: datetime) -> datetime:
    """Return the latest instant, not after `now`, at which the site's digest was to go out."""
    site, when = clinic.content.sites[site_id], clinic.content.conduct.digest
    local = now.astimezone(ZoneInfo(site.zone))
    back = (local.weekday() - WEEKDAYS.index(when.weekday)) % len(WEEKDAYS)
    at = datetime.combine(local.date() - timedelta(days=back), when.at, local.tzinfo)
    return at if at <= local else at - WEEK


def _name(site_id: str) -> str:
    return f"digest:{site_id}"


def _send(act: Act, site_id: str, due_at: datetime, told: Sequence[Staff], texts: Sequence[str]) -> int:
    """Send it once: the mark is looked at again. A site seen for the first time has no week yet."""
    mark = marks.mark(act.tx, _name(site_id))
    if mark is not None and mark.at >= due_at:
        return 0
    marks.set_mark(act.tx, _name(site_id), act.now)
    active = {each.id for each in people.at_site(act.tx, site_id, (Role.COORDINATOR,))}
    pairs = [(staff, text) for staff, text in zip(told, texts, strict=True) if staff.id in active]
    for staff, text in pairs:
        pages.tell_staff(act, staff, text)
        act.record("system", "digest.sent", f"staff:{staff.id}")
    return len(pairs)


def weekly_digest(clinic: Clinic, tx: Session, site_id: str, now: datetime, language: str, zone: str) -> str:
    """Return the last seven days of a site in words: numbers and patient codes, nobody's answers."""
    say = clinic.content.wording(language).say
    start = now - WEEK
    found = caseload.entries(clinic, tx, site_id, now)
    raised = _count(tx, Alert, col(Alert.site_id) == site_id, _within(Alert.raised_at, start, now))
    false_alarms = _count(
        tx, Alert, col(Alert.site_id) == site_id, _within(Alert.raised_at, start, now), col(Alert.false_alarm)
    )
    return "\n".join(
        (
            say("record.digest.head", start=_day(start, zone), end=_day(now, zone)),
            _people(tx, site_id, start, now, say),
            _check_ins(tx, site_id, start, now, say),
            say(
                "record.digest.alerts", alerts=raised, open=len(alerts.unresolved(tx, site_id)),
                false_alarms=false_alarms,
            ),
            _codes(say, "silent", (each.code for each in found if each.silent)),
            _codes(say, "worse", (each.code for each in found if each.worse)),
        )
    )  # fmt: skip


def _people(tx: Session, site_id: str, start: datetime, now: datetime, say: Any) -> str:
    here = col(Patient.site_id) == site_id
    given = _count(
        tx, Treatment, _of_site(Treatment.patient_id, site_id), _within(Treatment.ended_at, start, now),
        col(Treatment.status) == TreatmentStatus.GIVEN,
    )  # fmt: skip
    active = _count(tx, Patient, here, col(Patient.status) == PatientStatus.ACTIVE)
    return str(say("record.digest.patients", active=active, treatments=given))


def _check_ins(tx: Session, site_id: str, start: datetime, now: datetime, say: Any) -> str:
    closed = (_of_site(CheckIn.patient_id, site_id), _within(CheckIn.closes_at, start, now))
    sent = _count(tx, CheckIn, *closed, col(CheckIn.sent_at).is_not(None))
    answered = _count(
        tx, CheckIn, *closed, col(CheckIn.status).in_([CheckInStatus.ANSWERED, CheckInStatus.PARTIAL])
    )
    missed = _count(tx, CheckIn, *closed, col(CheckIn.status) == CheckInStatus.MISSED)
    share = round(100 * answered / sent) if sent else 0
    return str(say("record.digest.checkins", sent=sent, answered=answered, share=share, missed=missed))


def _codes(say: Any, key: str, codes: Iterable[str]) -> str:
    return str(say(f"record.digest.{key}", codes=", ".join(codes) or say("record.digest.nobody")))


def _count(tx: Session, table: type[SQLModel], *conditions: ColumnElement[bool] | Any) -> int:
    return tx.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def _of_site(patient_id: Any, site_id: str) -> ColumnElement[bool]:
    return col(patient_id).in_(select(col(Patient.id)).where(col(Patient.site_id) == site_id))


def _within(column: Any, start: datetime, end: datetime) -> ColumnElement[bool]:
    return (col(column) > start) & (col(column) <= end)


def _day(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d")
