"""The audit chain: every look at, export or change of a record is a line that shows tampering.

Each line's HMAC covers the line and the one before it, so an edited, deleted or reordered line is
found. A tail that was cut off is found by comparing `head` with where it was published before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import event, insert, select, text
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session, col

from storage.tables import Audit, instant_text
from storage.vault import AUDIT, secret

START = "0" * 64
PENDING = "audit_pending"
LOCK = 0x61756474  # the advisory lock that puts writers of lines into one order
BATCH = 1_000


@dataclass(frozen=True)
class AuditReport:
    """What checking the whole chain found. `broken_at` is the number of the first line that is wrong."""

    lines: int
    last_hash: str
    broken_at: int | None = None
    problem: str = ""

    @property
    def intact(self) -> bool:
        return self.broken_at is None

    @property
    def head(self) -> str:
        """The chain's end as it is published: NUMBER:HASH."""
        return f"{self.lines}:{self.last_hash}"

    @property
    def problems(self) -> tuple[str, ...]:
        return () if self.intact else (self.problem,)


@dataclass(frozen=True)
class _Line:
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


def record(tx: Session, now: datetime, actor: str, action: str, subject: str, **details: Any) -> None:
    """Add a line to the chain, written when the transaction commits: with its facts or not at all.

    `details` are ids, counts and levels, never a person's words. Lines wait for the commit so
    that writers hold the end of the chain only for a moment.
    """
    line = _Line(now, actor, action, subject, _plain(details))
    owner = tx.get_nested_transaction() or tx.get_transaction()
    tx.info.setdefault(PENDING, []).append((owner, line))


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(details, default=_as_text))
    return plain


def _as_text(value: Any) -> str | list[Any]:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    raise TypeError(f"an audit line cannot hold a {type(value).__name__}")


def write_pending(tx: Session) -> None:
    """Write the lines recorded so far in this transaction to the end of the chain."""
    pending = tx.info.pop(PENDING, [])
    if not pending:
        return
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    number, previous = _last(tx)
    rows = []
    for _, line in pending:
        number += 1
        digest = _digest(tx, number, line.at, line, previous)
        rows.append({"number": number, **line.__dict__, "previous": previous, "hash": digest})
        previous = digest
    tx.execute(insert(Audit), rows)


def _last(tx: Session) -> tuple[int, str]:
    newest = select(col(Audit.number), col(Audit.hash)).order_by(col(Audit.number).desc()).limit(1)
    row = tx.execute(newest).first()
    return (row.number, row.hash) if row else (0, START)


def _digest(tx: Session, number: int, at: datetime, line: _Line | Audit, previous: str) -> str:
    parts = [number, instant_text(at), line.actor, line.action, line.subject, line.details, previous]
    body = json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(secret(tx, AUDIT), body, hashlib.sha256).hexdigest()


def head(tx: Session) -> tuple[int, str]:
    """Return the number and hash of the last line: publish it where the database cannot reach."""
    write_pending(tx)
    return _last(tx)


def verify(tx: Session, published: tuple[int, str] | None = None) -> AuditReport:
    """Check every line; `published` is a head noted outside earlier, which a cut tail no longer has."""
    write_pending(tx)
    number, previous = 0, START
    seen = published is None or published == (0, START)
    for row in tx.scalars(select(Audit).order_by(col(Audit.number)).execution_options(yield_per=BATCH)):
        number += 1
        if row.number != number:
            return AuditReport(number - 1, previous, number, f"line {number} is missing")
        if row.previous != previous or row.hash != _digest(tx, number, row.at, row, previous):
            return AuditReport(number - 1, previous, number, f"line {number} was changed")
        previous = row.hash
        seen = seen or (number, previous) == published
    if not seen and published:
        return AuditReport(number, previous, published[0], f"the published line {published[0]} is gone")
    return AuditReport(number, previous)


@event.listens_for(Session, "before_commit")
def _write_before_commit(tx: Session) -> None:
    write_pending(tx)


@event.listens_for(Session, "after_soft_rollback")
def _forget_rolled_back(tx: Session, previous: SessionTransaction) -> None:
    pending = tx.info.get(PENDING, [])
    tx.info[PENDING] = [each for each in pending if previous.parent is not None and each[0] is not previous]
