"""Patients from whom nothing was heard for days: looked at once a day, and each silence told once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from bot.flows import assessment
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.flows.raising import raise_findings
from storage import alerts, marks, patients
from storage.tables import Patient, PatientStatus

logger = logging.getLogger(__name__)
EVERY = timedelta(days=1)
TOLD_FOR = timedelta(days=7)
MARK = "silence"
DONE = "done"
AT_ONCE = 20


def look(clinic: Clinic, now: datetime) -> int:
    """Ask the rules of silence about every active patient, once a day; return how many findings.

    A few patients at each tick: alerts are not kept waiting by a round through thousands.
    """
    with clinic.db.reading() as tx:
        round_ = marks.mark(tx, MARK)
        after = round_.value if round_ else DONE
        began = round_.at if round_ else now
        if after == DONE and round_ is not None and timedelta() <= now - began < EVERY:
            return 0
        after = "" if after == DONE else after
        chosen = _next_patients(tx, after)
    found = sum(_one(clinic, patient_id, now) for patient_id in chosen)
    value = chosen[-1] if len(chosen) == AT_ONCE else DONE
    clinic.db.run(lambda tx: marks.set_mark(tx, MARK, began if after else now, value))
    return found


def _next_patients(tx: Session, after: str) -> list[str]:
    active = select(col(Patient.id)).where(
        col(Patient.status) == PatientStatus.ACTIVE, col(Patient.id) > after
    )
    return list(tx.scalars(active.order_by(col(Patient.id)).limit(AT_ONCE)))


def _one(clinic: Clinic, patient_id: str, now: datetime) -> int:
    try:
        return clinic.db.run(lambda tx: _assess(Act(clinic, tx, now), patient_id))
    except Exception as error:
        logger.error("silence.not_assessed", extra={"patient": patient_id, "error": type(error).__name__})
        return 0


def _assess(act: Act, patient_id: str) -> int:
    patient = patients.locked(act.tx, patient_id)
    if patient is None or patient.status != PatientStatus.ACTIVE:
        return 0
    told = {each.rule_id for each in alerts.findings_since(act.tx, patient.id, act.now - TOLD_FOR)}
    found = assessment.assess(act.clinic, act.tx, patient, act.now)
    new = tuple(each for each in found if each.rule_id not in told)
    raise_findings(act.clinic, act.tx, patient, new, act.now)
    return len(new)
