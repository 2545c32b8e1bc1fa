"""What is kept no longer than it is needed: raw updates, and messages that were sent or could not be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from storage.inbox import changed
from storage.tables import Inbox, InboxState, Outbox, OutboxState

BATCH = 500


@dataclass(frozen=True)
class Emptied:
    """How many rows lost their content in one go; `more` when there is more to do."""

    updates: int
    messages: int

    @property
    def more(self) -> bool:
        return BATCH in (self.updates, self.messages)


def empty_old(tx: Session, now: datetime, *, updates_after: timedelta, messages_after: timedelta) -> Emptied:
    """Empty raw updates handled longer than `updates_after` ago and messages done with for `messages_after`.

    The rows stay, with their times and states: an update must still be known when it comes again,
    and a delivery that failed still counts. At most `BATCH` of each, so that nobody waits long.
    """
    return Emptied(_empty_updates(tx, now - updates_after), _empty_messages(tx, now - messages_after))


def _empty_updates(tx: Session, before: datetime) -> int:
    old = (
        select(col(Inbox.bot), col(Inbox.update_id))
        .where(
            col(Inbox.state) != InboxState.NEW,
            col(Inbox.received_at) < before,
            col(Inbox.raw_sealed).is_not(None),
        )
        .limit(BATCH)
    )
    emptied = 0
    for bot, update_id in tx.execute(old).all():
        ours = (col(Inbox.bot) == bot, col(Inbox.update_id) == update_id)
        emptied += changed(tx, update(Inbox).where(*ours).values(raw_sealed=None))
    return emptied


def _empty_messages(tx: Session, before: datetime) -> int:
    done = (OutboxState.SENT, OutboxState.FAILED, OutboxState.UNCERTAIN, OutboxState.CANCELLED)
    old = (
        select(col(Outbox.id))
        .where(
            col(Outbox.state).in_(done),
            col(Outbox.created_at) < before,
            col(Outbox.payload_sealed).is_not(None),
        )
        .limit(BATCH)
    )
    return changed(
        tx, update(Outbox).where(col(Outbox.id).in_(tx.scalars(old).all())).values(payload_sealed=None)
    )
