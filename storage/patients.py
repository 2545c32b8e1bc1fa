"""Patients: finding one by chat or code, enrolling, linking the chat, and keeping their words."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from storage.ids import new_id
from storage.tables import Message, Patient, PatientStatus, Site
from storage.vault import chat_hash, new_patient_key, seal, unseal


def by_chat(tx: Session, chat_id: int) -> Patient | None:
    """Return the patient this chat is linked to, locked until the transaction ends."""
    wanted = select(Patient).where(col(Patient.chat_hash) == chat_hash(tx, chat_id))
    return tx.scalars(wanted.with_for_update()).first()


def by_chat_hash(tx: Session, hashed: str) -> Patient | None:
    return tx.scalars(select(Patient).where(col(Patient.chat_hash) == hashed)).first() if hashed else None


def by_code(tx: Session, code: str) -> Patient | None:
    """Return the patient with this code, however it was typed; erased ones are not found."""
    patient = tx.scalars(select(Patient).where(col(Patient.code) == code.strip().upper())).first()
    return patient if patient and patient.status != PatientStatus.ERASED else None


def locked(tx: Session, patient_id: str) -> Patient | None:
    """Return a patient, read anew and locked: what was true before waiting may not be now."""
    return tx.get(Patient, patient_id, with_for_update=True, populate_existing=True)


def enrol(
    tx: Session,
    site_id: str,
    now: datetime,
    *,
    language: str,
    zone: str,
    protocol: str = "",
    letter: str = "K",
) -> Patient:
    """Create a patient who is invited and has no chat yet, under the site's next free code."""
    patient = Patient(
        id=new_id(now),
        site_id=site_id,
        code=_next_code(tx, site_id, letter),
        language=language,
        zone=zone,
        created_at=now,
    )
    patient.protocol = protocol or patient.protocol
    tx.add(patient)
    new_patient_key(tx, patient.id)
    return patient


def site_row(tx: Session, site_id: str) -> Site:
    """Return the site's row, locked; it is made when the content has a site the database never saw."""
    site = tx.get(Site, site_id, with_for_update=True)
    if site is None:
        site = Site(id=site_id)
        tx.add(site)
        tx.flush()
    return site


def _next_code(tx: Session, site_id: str, letter: str) -> str:
    site = site_row(tx, site_id)
    while True:
        code = f"{letter}-{site.next_patient_number:04d}"
        site.next_patient_number += 1
        taken = tx.scalar(select(func.count()).where(col(Patient.code) == code))
        if not taken:
            return code


def link_chat(tx: Session, patient: Patient, chat_id: int) -> None:
    """Tie the patient to a chat; from now on whoever writes there is this patient."""
    seal(tx, patient, "chat_sealed", str(chat_id))
    patient.chat_hash = chat_hash(tx, chat_id)
    tx.flush()


def chat_of(tx: Session, patient: Patient) -> int | None:
    """Return the patient's chat, None when there is none yet or any more."""
    chat = unseal(tx, patient, "chat_sealed")
    return int(chat) if chat else None


def keep_message(
    tx: Session,
    patient: Patient,
    now: datetime,
    *,
    kind: str,
    text: str | None,
    sent_at: datetime,
    message_id: int | None = None,
    incoming: bool = True,
    check_in_id: str | None = None,
    staff_id: str | None = None,
) -> Message:
    """Keep words as written. Another text under the same message id becomes its next version."""
    message = Message(
        id=new_id(now),
        patient_id=patient.id,
        incoming=incoming,
        kind=kind,
        message_id=message_id,
        version=_versions(tx, patient, incoming, message_id) + 1,
        check_in_id=check_in_id,
        staff_id=staff_id,
        sent_at=sent_at,
        received_at=now,
    )
    if text is not None:
        seal(tx, message, "text_sealed", text)
    tx.add(message)
    tx.flush()
    return message


def _versions(tx: Session, patient: Patient, incoming: bool, message_id: int | None) -> int:
    if message_id is None:
        return 0
    kept = select(func.max(Message.version)).where(
        col(Message.patient_id) == patient.id,
        col(Message.incoming) == incoming,
        col(Message.message_id) == message_id,
    )
    return tx.scalar(kept) or 0


def messages_since(tx: Session, patient_id: str, since: datetime) -> int:
    """Return how many messages of the patient were received since an instant."""
    received = select(func.count(col(Message.id))).where(
        col(Message.patient_id) == patient_id, col(Message.received_at) >= since
    )
    return tx.scalar(received) or 0


def last_words_to(tx: Session, patient: Patient) -> Message | None:
    """Return the latest message a clinician wrote to the patient."""
    written = select(Message).where(col(Message.patient_id) == patient.id, col(Message.incoming).is_(False))
    return tx.scalars(written.order_by(col(Message.id).desc()).limit(1)).first()


def pauses_over(tx: Session, now: datetime, limit: int) -> list[Patient]:
    """Return patients whose pause has run out, locked."""
    over = select(Patient).where(
        col(Patient.status) == PatientStatus.PAUSED, col(Patient.paused_until) <= now
    )
    return list(tx.scalars(over.limit(limit).with_for_update(skip_locked=True)))
