"""Treatments, check-ins and answers: what is due, what is open, what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlmodel import Session, col

from storage.tables import CheckIn, CheckInStatus, Outbox, Response, Treatment, TreatmentStatus

ANSWERABLE = (CheckInStatus.OPEN, CheckInStatus.PARTIAL, CheckInStatus.MISSED, CheckInStatus.ANSWERED)


def claim_due(tx: Session, now: datetime, limit: int) -> list[CheckIn]:
    """Open what is due and return it. Two processes asking at once never get the same check-in.

    Taken by id alone and in no finer order, as this is asked for each of a morning's thousands: SQLite would
    look through, and sort, all of them every time.
    """
    due = (
        select(col(CheckIn.id))
        .where(col(CheckIn.status) == CheckInStatus.PLANNED, col(CheckIn.due_at) <= now)
        .order_by(col(CheckIn.due_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    opened = (
        update(CheckIn)
        .where(col(CheckIn.id).in_(due.scalar_subquery()))
        .values(status=CheckInStatus.OPEN, opened_at=now)
        .returning(CheckIn)
    )
    rows = tx.scalars(opened, execution_options={"synchronize_session": False, "populate_existing": True})
    return sorted(rows, key=lambda each: (each.due_at, each.id))


def claim_reminders(tx: Session, now: datetime, limit: int) -> list[CheckIn]:
    """Return open check-ins with a reminder due, locked."""
    return _locked(
        tx,
        select(CheckIn)
        .where(col(CheckIn.status) == CheckInStatus.OPEN, col(CheckIn.remind_at) <= now)
        .order_by(col(CheckIn.remind_at)),
        limit,
    )


def claim_expired(tx: Session, now: datetime, limit: int) -> list[CheckIn]:
    """Return open check-ins whose window is over, locked."""
    return _locked(
        tx,
        select(CheckIn)
        .where(col(CheckIn.status) == CheckInStatus.OPEN, col(CheckIn.closes_at) <= now)
        .order_by(col(CheckIn.closes_at)),
        limit,
    )


def _locked(tx: Session, wanted: Any, limit: int) -> list[CheckIn]:
    return list(tx.scalars(wanted.limit(limit).with_for_update(skip_locked=True)))


def check_in(tx: Session, check_in_id: str) -> CheckIn | None:
    """Return a check-in, read anew and locked."""
    return tx.get(CheckIn, check_in_id, with_for_update=True, populate_existing=True)


def in_progress(tx: Session, patient_id: str) -> CheckIn | None:
    """Return the check-in a typed answer belongs to: the one opened last that still asks something.

    A missed one counts while it is being answered late, a complete one while an answer is changed,
    but never before one that is open.
    """
    asking = select(CheckIn).where(
        col(CheckIn.patient_id) == patient_id,
        col(CheckIn.status).in_(ANSWERABLE),
        col(CheckIn.item_id) != "",
    )
    open_first = case((col(CheckIn.status) == CheckInStatus.OPEN, 0), else_=1)
    return tx.scalars(
        asking.order_by(open_first, col(CheckIn.opened_at).desc(), col(CheckIn.id).desc()).limit(1)
    ).first()


def closed_around(tx: Session, patient_id: str, at: datetime) -> CheckIn | None:
    """Return a check-in that was open at `at` and was closed before its answer got here."""
    over = select(CheckIn).where(
        col(CheckIn.patient_id) == patient_id,
        col(CheckIn.status).in_([CheckInStatus.PARTIAL, CheckInStatus.MISSED]),
        col(CheckIn.opened_at) <= at,
        col(CheckIn.closes_at) > at,
    )
    return tx.scalars(over.order_by(col(CheckIn.opened_at).desc()).limit(1)).first()


def being_answered_late(tx: Session, patient_id: str) -> list[CheckIn]:
    """Return check-ins whose window is over and whose card still asks something."""
    asking = select(CheckIn).where(
        col(CheckIn.patient_id) == patient_id,
        col(CheckIn.status) != CheckInStatus.OPEN,
        col(CheckIn.item_id) != "",
    )
    return list(tx.scalars(asking))


def with_status(tx: Session, patient_id: str, *statuses: CheckInStatus) -> list[CheckIn]:
    wanted = select(CheckIn).where(col(CheckIn.patient_id) == patient_id, col(CheckIn.status).in_(statuses))
    return list(tx.scalars(wanted.order_by(col(CheckIn.due_at), col(CheckIn.id))))


def of_treatment(tx: Session, treatment_id: str) -> dict[str, CheckIn]:
    """Return a treatment's check-ins by key."""
    rows = tx.scalars(select(CheckIn).where(col(CheckIn.treatment_id) == treatment_id))
    return {each.key: each for each in rows}


