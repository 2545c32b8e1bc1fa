"""Treatments: recording, moving and cancelling one, and planning the check-ins that follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.protocol import Dose, PlannedCheckIn, Protocol, QuietHours
from bot.care.schedule import expand
from bot.flows.clinic import Clinic
from bot.flows.talk import Talk
from storage import audit, checkins, patients
from storage.ids import new_id
from storage.tables import CheckIn, CheckInStatus, Treatment, TreatmentStatus

SAME_WITHIN = timedelta(hours=1)
SUPERSEDED_BY_DOSE = "a later treatment"
CANCELLED = "the treatment was cancelled"
OWN = "own-"  # keys of check-ins the patient started


class NoPatient(Exception):
    """There is no patient with this code."""


@dataclass(frozen=True)
class Recorded:
    """What recording a treatment came to. `known` is true when it had been recorded before."""

    treatment: Treatment
    known: bool
    planned: int  # check-ins still to come


def record_treatment(
    clinic: Clinic,
    code: str,
    ended_at: datetime,
    by: str,
    now: datetime,
    *,
    protocol: str | None = None,
    at_home: bool | None = None,
) -> Recorded:
    """Record that the patient with this code was treated, and plan what follows.

    Raises:
        NoPatient: nobody has this code.
    """

    def work(tx: Session) -> Recorded:
        patient = patients.by_code(tx, code)
        if patient is None:
            raise NoPatient(code)
        return record(Talk(clinic, tx, patient, now), ended_at, by, protocol=protocol, at_home=at_home)

    return clinic.db.run(work)


def record(
    talk: Talk, ended_at: datetime, by: str, *, protocol: str | None = None, at_home: bool | None = None
) -> Recorded:
    """Record a treatment and plan its check-ins; the same one told twice is recognised.

    Raises:
        KeyError: the content has no such protocol.
    """
    patients.locked(talk.tx, talk.patient.id)
    before = checkins.treatments(talk.tx, talk.patient.id)
    same = next((each for each in before if abs(each.ended_at - ended_at) <= SAME_WITHIN), None)
    if same is not None:
        return Recorded(same, True, _still_to_come(talk))
    chosen = talk.clinic.content.protocols[protocol or talk.patient.protocol]
    talk.patient.protocol = chosen.id
    treatment = Treatment(
        id=new_id(talk.now),
        patient_id=talk.patient.id,
        protocol=chosen.id,
        ended_at=ended_at,
        number=len(before) + 1,
        at_home=chosen.at_home if at_home is None else at_home,
        zone=talk.patient.zone,
        recorded_by=by,
        created_at=talk.now,
    )
    talk.tx.add(treatment)
    talk.tx.flush()
    audit.record(talk.tx, talk.now, by, "treatment.recorded", f"treatment:{treatment.id}")
    plan(talk)
    return Recorded(treatment, False, _still_to_come(talk))


def move(talk: Talk, treatment: Treatment, ended_at: datetime, by: str) -> None:
    """Correct when a treatment ended. Check-ins already sent stay; the others are planned again."""
    before = treatment.ended_at
    treatment.ended_at = ended_at
    talk.tx.add(treatment)
    talk.tx.flush()
    subject = f"treatment:{treatment.id}"
    audit.record(talk.tx, talk.now, by, "treatment.moved", subject, before=before, after=ended_at)
    plan(talk)


def cancel(talk: Talk, treatment: Treatment, by: str) -> None:
    """Take back a treatment that did not happen. Check-ins already answered stay."""
    treatment.status = TreatmentStatus.CANCELLED
    talk.tx.add(treatment)
    talk.tx.flush()
    for check_in in checkins.of_treatment(talk.tx, treatment.id).values():
        if check_in.status in (CheckInStatus.PLANNED, CheckInStatus.OPEN):
            _supersede(talk, check_in, CANCELLED)
    audit.record(talk.tx, talk.now, by, "treatment.cancelled", f"treatment:{treatment.id}")
    plan(talk)


def plan(talk: Talk) -> None:
    """Bring the planned check-ins in line with the treatments, the zone and the quiet hours.

    What was sent or answered stays as it is; only what is still to come is moved, added or dropped.
    """
    given = checkins.treatments(talk.tx, talk.patient.id)
    if not given:
        return
    protocol = talk.clinic.content.protocols[given[-1].protocol]
    treatments = _course(given, protocol.follows_for)
    wanted = _expanded(talk, protocol, treatments)
    kept = {(each.treatment_id, each.key): each for t in treatments for each in _of(talk, t)}
    for planned in wanted:
        _put_in_place(talk, planned, kept.pop((planned.treatment_id, planned.key), None))
    for check_in in kept.values():
        live = check_in.status in (CheckInStatus.PLANNED, CheckInStatus.OPEN)
        if live and not check_in.key.startswith(OWN):
            _supersede(talk, check_in, SUPERSEDED_BY_DOSE)
    talk.tx.flush()


def _course(treatments: list[Treatment], gap: timedelta) -> list[Treatment]:
    """Return the treatments of the present course: one that comes later than `gap` begins a new one."""
    course: list[Treatment] = []
    for each in treatments:
        if course and each.ended_at - course[-1].ended_at > gap:
            course = []
        course.append(each)
    return course


def _of(talk: Talk, treatment: Treatment) -> list[CheckIn]:
    return list(checkins.of_treatment(talk.tx, treatment.id).values())


def _expanded(talk: Talk, protocol: Protocol, treatments: list[Treatment]) -> list[PlannedCheckIn]:
    doses = [Dose(each.ended_at, each.id, zone=each.zone) for each in treatments]
    patient = talk.patient
    quiet = QuietHours(time.fromisoformat(patient.quiet_from), time.fromisoformat(patient.quiet_to))
    return expand(protocol, doses, ZoneInfo(patient.zone), quiet, since=patient.consent_at or talk.now)


def _put_in_place(talk: Talk, planned: PlannedCheckIn, there: CheckIn | None) -> None:
    if there is not None and not _may_move(there, talk.now):
        return
    if there is None and planned.closes_at <= talk.now:
        return  # over before anybody planned it: nothing to send and nothing missed
    check_in = there or CheckIn(
        id=new_id(talk.now),
        patient_id=talk.patient.id,
        treatment_id=planned.treatment_id,
        key=planned.key,
        kind=planned.kind,
        zone=talk.patient.zone,
    )
    check_in.kind = planned.kind
    check_in.due_at, check_in.closes_at = planned.due_at, planned.closes_at
    check_in.zone = talk.patient.zone
    check_in.night_on = planned.night_on
    check_in.items = list(planned.items)
    check_in.reminders = [each.isoformat() for each in planned.reminders]
    check_in.status = CheckInStatus.SKIPPED if planned.reason else CheckInStatus.PLANNED
    check_in.reason = planned.reason
    check_in.content_version = talk.clinic.content.version
    talk.tx.add(check_in)


def _may_move(check_in: CheckIn, now: datetime) -> bool:
    """Return whether a check-in is still to come; what was skipped in the past stays skipped."""
    skipped_ahead = check_in.status == CheckInStatus.SKIPPED and check_in.due_at > now
    return check_in.status == CheckInStatus.PLANNED or skipped_ahead


def _supersede(talk: Talk, check_in: CheckIn, why: str) -> None:
    was_open = check_in.status == CheckInStatus.OPEN
    check_in.status = CheckInStatus.SUPERSEDED
    check_in.reason = why
    check_in.item_id = ""
    check_in.remind_at = None
    talk.tx.add(check_in)
    if was_open:
        text = talk.say("patient.card.replaced")
        talk.change(check_in.card_outbox_id, text, check_in_id=check_in.id)


def _still_to_come(talk: Talk) -> int:
    return len(checkins.with_status(talk.tx, talk.patient.id, CheckInStatus.PLANNED))
