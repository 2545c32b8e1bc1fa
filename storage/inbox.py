"""The inbox: every update is here before the channel is told that it was received."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    CursorResult,
    Executable,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col

from storage.migrations import require_current
from storage.tables import Inbox, InboxState, Instant, Patient
from storage.vault import chat_hash, seal, unseal_raw

INBOX: Table = SQLModel.metadata.tables["inbox"]
FARTHEST_TRY = timedelta(minutes=6)
"""No update is put off for so long; its next try comes within five minutes."""


def store(
    tx: Session, bot: str, update_id: int, chat_id: int | None, raw: dict[str, Any], now: datetime
) -> bool:
    """Keep one update. False: it was already there, and nothing changed."""
    hashed = "" if chat_id is None else chat_hash(tx, chat_id)
    row = Inbox(bot=bot, update_id=update_id, chat_hash=hashed, received_at=now)
    if hashed:
        row.patient_id = tx.scalar(select(col(Patient.id)).where(col(Patient.chat_hash) == hashed))
    seal(tx, row, "raw_sealed", json.dumps(raw))
    inserted = tx.execute(_keep(tx.get_bind().dialect.name), row.model_dump())
    return inserted.first() is not None


@cache
def _keep(dialect: str) -> Executable:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    statement: Executable = insert(INBOX).on_conflict_do_nothing().returning(INBOX.c.update_id)
    return statement


def changed(tx: Session, statement: Any) -> int:
    """Run a statement that writes and return how many rows it touched."""
    result = tx.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def next_waiting(tx: Session, now: datetime, limit: int, busy_chats: Collection[str]) -> list[Inbox]:
    """Return updates to handle now, oldest first, at most one per chat and none of `busy_chats`.

    An update waiting for its next try does not hold up those behind it: an urgent reply must
    not wait for a bad one.
    """
    require_current(tx)
    times = {"now": now, "too_far": now + FARTHEST_TRY}
    found = tx.scalars(_WAITING, times | {"at_most": limit, "busy": list(busy_chats)})
    return _one_per_chat(found.all())


def _waiting() -> Select[Inbox]:
    """The first ready update of each chat; one without a chat stands for itself.

    One put off further than anything is was put off before the clock was set back: it is ready too.
    """
    ready = and_(
        INBOX.c.state == InboxState.NEW,
        or_(
            INBOX.c.not_before.is_(None),
            INBOX.c.not_before <= bindparam("now", type_=Instant()),
            INBOX.c.not_before > bindparam("too_far", type_=Instant()),
        ),
        INBOX.c.chat_hash.not_in(bindparam("busy", expanding=True)),
    )
    chat = case((INBOX.c.chat_hash == "", cast(INBOX.c.update_id, Text)), else_=INBOX.c.chat_hash)
    first = (
        select(INBOX.c.bot, func.min(INBOX.c.update_id).label("update_id"))
        .where(ready)
        .group_by(INBOX.c.bot, chat)
        .subquery()
    )
    return (
        select(Inbox)
        .join(first, and_(first.c.bot == INBOX.c.bot, first.c.update_id == INBOX.c.update_id))
        .order_by(INBOX.c.received_at, INBOX.c.update_id)
        .limit(bindparam("at_most"))
        .execution_options(populate_existing=True)
    )


_WAITING = _waiting()


def _one_per_chat(rows: Collection[Inbox]) -> list[Inbox]:
    taken: set[str] = set()
    first = []
    for row in rows:
        if row.chat_hash not in taken or not row.chat_hash:
            first.append(row)
        taken.add(row.chat_hash)
    return first


def read_raw(tx: Session, row: Inbox) -> dict[str, Any]:
    """Return the update as the channel sent it; empty when its retention is over."""
    plain = unseal_raw(tx, row, "raw_sealed")
    return json.loads(plain) if plain else {}


def empty_raw(tx: Session, bot: str, update_id: int) -> None:
    """Drop what an update said, because it holds a secret that is kept elsewhere by now."""
    this = (col(Inbox.bot) == bot, col(Inbox.update_id) == update_id)
    tx.execute(update(Inbox).where(*this).values(raw_sealed=None))


def mark_done(tx: Session, bot: str, update_id: int, now: datetime) -> bool:
    """Note that an update was handled, in the transaction that handled it. False: it already was."""
    return _leave_new(tx, bot, update_id, state=InboxState.DONE, done_at=now)


def mark_dead(tx: Session, bot: str, update_id: int, now: datetime) -> bool:
    """Set aside an update that could not be handled. False: it is no longer waiting."""
    return _leave_new(tx, bot, update_id, state=InboxState.DEAD, done_at=now)


def _leave_new(tx: Session, bot: str, update_id: int, **values: Any) -> bool:
    return changed(tx, _waiting_row(bot, update_id).values(**values)) == 1


def _waiting_row(bot: str, update_id: int) -> Any:
    return update(Inbox).where(
        col(Inbox.bot) == bot, col(Inbox.update_id) == update_id, col(Inbox.state) == InboxState.NEW
    )


def record_failure(
    tx: Session, bot: str, update_id: int, error: str, now: datetime, retry_at: datetime
) -> int:
    """Note that handling failed with `error` (an exception's type) and return how often it has by now."""
    tx.execute(
        _waiting_row(bot, update_id).values(
            attempts=col(Inbox.attempts) + 1, error=error, not_before=retry_at
        )
    )
    attempts = tx.scalar(
        select(col(Inbox.attempts)).where(col(Inbox.bot) == bot, col(Inbox.update_id) == update_id)
    )
    return attempts or 0


def last_update_id(tx: Session, bot: str) -> int | None:
    """Return the highest update id kept for `bot`: what may be confirmed to the channel."""
    return tx.scalar(select(func.max(col(Inbox.update_id))).where(col(Inbox.bot) == bot))
