"""What the clinic does about the fate of a message, in the transaction that records it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.content import Wording
from bot.flows import alerts, privacy
from bot.flows.clinic import Clinic
from bot.flows.talk import Talk
from bot.message import Failure
from storage import audit, patients, staff
from storage.tables import Outbox, OutboxKind, Patient, Staff
from storage.vault import chat_hash


class ClinicHooks:
    """Delivery's hooks: pages climb on, lost chats are noted, moved chats are followed."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic

    def sent(self, tx: Session, row: Outbox, now: datetime) -> None:
        if row.kind == OutboxKind.PAGE:
            alerts.page_sent(self._clinic, tx, row, now)

    def failed(self, tx: Session, row: Outbox, failure: Failure, now: datetime) -> None:
        if row.kind == OutboxKind.PAGE:
            alerts.page_failed(self._clinic, tx, row, failure, now)
        if failure == Failure.DEAD_ADDRESS:
            self._patient_lost(tx, row, now)
        audit.record(tx, now, "system", "outbox.failed", f"outbox:{row.id}", failure=failure.value)

    def _patient_lost(self, tx: Session, row: Outbox, now: datetime) -> None:
        """A patient who cannot be reached any more is somebody's business: the coordinators hear of it."""
        patient = tx.get(Patient, row.patient_id) if row.patient_id and not row.staff_id else None
        if patient is not None and patient.chat_hash == row.chat_hash:
            privacy.blocked(Talk(self._clinic, tx, patient, now))

    def delayed(self, tx: Session, row: Outbox, wait: timedelta, now: datetime) -> None:
        alerts.page_failed(self._clinic, tx, row, Failure.WAIT, now)

    def moved(self, tx: Session, row: Outbox, old_chat_id: int, new_chat_id: int, now: datetime) -> None:
        """Follow the person or group to the new chat."""
        hashed = chat_hash(tx, old_chat_id)
        patient = tx.exec(select(Patient).where(col(Patient.chat_hash) == hashed)).first()
        member = tx.exec(select(Staff).where(col(Staff.chat_hash) == hashed)).first()
        if patient is not None:
            patients.link_chat(tx, patient, new_chat_id)
        if member is not None:
            staff.link_chat(tx, member, new_chat_id, now)
        audit.record(tx, now, "system", "chat.moved", f"outbox:{row.id}")

    def plain_line(self, tx: Session, row: Outbox) -> str:
        key = "delivery.plain_page" if row.kind == OutboxKind.PAGE else "delivery.plain"
        return self._words(tx, row).say(key)

    def as_repeat(self, tx: Session, row: Outbox, text: str) -> str:
        # Not `say` with the text as a value: direction marks around a whole message help nobody.
        return self._words(tx, row).sentences["delivery.repeat"].replace("{text}", text)

    def _words(self, tx: Session, row: Outbox) -> Wording:
        """The words in the language of whoever the message is for."""
        who = tx.get(Staff, row.staff_id) if row.staff_id else None
        if who is None and row.patient_id:
            patient = tx.get(Patient, row.patient_id)
            return self._clinic.content.wording(patient.language if patient else "en")
        return self._clinic.content.wording(who.language if who else "en")
