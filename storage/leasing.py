"""Taking messages to send: one worker each, in order within a chat, and alerts wait for nothing.

These statements run all the time, so they are built once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    or_,
    select,
    true,
    update,
)
from sqlmodel import Session, SQLModel, col

from storage.migrations import require_current
from storage.tables import RESENT_WHEN_UNCLEAR, Instant, Lane, Outbox, OutboxKind, OutboxState

OUTBOX: Table = SQLModel.metadata.tables["outbox"]
UNANSWERED = (OutboxState.PENDING, OutboxState.SENDING)
NOW: ColumnElement[Any] = bindparam("now", type_=Instant())
TOO_FAR: ColumnElement[Any] = bindparam("too_far", type_=Instant())
"""A lease until then was taken before the clock was set back: no other could last so long."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""Less is two machines' clocks, or one being corrected; more is one that was set."""


def lease(
    tx: Session,
    lane: Lane,
    owner: str,
    now: datetime,
    limit: int,
    lease_for: timedelta,
    *,
    channels: Collection[str] | None = None,
    kinds: Collection[OutboxKind] | None = None,
) -> list[Outbox]:
    """Take up to `limit` messages to send, for as long as `lease_for`; at most one per chat.

    Only those of `channels` and `kinds`, when given; one kind then waits for no other that is not
    on its way.

    In the routine lane a chat's messages keep their order, also while one of them waits to be
    tried again. In the alert lane nothing ready waits behind something that is not, and a page or
    safety message waits for nothing of another kind, not even on its way to the same chat.

    Raises:
        StorageError: the tables are being changed to another shape; stop until that is over.
    """
    require_current(tx)
    over = _over(lane, now, lease_for)
    tx.execute(_END_LEASES, over)
    wanted = _wanted(over, limit, channels, kinds)
    ids = tx.scalars(_waiting(Lane(lane), channels is not None, kinds is not None), wanted).all()
    if not ids:
        return []
    tx.execute(_TAKE, {"ids": ids, "owner": owner, "until": now + lease_for})
    taken = select(Outbox).where(col(Outbox.id).in_(ids)).order_by(col(Outbox.id))
    return list(tx.scalars(taken, execution_options={"populate_existing": True}))


def anything_waits(
    tx: Session,
    lane: Lane,
    now: datetime,
    lease_for: timedelta,
    *,
    channels: Collection[str] | None = None,
    kinds: Collection[OutboxKind] | None = None,
) -> bool:
    """Whether `lease` would find anything to do; a look that takes no lock.

    Finding nothing among ten thousand cards takes a while, in which a page would wait for the lock.
    """
    over = _over(lane, now, lease_for)
    if tx.scalar(select(OUTBOX.c.id).where(*_LEASE_IS_OVER).limit(1), over) is not None:
        return True
    first = _candidates(Lane(lane), channels is not None, kinds is not None)
    return tx.scalar(first, _wanted(over, 1, channels, kinds)) is not None


def _over(lane: Lane, now: datetime, lease_for: timedelta) -> dict[str, object]:
    """Return what tells that a lease is over."""
    return {"now": now, "too_far": now + lease_for + CLOCKS_DIFFER, "of_lane": lane}


def _wanted(
    over: dict[str, object],
    limit: int,
    channels: Collection[str] | None,
    kinds: Collection[OutboxKind] | None,
) -> dict[str, object]:
    some = {"channels": channels, "kinds": kinds}
    return over | {"at_most": limit} | {name: list(each) for name, each in some.items() if each is not None}


_LEASE_IS_OVER = (
    OUTBOX.c.state == OutboxState.SENDING,
    OUTBOX.c.lane == bindparam("of_lane"),
    or_(OUTBOX.c.lease_until <= NOW, OUTBOX.c.lease_until > TOO_FAR),
)


