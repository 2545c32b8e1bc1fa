"""What delivery works with: a leased message, how a lane goes about its work, what the clinic is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from bot.delivery.pace import Budget, PerChat
from bot.message import Failure, Outgoing, Sender
from bot.threads import InThread
from storage.database import Database
from storage.tables import Lane, Outbox, OutboxKind

BULK = frozenset({OutboxKind.CARD, OutboxKind.REMINDER, OutboxKind.DOCUMENT})
"""What nobody is waiting for at this moment; it never holds up an answer to someone who is typing."""

TALK = frozenset(OutboxKind) - BULK


class Hooks(Protocol):
    """What the clinic does about the fate of a message, in the transaction that records it."""

    def sent(self, tx: Session, row: Outbox, now: datetime) -> None: ...
    def failed(self, tx: Session, row: Outbox, failure: Failure, now: datetime) -> None: ...
    def delayed(self, tx: Session, row: Outbox, wait: timedelta, now: datetime) -> None: ...
    def moved(self, tx: Session, row: Outbox, old_chat_id: int, new_chat_id: int, now: datetime) -> None: ...
    def plain_line(self, tx: Session, row: Outbox) -> str: ...
    def as_repeat(self, tx: Session, row: Outbox, text: str) -> str: ...


@dataclass(frozen=True)
class Job:
    """One leased message, read and ready to go."""

    row_id: str
    kind: OutboxKind
    channel: str
    attempts: int
    outgoing: Outgoing
    poisoned: bool  # its text was refused before and must not be tried again

    @property
    def address(self) -> tuple[str, str]:
        return self.channel, self.outgoing.address or str(self.outgoing.chat_id)


@dataclass
class LanePlan:
    """How one loop works: what it takes, how fast, how many at once."""

    name: str
    lane: Lane
    in_thread: InThread
    kinds: frozenset[OutboxKind] | None = None
    serves: Callable[[str], bool] = lambda channel: True
    slots: int = 4
    budget: Budget = field(default_factory=lambda: Budget(25.0, 10))
    per_chat: PerChat | None = None
    longest_wait: timedelta = timedelta(seconds=60)
    rests: bool = False  # as a whole, when chat after chat is told to wait; never where someone waits
    gives_way: float = 0.1  # seconds a card waits for a page at most: one that hangs holds up nobody


@dataclass(frozen=True)
class Post:
    """What every lane shares: where messages are, who carries them, what time it is, whom to tell."""

    db: Database
    senders: Mapping[str, Sender]
    clock: Callable[[], datetime]
    hooks: Hooks
    owner: str  # of leases: this process and no other
