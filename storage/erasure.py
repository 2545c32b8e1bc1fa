"""Erasing a patient: their data key, every sealed word, and whatever leads back to their chat.

What stays are rows without words or address under a code that belongs to nobody any more, so that
counts and alarm times still add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Table, func, or_, select, update
from sqlmodel import Session, SQLModel, col

from bot.care.unasked import Unasked
from storage.inbox import changed
from storage.outbox import UNANSWERED
from storage.tables import (
    Alert,
    AlertState,
    Audit,
    CheckIn,
    CheckInStatus,
    Inbox,
    InboxState,
    Invite,
    Outbox,
    OutboxState,
    Page,
    PageState,
    Patient,
    PatientStatus,
    Staff,
)
from storage.vault import destroy_patient_key

ACTION = "patient.erased"


def by_code(tx: Session, code: str) -> Patient | None:
    """Return the patient with this code, also one already erased; locked until the transaction ends."""
    wanted = select(Patient).where(col(Patient.code) == code.strip().upper())
    return tx.scalars(wanted.with_for_update()).first()


def receipt_line(tx: Session, patient: Patient) -> Audit | None:
    """Return the audit line of this patient's erasure, None when they were never erased."""
    lines = select(Audit).where(col(Audit.action) == ACTION, col(Audit.subject) == f"patient:{patient.id}")
    return tx.scalars(lines.order_by(col(Audit.number)).limit(1)).first()


def open_alerts(tx: Session, patient: Patient) -> list[str]:
    """Return the ids of alerts about this patient that nobody has resolved."""
    unresolved = select(col(Alert.id)).where(
        col(Alert.patient_id) == patient.id, col(Alert.state) != AlertState.RESOLVED
    )
    return list(tx.scalars(unresolved.order_by(col(Alert.id))))


def unread_updates(tx: Session, patient: Patient) -> int:
    """Return how many of the patient's updates wait in the inbox: one of them may be a cry for help."""
    waiting = select(func.count()).where(col(Inbox.state) == InboxState.NEW, _from_them(patient))
    return tx.scalar(waiting) or 0


def _from_them(patient: Patient) -> ColumnElement[bool]:
    return or_(col(Inbox.patient_id) == patient.id, _same_chat(patient, Inbox.chat_hash))


def close_alerts(tx: Session, patient: Patient, now: datetime) -> None:
    """Resolve what is open about this patient: there will be nobody left to help through us."""
    theirs = select(col(Alert.id)).where(col(Alert.patient_id) == patient.id)
    pending = (col(Page.alert_id).in_(theirs), col(Page.state) == PageState.PENDING)
    tx.execute(update(Page).where(*pending).values(state=PageState.CANCELLED))
    unresolved = (col(Alert.patient_id) == patient.id, col(Alert.state) != AlertState.RESOLVED)
    tx.execute(
        update(Alert)
        .where(*unresolved)
        .values(
            state=AlertState.RESOLVED,
            outcome="erased",
            resolved_at=now,
            nobody_reached=False,
            next_action_at=None,
        )
    )


def erase(tx: Session, patient: Patient, now: datetime) -> Mapping[str, int]:
    """Erase one patient and return how many rows of each table lost something sealed."""
    _cancel_sends(tx, patient)
    counts = _empty_sealed(tx, patient)
    _forget_chat(tx, patient, now)
    _end_check_ins(tx, patient, now)
    destroy_patient_key(tx, patient.id)
    patient.status = PatientStatus.ERASED
    patient.chat_sealed = patient.chat_hash = patient.paused_until = None
    patient.step = ""
    tx.flush()
    return counts


def _cancel_sends(tx: Session, patient: Patient) -> None:
    theirs = or_(col(Outbox.patient_id) == patient.id, _same_chat(patient, Outbox.chat_hash))
    waiting = update(Outbox).where(theirs, col(Outbox.state) == OutboxState.PENDING)
    tx.execute(waiting.values(state=OutboxState.CANCELLED))
    on_their_way = update(Outbox).where(theirs, col(Outbox.state).in_(UNANSWERED))
    tx.execute(on_their_way.values(state=OutboxState.UNCERTAIN))


def _same_chat(patient: Patient, column: str) -> ColumnElement[bool]:
    return col(column) == (patient.chat_hash or "no chat")


def _empty_sealed(tx: Session, patient: Patient) -> dict[str, int]:
    """Empty every sealed column of every row that belongs to the patient, in tables of any name."""
    counts = {}
    for table in SQLModel.metadata.sorted_tables:
        sealed = [name for name in dict(table.columns) if name.endswith("_sealed")]
        if sealed and "patient_id" in table.columns:
            counts[table.name] = _empty(tx, table, sealed, patient)
    return {name: count for name, count in counts.items() if count}


def _empty(tx: Session, table: Table, sealed: list[str], patient: Patient) -> int:
    filled = or_(*(table.columns[name].is_not(None) for name in sealed))
    theirs = table.columns["patient_id"] == patient.id
    return changed(tx, update(table).where(theirs, filled).values(dict.fromkeys(sealed)))


def _forget_chat(tx: Session, patient: Patient, now: datetime) -> None:
    """Empty what came from or went to the chat outside the patient's own rows, and its look-up hashes."""
    tx.execute(
        update(Inbox)
        .where(_from_them(patient), col(Inbox.state) == InboxState.NEW)
        .values(state=InboxState.DONE, done_at=now)
    )
    tx.execute(update(Inbox).where(_from_them(patient)).values(raw_sealed=None, chat_hash=""))
    tx.execute(
        update(Outbox).where(_same_chat(patient, Outbox.chat_hash)).values(payload_sealed=None, chat_hash="")
    )
    unused = (col(Invite.patient_id) == patient.id, col(Invite.used_at).is_(None))
    tx.execute(update(Invite).where(*unused).values(used_at=now))
    tx.execute(update(Staff).where(col(Staff.step).contains(patient.id)).values(step=""))


def _end_check_ins(tx: Session, patient: Patient, now: datetime) -> None:
    theirs = update(CheckIn).where(col(CheckIn.patient_id) == patient.id)
    planned = theirs.where(col(CheckIn.status) == CheckInStatus.PLANNED)
    tx.execute(planned.values(status=CheckInStatus.SKIPPED, reason=Unasked.ERASED, finished_at=now))
    opened = theirs.where(col(CheckIn.status) == CheckInStatus.OPEN)
    tx.execute(opened.values(status=CheckInStatus.PARTIAL, reason=Unasked.ERASED, finished_at=now))