def answers(tx: Session, check_in_id: str) -> dict[str, Response]:
    """Return the answers that count now, by item."""
    current = select(Response).where(
        col(Response.check_in_id) == check_in_id, col(Response.superseded).is_(False)
    )
    return {each.item_id: each for each in tx.scalars(current.order_by(col(Response.id)))}


def record(tx: Session, response: Response, previous: Response | None) -> Response:
    """Add an answer. The one it replaces stays, marked as superseded."""
    if previous is not None:
        previous.superseded = True
        response.supersedes = previous.id
    tx.add(response)
    tx.flush()
    return response


def read_from_message(tx: Session, patient_id: str, message_id: int) -> Response | None:
    """Return the answer that was read from this message, if it still counts."""
    read = select(Response).where(
        col(Response.patient_id) == patient_id,
        col(Response.message_id) == message_id,
        col(Response.superseded).is_(False),
    )
    return tx.scalars(read.order_by(col(Response.id).desc()).limit(1)).first()


def latest_answers(
    tx: Session, patient_id: str, item_ids: Sequence[str], since: datetime
) -> dict[str, Response]:
    """Return the newest answer that counts to each of these items since an instant."""
    given = select(Response).where(
        col(Response.patient_id) == patient_id,
        col(Response.item_id).in_(list(item_ids)),
        col(Response.superseded).is_(False),
        col(Response.answered_at) >= since,
    )
    return {
        each.item_id: each for each in tx.scalars(given.order_by(col(Response.answered_at), col(Response.id)))
    }


def answered_count(tx: Session, check_in_id: str) -> int:
    counted = select(func.count(col(Response.id))).where(
        col(Response.check_in_id) == check_in_id, col(Response.superseded).is_(False)
    )
    return tx.scalar(counted) or 0


def history(tx: Session, patient_id: str, limit: int, offset: int) -> list[CheckIn]:
    """Return check-ins that hold answers, newest first."""
    answered = select(col(Response.check_in_id)).where(col(Response.patient_id) == patient_id)
    wanted = select(CheckIn).where(col(CheckIn.patient_id) == patient_id, col(CheckIn.id).in_(answered))
    newest = wanted.order_by(col(CheckIn.due_at).desc(), col(CheckIn.id).desc())
    return list(tx.scalars(newest.limit(limit).offset(offset)))


def treatments(tx: Session, patient_id: str) -> list[Treatment]:
    """Return treatments that took place, oldest first."""
    given = select(Treatment).where(
        col(Treatment.patient_id) == patient_id, col(Treatment.status) != TreatmentStatus.CANCELLED
    )
    return list(tx.scalars(given.order_by(col(Treatment.ended_at), col(Treatment.id))))


def latest_treatment(tx: Session, patient_id: str, now: datetime) -> Treatment | None:
    """Return the last treatment that ended by `now`."""
    return next((each for each in reversed(treatments(tx, patient_id)) if each.ended_at <= now), None)


def last_told(tx: Session, patient_id: str, kinds: Sequence[str]) -> Outbox | None:
    """Return the latest message of these kinds put in the outbox for a patient."""
    told = select(Outbox).where(col(Outbox.patient_id) == patient_id, col(Outbox.kind).in_(kinds))
    return tx.scalars(told.order_by(col(Outbox.id).desc()).limit(1)).first()
