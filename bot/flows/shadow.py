"""A rule set that records and does not page: tried on the living record before anyone is woken by it."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from bot.care.level import Finding
from bot.flows.clinic import Clinic
from storage.ids import new_id
from storage.tables import CheckIn, FindingRow, Patient
from storage.vault import seal

logger = logging.getLogger(__name__)


def hear(clinic: Clinic, tx: Session, patient: Patient, text: str, now: datetime) -> None:
    """Let the shadow rule set judge what was written."""
    if clinic.shadow is not None and text:
        try:
            found = clinic.shadow.phrases.judge(text)
        except Exception as error:
            logger.error("shadow.broke", extra={"patient": patient.id, "error": type(error).__name__})
            return
        _record(clinic, tx, patient, found, now)


def look(
    clinic: Clinic,
    tx: Session,
    patient: Patient,
    now: datetime,
    *,
    changed: Collection[str] = (),
    check_in: CheckIn | None = None,
    closed: CheckIn | None = None,
) -> None:
    """Let the shadow rule set assess what was just recorded."""
    if clinic.shadow is None:
        return
    from bot.flows.assessment import assess

    other = replace(clinic, content=clinic.shadow, shadow=None)
    found = assess(other, tx, patient, now, changed=changed, check_in=check_in, closed=closed)
    _record(clinic, tx, patient, found, now)


def _record(clinic: Clinic, tx: Session, patient: Patient, found: Sequence[Finding], now: datetime) -> None:
    if clinic.shadow is None:
        return
    for finding in found:
        row = FindingRow(
            id=new_id(now),
            patient_id=patient.id,
            rule_id=finding.rule_id,
            level=finding.level.key,
            rules_version=clinic.shadow.version,
            found_at=now,
            shadow=True,
        )
        seal(tx, row, "evidence_sealed", json.dumps({"words": finding.words, "facts": finding.facts}))
        tx.add(row)
