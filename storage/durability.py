"""Whether a power cut of the database's machine would take away what it said was kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

RISKS = {
    "fsync": "a power cut may damage the whole database",
    "full_page_writes": "a power cut may leave half a page of the database written",
    "synchronous_commit": "a power cut loses the last replies, and Telegram does not send them again",
}
"""What is at risk while a setting of PostgreSQL is off. Every connection of ours asks for the last one
to be on; a pooler in between may not pass that on."""


@dataclass(frozen=True)
class Weakness:
    setting: str
    risk: str


def weaknesses(tx: Session) -> Iterator[Weakness]:
    """Yield what is off, as this very connection sees it. SQLite has no such settings but ours."""
    if tx.get_bind().dialect.name != "postgresql":
        return
    for setting, risk in RISKS.items():
        if tx.scalar(text("SELECT current_setting(:setting)"), {"setting": setting}) == "off":
            yield Weakness(setting, risk)
