"""From recorded rows to the plain course the structured rules look at, and from there to findings."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.baseline import baseline
from bot.care.course import Answered, Course, Dose, Earlier, Score, Window
from bot.care.level import Finding, Level
from bot.flows.clinic import Clinic
from storage import alerts, checkins
from storage.tables import (
    CheckIn,
    CheckInStatus,
    Patient,
    Response,
    ResponseStatus,
    Treatment,
    TreatmentStatus,
)

logger = logging.getLogger(__name__)
LOOK_BACK = timedelta(days=120)
EARLIER = timedelta(days=14)
OVER = (CheckInStatus.ANSWERED, CheckInStatus.PARTIAL, CheckInStatus.MISSED)
UNREADABLE = "UNK-1"


def assess(
    clinic: Clinic,
    tx: Session,
    patient: Patient,
    now: datetime,
    *,
    changed: Collection[str] = (),
    check_in: CheckIn | None = None,
    closed: CheckIn | None = None,
) -> tuple[Finding, ...]:
    """Return what the structured rules say about what was just recorded, most urgent first.

    `changed` are the items just answered in `check_in`; `closed` is a check-in whose window is over. A
    rule that breaks is a finding of its own: what could not be judged must be seen by a person.
    """
    try:
        course = course_of(clinic, tx, patient, now, changed=changed, check_in=check_in, closed=closed)
        found: tuple[Finding, ...] = clinic.content.rules.assess(course)
        return found
    except Exception as error:
        logger.error("rules.broke", extra={"patient": patient.id, "error": type(error).__name__})
        level = clinic.content.conduct.unreadable.failed
        return (Finding(UNREADABLE, level, facts=("a rule could not be run",), told="M4"),)


def course_of(
    clinic: Clinic,
    tx: Session,
    patient: Patient,
    now: datetime,
    *,
    changed: Collection[str] = (),
    check_in: CheckIn | None = None,
    closed: CheckIn | None = None,
) -> Course:
    """Return a patient's course as recorded: what stands now, nothing that was superseded."""
    treatments = checkins.treatments(tx, patient.id)
    windows = _check_ins(tx, patient, now)
    responses = _responses(tx, patient, now)
    answers = tuple(_answered(each) for each in responses)
    scores, completed = _scores(clinic, windows, responses, check_in)
    return Course(
        now=now,
        zone=patient.zone,
        changed=frozenset(changed) | completed,
        check_in_id=check_in.id if check_in else "",
        closed=_window(closed, treatments, answers) if closed else None,
        quiet_since=_heard_last(answers, treatments),
        answers=answers,
        doses=tuple(
            Dose(each.ended_at, each.at_home) for each in treatments if each.status == TreatmentStatus.GIVEN
        ),
        windows=tuple(_window(each, treatments, answers) for each in windows if each.closes_at <= now),
        scores=scores,
        earlier=_earlier(tx, patient, now),
        baselines=_baselines(clinic, answers, treatments, patient),
    )


def _check_ins(tx: Session, patient: Patient, now: datetime) -> Sequence[CheckIn]:
    wanted = select(CheckIn).where(
        col(CheckIn.patient_id) == patient.id,
        col(CheckIn.status).in_([*OVER, CheckInStatus.OPEN]),
        col(CheckIn.due_at) > now - LOOK_BACK,
    )
    return tx.scalars(wanted.order_by(col(CheckIn.closes_at), col(CheckIn.id))).all()


def _responses(tx: Session, patient: Patient, now: datetime) -> Sequence[Response]:
    wanted = select(Response).where(
        col(Response.patient_id) == patient.id,
        col(Response.superseded).is_(False),
        col(Response.status) == ResponseStatus.ANSWERED,
        col(Response.answered_at) > now - LOOK_BACK,
    )
    return tx.scalars(wanted.order_by(col(Response.answered_at), col(Response.id))).all()


def _answered(response: Response) -> Answered:
    return Answered(
        response.item_id, response.answered_at, response.value, response.code, response.check_in_id or ""
    )


def _window(check_in: CheckIn, treatments: Sequence[Treatment], answers: Iterable[Answered]) -> Window:
    at_home = any(each.at_home for each in treatments if each.id == check_in.treatment_id)
    answered = any(each.check_in_id == check_in.id for each in answers)
    return Window(check_in.kind, check_in.closes_at, answered, at_home, check_in.id)


def _heard_last(answers: Sequence[Answered], treatments: Sequence[Treatment]) -> datetime | None:
    times = [each.at for each in answers] + [each.ended_at for each in treatments]
    return max(times, default=None)


def _scores(
    clinic: Clinic, windows: Sequence[CheckIn], responses: Sequence[Response], current: CheckIn | None
) -> tuple[tuple[Score, ...], frozenset[str]]:
    """Return every complete total, oldest first, and which were completed in the current check-in."""
    by_check_in: dict[str, dict[str, Response]] = {}
    for each in responses:
        by_check_in.setdefault(each.check_in_id or "", {})[each.item_id] = each
    scores: list[Score] = []
    completed: set[str] = set()
    for check_in in windows:
        given = by_check_in.get(check_in.id, {})
        for instrument in clinic.content.instruments.values():
            total = next((each for each in instrument.scores if each.key == "total"), None)
            if total is None or not all(
                item in given and given[item].value is not None for item in total.items
            ):
                continue
            at = max(given[item].answered_at for item in total.items)
            value = sum(given[item].value or 0 for item in total.items)
            scores.append(Score(instrument.id, at, value))
            if current is not None and check_in.id == current.id:
                completed.add(instrument.id)
    return tuple(sorted(scores, key=lambda each: each.at)), frozenset(completed)


def _earlier(tx: Session, patient: Patient, now: datetime) -> tuple[Earlier, ...]:
    rows = alerts.findings_since(tx, patient.id, now - EARLIER)
    return tuple(Earlier(each.rule_id, Level.from_key(each.level), each.found_at) for each in rows)


def _baselines(
    clinic: Clinic, answers: Sequence[Answered], treatments: Sequence[Treatment], patient: Patient
) -> dict[str, float]:
    """Return the patient's own starting points: from the mornings before the course began."""
    given = [each.ended_at for each in treatments if each.status == TreatmentStatus.GIVEN]
    if not given:
        return {}
    first, zone = min(given), ZoneInfo(patient.zone)
    mornings: dict[str, dict[date, float]] = {}
    for each in clinic.content.rules.with_implied(answers):
        if each.value is not None and each.at < first:
            mornings.setdefault(each.item_id, {})[each.at.astimezone(zone).date()] = each.value
    treated_on = first.astimezone(zone).date()
    found = {item_id: baseline(values, treated_on) for item_id, values in mornings.items()}
    return {item_id: each.value for item_id, each in found.items() if each is not None}
