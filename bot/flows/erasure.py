"""Erasing a patient for good, once, with a receipt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from bot.flows.clinic import Clinic
from storage import audit, erasure
from storage.tables import Audit, Patient


class EraseRefused(Exception):
    """The patient was not erased. The message is one line: why, and the next step."""


@dataclass(frozen=True)
class Receipt:
    """Proof of an erasure: when it happened and how many rows of each table were emptied.

    `already` is true when it had been done before; the receipt is then the first one's. `scrubbed`
    is false while a reader still holds old pages of the database file; the next tick tries again.
    """

    code: str
    erased_at: datetime
    rows: dict[str, int]
    audit_line: int
    already: bool = False
    scrubbed: bool = True


def erase(clinic: Clinic, code: str, now: datetime, actor: str, with_alert: bool = False) -> Receipt:
    """Erase everything a patient wrote and every way to reach them.

    The data key goes, and with it every copy of their words; queued messages are cancelled. An
    alert that nobody has resolved stands in the way unless `with_alert`, because it would go out
    with the patient.

    Raises:
        EraseRefused: there is no such patient, or an alert about them is open.
        StorageError: the database cannot be used; nothing was erased.
    """
    receipt = clinic.db.run(lambda tx: _erase_in(tx, code, now, actor, with_alert))
    return replace(receipt, scrubbed=clinic.db.scrub())


def _erase_in(tx: Session, code: str, now: datetime, actor: str, with_alert: bool) -> Receipt:
    patient = erasure.by_code(tx, code)
    if patient is None:
        raise EraseRefused(
            f"{code}: there is no patient with this code; see the codes with: aftercare patients"
        )
    if line := erasure.receipt_line(tx, patient):
        return _receipt(patient, line, already=True)
    if not with_alert:
        _refuse_while_needed(tx, patient)
    erasure.close_alerts(tx, patient, now)
    rows = erasure.erase(tx, patient, now)
    audit.record(tx, now, actor, erasure.ACTION, f"patient:{patient.id}", rows=rows, with_alert=with_alert)
    audit.write_pending(tx)
    line = erasure.receipt_line(tx, patient)
    assert line is not None
    return _receipt(patient, line)


def _receipt(patient: Patient, line: Audit, already: bool = False) -> Receipt:
    return Receipt(patient.code, line.at, line.details["rows"], line.number, already)


def _refuse_while_needed(tx: Session, patient: Patient) -> None:
    if alerts := erasure.open_alerts(tx, patient):
        raise EraseRefused(
            f"{patient.code}: {len(alerts)} alert(s) about this patient are not resolved; resolve them first,"
            " or erase them too with: --with-alert"
        )
    if unread := erasure.unread_updates(tx, patient):
        raise EraseRefused(
            f"{patient.code}: {unread} message(s) from this patient are not read yet; try again when the bot"
            " has read them, or erase them too with: --with-alert"
        )
