"""Marks: the last time something was known to work."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from storage.tables import Mark


def set_mark(tx: Session, name: str, now: datetime, value: str = "") -> None:
    """Note that `name` ("tick", "poll:care") worked at `now`."""
    found = tx.get(Mark, name)
    if found is None:
        tx.add(Mark(name=name, at=now, value=value))
    else:
        found.at = now
        found.value = value
    tx.flush()


def mark(tx: Session, name: str) -> Mark | None:
    return tx.get(Mark, name)
