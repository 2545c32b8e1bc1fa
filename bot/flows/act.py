"""One transaction at one moment: what every step of a flow needs to act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.content import Wording
from bot.flows.clinic import Clinic
from storage import audit
from storage.tables import Alert, Patient, Staff


@dataclass(frozen=True)
class Act:
    """The clinic, the transaction everything is kept or dropped with, and the time it is."""

    clinic: Clinic
    tx: Session
    now: datetime

    def words(self, person: Staff | Patient) -> Wording:
        return self.clinic.content.wording(person.language)

    def record(self, actor: str, action: str, subject: str, **details: Any) -> None:
        audit.record(self.tx, self.now, actor, action, subject, **details)

    def patient_of(self, alert: Alert) -> Patient | None:
        return self.tx.get(Patient, alert.patient_id) if alert.patient_id else None