def _end_leases() -> Executable:
    """When a lease is over nobody knows whether the message went: again, or left alone, by its kind.

    One taken before the clock was set back is over too.
    """
    again = OUTBOX.c.kind.in_(RESENT_WHEN_UNCLEAR)
    return (
        update(OUTBOX)
        .where(*_LEASE_IS_OVER)
        .values(
            state=case((again, OutboxState.PENDING), else_=OutboxState.UNCERTAIN),
            repeat=or_(OUTBOX.c.repeat, again),
        )
    )


@cache
def _waiting(lane: Lane, some_channels: bool, some_kinds: bool) -> Executable:
    return _candidates(lane, some_channels, some_kinds).with_for_update(skip_locked=True)


@cache
def _candidates(lane: Lane, some_channels: bool, some_kinds: bool) -> Select[str]:
    return (
        select(OUTBOX.c.id)
        .where(
            OUTBOX.c.state == OutboxState.PENDING,
            OUTBOX.c.lane == bindparam("of_lane"),
            _ready(OUTBOX),
            OUTBOX.c.channel.in_(bindparam("channels", expanding=True)) if some_channels else true(),
            OUTBOX.c.kind.in_(bindparam("kinds", expanding=True)) if some_kinds else true(),
            ~_held_up(lane, some_kinds),
            ~_target_on_its_way(),
        )
        .order_by(*([_rank(OUTBOX)] if lane == Lane.ALERT else []), OUTBOX.c.id)
        .limit(bindparam("at_most"))
    )


def _ready(row: FromClause) -> ColumnElement[bool]:
    """Its time has come; or the clock was set back since it was put, or put off.

    Such a time may lie hours ahead, and means nothing: what was to go at once goes now, and what was
    to be tried again is tried now. When it was put off shows in the lease it was put off under.
    """
    at_once = and_(row.c.not_before == row.c.created_at, row.c.created_at > NOW)
    return or_(row.c.not_before <= NOW, at_once, row.c.lease_until > TOO_FAR)


def _rank(row: FromClause) -> ColumnElement[int]:
    """Pages and safety messages before what else is sent to the same people: edits of cards, notices."""
    return case((row.c.kind.in_((OutboxKind.PAGE, OutboxKind.SAFETY)), 0), else_=1)


def _held_up(lane: Lane, some_kinds: bool) -> ColumnElement[bool]:
    """Another message to the same chat is on its way, or is older and goes before this one."""
    other = OUTBOX.alias("other")
    ready = _ready(other)
    comes_first = or_(ready, other.c.attempts > 0) if lane == Lane.ROUTINE else ready
    alike = other.c.kind.in_(bindparam("kinds", expanding=True)) if some_kinds else true()
    older = and_(other.c.state == OutboxState.PENDING, other.c.id < OUTBOX.c.id, comes_first, alike)
    in_the_way = _rank(other) <= _rank(OUTBOX) if lane == Lane.ALERT else true()
    return exists().where(
        in_the_way,
        other.c.chat_hash == OUTBOX.c.chat_hash,
        other.c.chat_hash != "",
        other.c.lane == OUTBOX.c.lane,
        other.c.channel == OUTBOX.c.channel,
        other.c.state.in_(UNANSWERED),
        or_(other.c.state == OutboxState.SENDING, older),
    )


def _target_on_its_way() -> ColumnElement[bool]:
    """The message that this one edits has not been answered for yet."""
    target = OUTBOX.alias("target")
    return exists().where(target.c.id == OUTBOX.c.edits, target.c.state.in_(UNANSWERED))


_END_LEASES = _end_leases()
_TAKE = (
    update(OUTBOX)
    # By id alone: they were just found waiting, and are locked. Asked for the state as well, SQLite looks
    # through all that waits, and a page then takes longer the more check-ins do.
    .where(OUTBOX.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=OutboxState.SENDING,
        attempts=OUTBOX.c.attempts + 1,
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until", type_=Instant()),
    )
)
