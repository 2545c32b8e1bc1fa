"""Marks: the last time something was known to work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from storage.tables import Mark


def set_mark(tx: Session, name: str, now: datetime, value: str = "") -> None:
    """Note that `name` ("tick", "poll:care") worked at `now`. Two may do so for the first time at once."""
    dialect = postgresql if tx.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Mark).values(name=name, at=now, value=value)
    changed = {"at": statement.excluded.at, "value": statement.excluded.value}
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def mark(tx: Session, name: str) -> Mark | None:
    return tx.get(Mark, name, populate_existing=True)


def beginning_with(tx: Session, prefix: str) -> list[Mark]:
    """Return the marks of one family, like "rota:", by name."""
    wanted = select(Mark).where(col(Mark.name).startswith(prefix, autoescape=True))
    return list(tx.scalars(wanted.order_by(col(Mark.name))))


def forget(tx: Session, name: str) -> None:
    tx.execute(delete(Mark).where(col(Mark.name) == name))
