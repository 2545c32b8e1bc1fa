"""Treatments: recording, moving and cancelling one, and planning the check-ins that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.protocol import Dose, PlannedCheckIn, Protocol, QuietHours
from bot.care.replan import Existing, replan
from bot.care.schedule import expand
from bot.care.unasked import Unasked
from bot.flows.clinic import Clinic
from bot.flows.talk import Talk
from storage import audit, checkins, patients
from storage.ids import new_id
from storage.tables import CheckIn, CheckInStatus, Treatment, TreatmentStatus

SAME_WITHIN = timedelta(hours=1)
OWN = "own-"  # keys of check-ins the patient started
READING = f"{OWN}reading-"  # keys of second readings: a patient is waited for, whatever is planned anew


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
    increased: bool = False,
) -> Recorded:
    """Record that the patient with this code was treated, and plan what follows.

    Raises:
        NoPatient: nobody has this code.
    """

    def work(tx: Session) -> Recorded:
        patient = patients.by_code(tx, code)
        if patient is None:
            raise NoPatient(code)
        talk = Talk(clinic, tx, patient, now)
        return record(talk, ended_at, by, protocol=protocol, at_home=at_home, increased=increased)

    return clinic.db.run(work)


def record(
    talk: Talk,
    ended_at: datetime,
    by: str,
    *,
    protocol: str | None = None,
    at_home: bool | None = None,
    increased: bool = False,
) -> Recorded:
    """Record a treatment and plan its check-ins; the same one told twice is recognised.

    `increased` says that the dose was higher than the one before; it may be told afterwards.

    Raises:
        KeyError: the content has no such protocol.
    """
    patients.locked(talk.tx, talk.patient.id)
    before = checkins.treatments(talk.tx, talk.patient.id)
    same = next((each for each in before if abs(each.ended_at - ended_at) <= SAME_WITHIN), None)
    if same is not None:
        if increased and not same.increased:
            _raise(talk, same, by)
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
        increased=increased,
        zone=talk.patient.zone,
        recorded_by=by,
        created_at=talk.now,
    )
    talk.tx.add(treatment)
    talk.tx.flush()
    subject = f"treatment:{treatment.id}"
    audit.record(talk.tx, talk.now, by, "treatment.recorded", subject, increased=increased)
    plan(talk)
    return Recorded(treatment, False, _still_to_come(talk))


def _raise(talk: Talk, treatment: Treatment, by: str) -> None:
    """Note afterwards that the dose was higher than the one before, and plan what that asks for."""
    treatment.increased = True
    talk.tx.add(treatment)
    talk.tx.flush()
    audit.record(talk.tx, talk.now, by, "treatment.dose_raised", f"treatment:{treatment.id}")
    plan(talk)


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
        to_come = check_in.status in (CheckInStatus.PLANNED, CheckInStatus.OPEN)
        if to_come and not check_in.key.startswith(READING):
            _supersede(talk, check_in, Unasked.CANCELLED)
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
    changes = replan(_expanded(talk, protocol, treatments), *_stored(talk, treatments), talk.now)
    rows = {each.id: each for each in _rows(talk, treatments)}
    for planned in changes.add:
        if planned.closes_at > talk.now:  # what was over before anybody planned it was never missed
            _write(talk, planned, None)
    for row_id, planned in changes.rewrite:
        _write(talk, planned, rows[row_id])
    for row_id, closes_at in changes.shorten:
        rows[row_id].closes_at = max(closes_at, rows[row_id].due_at + timedelta(minutes=1))
    for row_id in changes.supersede:
        _supersede(talk, rows[row_id], Unasked.SUPERSEDED)
    talk.tx.flush()


def _rows(talk: Talk, treatments: Sequence[Treatment]) -> list[CheckIn]:
    """Return the check-ins planned after these treatments; those the patient started are not planned."""
    rows = (each for one in treatments for each in checkins.of_treatment(talk.tx, one.id).values())
    return [each for each in rows if not each.key.startswith(OWN)]


def _stored(talk: Talk, treatments: Sequence[Treatment]) -> tuple[list[Existing], list[tuple[str, str]]]:
    """Return what is still to come or open, and the keys of what is over. Skipped ahead counts as to come."""
    live, over = [], []
    for row in _rows(talk, treatments):
        ahead = row.status == CheckInStatus.SKIPPED and row.due_at > talk.now
        if row.status in (CheckInStatus.PLANNED, CheckInStatus.OPEN) or ahead:
            is_open = row.status == CheckInStatus.OPEN
            live.append(Existing(row.id, row.treatment_id, row.key, row.due_at, row.closes_at, is_open))
        else:
            over.append((row.treatment_id, row.key))
    return live, over


def _course(treatments: list[Treatment], gap: timedelta) -> list[Treatment]:
    """Return the treatments of the present course: one that comes later than `gap` begins a new one."""
    course: list[Treatment] = []
    for each in treatments:
        if course and each.ended_at - course[-1].ended_at > gap:
            course = []
        course.append(each)
    return course


def _expanded(talk: Talk, protocol: Protocol, treatments: list[Treatment]) -> list[PlannedCheckIn]:
    doses = [Dose(each.ended_at, each.id, each.increased, each.zone) for each in treatments]
    patient = talk.patient
    quiet = QuietHours(time.fromisoformat(patient.quiet_from), time.fromisoformat(patient.quiet_to))
    return expand(protocol, doses, ZoneInfo(patient.zone), quiet, since=patient.consent_at or talk.now)


def _write(talk: Talk, planned: PlannedCheckIn, there: CheckIn | None) -> None:
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


def _supersede(talk: Talk, check_in: CheckIn, why: Unasked) -> None:
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
