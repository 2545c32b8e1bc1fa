"""A patient's course, put together from the record for charts, summaries and lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.baseline import WITHIN
from bot.care.course import Answered, Course
from bot.care.instrument import Item, ItemKind
from bot.care.scoring import Score
from bot.content import Wording
from bot.export.course import AlertMark, CourseData, Line, TreatmentMark, Usual
from bot.flows.assessment import course_of
from bot.flows.clinic import Clinic
from storage import checkins
from storage.tables import Alert, CheckIn, CheckInStatus, Patient, TreatmentStatus

RATED = frozenset({ItemKind.SCALE, ItemKind.COUNT, ItemKind.HOURS})
BEFORE = timedelta(days=14)  # shown before the first treatment
LONGEST = timedelta(days=120)
GAPS = (CheckInStatus.MISSED, CheckInStatus.PARTIAL, CheckInStatus.SKIPPED)
LEVELS = ("emergency", "urgent", "same_day", "watch")


def course_data(
    clinic: Clinic, tx: Session, patient: Patient, now: datetime, language: str, *, own: bool = False
) -> CourseData:
    """Return a patient's course up to `now`, in words of `language`.

    `own` leaves out code, alerts and scores of questionnaires: what a patient is shown of themselves.
    """
    wording = clinic.content.wording(language)
    course = course_of(clinic, tx, patient, now)
    start = _start(course, now)
    check_ins = _check_ins(tx, patient, start, now)
    answers = [each for each in course.answers if each.at >= start]
    lines = [*_ratings(clinic, wording, course, answers, check_ins)]
    if not own:
        lines += _scores(clinic, wording, course)
    return CourseData(
        code="" if own else patient.code,
        zone=patient.zone,
        start=start,
        end=now,
        lines=tuple(lines),
        say=wording.say,
        treatments=_treatments(tx, patient, start, now),
        alerts=() if own else _alerts(tx, patient, start),
        levels={level: wording.say(f"record.level.{level}") for level in LEVELS},
    )


def _start(course: Course, now: datetime) -> datetime:
    first = min((dose.ended_at for dose in course.doses), default=now)
    known = min((each.at for each in course.answers), default=first)
    return max(min(known, first), first - BEFORE, now - LONGEST)


def _check_ins(tx: Session, patient: Patient, start: datetime, now: datetime) -> Sequence[CheckIn]:
    wanted = select(CheckIn).where(
        col(CheckIn.patient_id) == patient.id, col(CheckIn.due_at) >= start, col(CheckIn.due_at) <= now
    )
    return tx.scalars(wanted.order_by(col(CheckIn.due_at))).all()


def _treatments(tx: Session, patient: Patient, start: datetime, now: datetime) -> tuple[TreatmentMark, ...]:
    return tuple(
        TreatmentMark(each.ended_at, each.number)
        for each in checkins.treatments(tx, patient.id)
        if each.status == TreatmentStatus.GIVEN and start <= each.ended_at <= now
    )


def _alerts(tx: Session, patient: Patient, start: datetime) -> tuple[AlertMark, ...]:
    wanted = select(Alert).where(col(Alert.patient_id) == patient.id, col(Alert.raised_at) >= start)
    rows = tx.scalars(wanted.order_by(col(Alert.raised_at), col(Alert.id)))
    return tuple(AlertMark(each.raised_at, each.level, each.rule_id) for each in rows)


def _ratings(
    clinic: Clinic,
    wording: Wording,
    course: Course,
    answers: Iterable[Answered],
    check_ins: Sequence[CheckIn],
) -> Iterator[Line]:
    by_item: dict[str, list[Answered]] = {}
    for each in answers:
        if each.value is not None:
            by_item.setdefault(each.item_id, []).append(each)
    for item in clinic.content.items.values():
        if item.id in by_item and item.kind in RATED and item.higher_is and not item.instrument:
            yield _rating(item, wording, course, by_item[item.id], check_ins)


def _rating(
    item: Item, wording: Wording, course: Course, given: Sequence[Answered], check_ins: Sequence[CheckIn]
) -> Line:
    words = wording.items.get(item.id)
    answered = {each.check_in_id for each in given}
    gaps = () if item.asked_when else tuple(
        each.due_at
        for each in check_ins
        if each.status in GAPS and item.id in each.items and each.id not in answered
    )  # fmt: skip
    return Line(
        key=item.id,
        title=(words.short or words.question) if words else item.id,
        lowest=item.lowest,
        highest=item.highest,
        higher_is=item.higher_is,
        unit=item.unit if item.kind is ItemKind.HOURS else "",
        points=tuple((each.at, each.value) for each in given if each.value is not None),
        gaps=gaps,
        usual=_usual(item.id, course, given),
    )


def _usual(item_id: str, course: Course, given: Iterable[Answered]) -> Usual | None:
    """Return what was usual before treatment; None where the rules have no baseline either."""
    middle = course.baselines.get(item_id)
    first = min((dose.ended_at for dose in course.doses), default=None)
    if middle is None or first is None:
        return None
    before = [each.value for each in given if each.value is not None and first - WITHIN <= each.at < first]
    return Usual(min(before, default=middle), middle, max(before, default=middle))


def _scores(clinic: Clinic, wording: Wording, course: Course) -> Iterator[Line]:
    for instrument in clinic.content.instruments.values():
        points = tuple((each.at, each.total) for each in course.scores if each.instrument == instrument.id)
        total = next((each for each in instrument.scores if each.key == "total"), None)
        if points and total:
            title = wording.say("record.chart.total", title=instrument.title)
            highest = total.highest or _highest(clinic, total)
            yield Line(instrument.id, title, total.lowest, highest, "worse", points=points)


def _highest(clinic: Clinic, score: Score) -> float:
    items = (clinic.content.items[each] for each in score.items if each in clinic.content.items)
    return sum(max((o.value or 0 for o in item.options), default=item.highest) for item in items)
