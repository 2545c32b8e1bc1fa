"""The caseload: who is due, silent, getting worse, and what is open. Lists for staff, and a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlmodel import Session, col

from bot.content import Wording
from bot.content.conduct import Caseload
from bot.export.course import CourseData, Line
from bot.flows.clinic import Clinic
from bot.flows.courses import course_data
from storage import alerts, checkins
from storage.tables import CheckIn, CheckInStatus, Patient, PatientStatus, Response

FOLLOWED = (PatientStatus.ACTIVE, PatientStatus.PAUSED, PatientStatus.UNREACHABLE)
LIST_LANGUAGE = "en"  # of the titles in the table of the command line


@dataclass(frozen=True)
class Worse:
    """A rating that moved the wrong way: its middle value before, and in the last days."""

    item_id: str
    title: str
    before: float
    now: float


@dataclass(frozen=True)
class Entry:
    """One patient of the caseload. Times are UTC; `missed` counts check-ins missed since the last answer."""

    code: str
    status: str
    treatment_number: int | None
    treated_at: datetime | None
    open_now: bool
    next_due_at: datetime | None
    heard_at: datetime | None
    missed: int
    silent: bool
    worse: tuple[Worse, ...]
    alerts: tuple[str, ...]  # levels of what is open, most urgent first
    zone: str

    def due_by(self, until: datetime) -> bool:
        return self.open_now or (self.next_due_at is not None and self.next_due_at <= until)

    def as_json(self) -> dict[str, object]:
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def caseload(clinic: Clinic, site_id: str, now: datetime) -> tuple[Entry, ...]:
    """Return everyone followed at a site: open alerts first, then getting worse, then silent."""
    with clinic.db.reading() as tx:
        return entries(clinic, tx, site_id, now)


def entries(clinic: Clinic, tx: Session, site_id: str, now: datetime) -> tuple[Entry, ...]:
    wanted = select(Patient).where(
        col(Patient.site_id) == site_id, col(Patient.status).in_([each.value for each in FOLLOWED])
    )
    found = [_entry(clinic, tx, each, now) for each in tx.scalars(wanted.order_by(col(Patient.code)))]
    return tuple(sorted(found, key=lambda each: (not each.alerts, not each.worse, not each.silent)))


def _entry(clinic: Clinic, tx: Session, patient: Patient, now: datetime) -> Entry:
    treatment = checkins.latest_treatment(tx, patient.id, now)
    heard_at = _heard_at(tx, patient)
    waiting = alerts.unresolved(tx, patient.site_id, patient_id=patient.id)
    missed = _missed_since(tx, patient, heard_at, now)
    return Entry(
        code=patient.code,
        status=patient.status,
        treatment_number=treatment.number if treatment else None,
        treated_at=treatment.ended_at if treatment else None,
        open_now=bool(checkins.with_status(tx, patient.id, CheckInStatus.OPEN)),
        next_due_at=_next_due(tx, patient, now),
        heard_at=heard_at,
        missed=missed,
        silent=missed >= clinic.content.conduct.caseload.silent_after_missed,
        worse=_worse(clinic, tx, patient, heard_at, now),
        alerts=tuple(each.level for each in waiting),
        zone=patient.zone,
    )


def _worse(
    clinic: Clinic, tx: Session, patient: Patient, heard_at: datetime | None, now: datetime
) -> tuple[Worse, ...]:
    numbers = clinic.content.conduct.caseload
    if heard_at is None or heard_at <= now - timedelta(days=numbers.recent_days):
        return ()
    return tuple(getting_worse(course_data(clinic, tx, patient, now, LIST_LANGUAGE), now, numbers))


def _heard_at(tx: Session, patient: Patient) -> datetime | None:
    newest = select(col(Response.answered_at)).where(col(Response.patient_id) == patient.id)
    return tx.scalars(newest.order_by(col(Response.answered_at).desc()).limit(1)).first()


def _next_due(tx: Session, patient: Patient, now: datetime) -> datetime | None:
    planned = select(col(CheckIn.due_at)).where(
        col(CheckIn.patient_id) == patient.id,
        col(CheckIn.status) == CheckInStatus.PLANNED,
        col(CheckIn.closes_at) > now,
    )
    return tx.scalars(planned.order_by(col(CheckIn.due_at)).limit(1)).first()


def _missed_since(tx: Session, patient: Patient, heard_at: datetime | None, now: datetime) -> int:
    missed = select(func.count(col(CheckIn.id))).where(
        col(CheckIn.patient_id) == patient.id,
        col(CheckIn.status) == CheckInStatus.MISSED,
        col(CheckIn.closes_at) <= now,
    )
    if heard_at is not None:
        missed = missed.where(col(CheckIn.due_at) > heard_at)
    return tx.scalar(missed) or 0


def getting_worse(course: CourseData, now: datetime, numbers: Caseload) -> Iterable[Worse]:
    """Yield ratings whose last days are clearly worse than what was usual, or than the days before."""
    since = now - timedelta(days=numbers.recent_days)
    for line in course.lines:
        recent = [value for at, value in line.points if since < at <= now]
        before = _before(line, since, timedelta(days=numbers.compare_days))
        if not recent or before is None or not line.higher_is:
            continue
        change = median(recent) - before
        wrong_way = change if line.higher_is == "worse" else -change
        if 100 * wrong_way >= numbers.worse_by_percent * (line.highest - line.lowest):
            yield Worse(line.key, line.title, before, float(median(recent)))


def _before(line: Line, until: datetime, span: timedelta) -> float | None:
    if line.usual is not None:
        return line.usual.middle
    earlier = [value for at, value in line.points if until - span < at <= until]
    return float(median(earlier)) if len(earlier) >= 2 else None


def as_table(found: Sequence[Entry]) -> str:
    """Return the caseload as lines of text, columns aligned. Times are by each patient's own clock."""
    rows = [COLUMNS, *(_row(each) for each in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    padded = ([text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


COLUMNS = ("Patient", "Status", "Treatment", "Next check-in", "Last heard", "Missed", "Worse", "Alerts")


def _row(each: Entry) -> tuple[str, ...]:
    return (
        each.code,
        each.status,
        f"{each.treatment_number or '-'} ({_local(each.treated_at, each.zone)})",
        "open now" if each.open_now else _local(each.next_due_at, each.zone),
        _local(each.heard_at, each.zone),
        str(each.missed),
        ", ".join(f"{worse.title} {worse.before:g}>{worse.now:g}" for worse in each.worse) or "-",
        ", ".join(each.alerts) or "-",
    )


def _local(at: datetime | None, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") if at else "-"


def today_lines(found: Sequence[Entry], wording: Wording, now: datetime, hours: int) -> tuple[str, ...]:
    """Return who has something open, gets worse, is silent, or is due within `hours`: a line each."""
    groups = {
        "open_head": [each for each in found if each.alerts],
        "worse_head": [each for each in found if each.worse],
        "silent_head": [each for each in found if each.silent],
        "due_head": [each for each in found if each.due_by(now + timedelta(hours=hours))],
    }
    lines = tuple(
        wording.say(f"record.caseload.{key}", codes=", ".join(each.code for each in group), hours=hours)
        for key, group in groups.items()
        if group
    )
    return lines or (wording.say("record.caseload.quiet"),)
