"""Keeping updates: committed to the inbox first; what comes after may be done twice, never lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.crash import crash_point
from bot.message import Reply
from bot.threads import InThread
from storage import inbox, marks
from storage.database import Database
from storage.migrations import require_current

logger = logging.getLogger(__name__)

TOKEN_REFUSED = "token_refused"
IDS_RESTART_AFTER = timedelta(days=6)
"""After a week of silence Telegram may count from anywhere; an old offset would then hide what is new."""


@dataclass(frozen=True)
class Ear:
    """One bot that listens, and how what it hears is read.

    `trouble` is told of what only a human can end: "second_poller", "token_refused", "poll_hangs",
    "webhook_lost".
    """

    bot: str
    read: Callable[[dict[str, Any], str, datetime], Reply | None]
    chat_of: Callable[[dict[str, Any]], int | None]
    trouble: Callable[[str, datetime], None]


class Keeper:
    """Puts one bot's raw updates into the inbox."""

    def __init__(
        self,
        db: Database,
        ear: Ear,
        clock: Callable[[], datetime],
        in_thread: InThread,
        kept: Callable[[], None],
    ) -> None:
        self._db = db
        self._ear = ear
        self._clock = clock
        self._in_thread = in_thread
        self._kept = kept

    async def keep(self, updates: Sequence[Any]) -> None:
        """Commit raw updates; returns once they are safe and may be confirmed.

        Raises:
            Exception: whatever the database raised. Nothing was kept, so nothing may be confirmed.
        """
        fit = [each for each in updates if isinstance(each, dict) and update_id(each) is not None]
        if len(fit) < len(updates):
            logger.error("intake.not_an_update", extra={"count": len(updates) - len(fit)})
        if fit:
            crash_point("before-inbox-commit")
        await self._in_thread(lambda: self._db.run(lambda tx: self._store(tx, fit)))
        if fit:
            crash_point("after-inbox-commit")
            self._kept()

    def _store(self, tx: Session, updates: Sequence[dict[str, Any]]) -> None:
        require_current(tx)
        now = self._clock()
        bot = self._ear.bot
        for raw in updates:
            inbox.store(tx, bot, raw["update_id"], self._ear.chat_of(raw), raw, now)
        if updates:
            marks.set_mark(tx, f"update:{bot}", now, str(max(raw["update_id"] for raw in updates)))
        marks.set_mark(tx, f"poll:{bot}", now)

    async def next_offset(self) -> int | None:
        """Return one after the last update kept, or None to ask for whatever waits."""
        now = self._clock()

        def look() -> int | None:
            with self._db.reading() as tx:
                last = marks.mark(tx, f"update:{self._ear.bot}")
                if last is None or now - last.at > IDS_RESTART_AFTER:
                    return None
                return int(last.value) + 1

        return await self._in_thread(look)

    async def report(self, what: str) -> None:
        """Tell the clinic about trouble; that this cannot be written down either does not stop us."""
        logger.error("intake.trouble", extra={"what": what, "bot": self._ear.bot})
        now = self._clock()
        try:
            await self._in_thread(lambda: self._ear.trouble(what, now))
        except Exception as error:
            logger.error("intake.trouble_not_told", extra={"error": type(error).__name__})
        self._kept()


def update_id(raw: Mapping[str, Any]) -> int | None:
    value = raw.get("update_id")
    return value if isinstance(value, int) and not isinstance(value, bool) else None
