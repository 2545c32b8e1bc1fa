"""When the database itself is gone: people kept outside it are told, again and again, until it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import apprise
from sqlmodel import Session

from bot.content import Wording
from bot.threads import InThread
from storage import marks
from storage.database import Database
from storage.migrations import require_current

logger = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds the database may refuse before people are told: a lock held for a moment is nothing."""

AGAIN_AFTER = 300.0
LOOK_EVERY = 2.0
TELL_SECONDS = 30.0


class OutsideLine:
    """Tells the outside recipients something, without the database."""

    def __init__(self, addresses: Sequence[str], words: Sequence[Wording]) -> None:
        self._addresses = addresses
        self._words = words

    def tell(self, key: str) -> bool:
        """Send one sentence of `delivery.toml` in every language; True when anybody took it."""
        text = "\n".join(dict.fromkeys(words.say(f"delivery.{key}") for words in self._words))
        taken = [self._tell_one(address, text) for address in self._addresses]
        logger.error("outage.told", extra={"what": key, "taken": sum(taken), "of": len(taken)})
        return any(taken)

    @staticmethod
    def _tell_one(address: str, text: str) -> bool:
        line = apprise.Apprise()
        try:
            return line.add(address) and bool(line.notify(body=text, title="Aftercare"))
        except Exception as error:  # one bad address must not keep the others from being told
            logger.error("outage.not_told", extra={"error": type(error).__name__})
            return False


class StorageWatch:
    """Writes a mark every two seconds, and speaks up when that fails for longer than `PATIENCE`."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime],
        in_thread: InThread,
        line: OutsideLine,
        *,
        patience: float = PATIENCE,
        again_after: float = AGAIN_AFTER,
    ) -> None:
        self._db = db
        self._clock = clock
        self._in_thread = in_thread
        self._line = line
        self._patience = patience
        self._again_after = again_after
        self._failing_since: float | None = None
        self._told_at: float | None = None

    @property
    def trouble(self) -> float:
        """For how many seconds the database has refused; 0 when it works."""
        if self._failing_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._failing_since

    async def run(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY if self.trouble == 0 else 0.5)

    async def _look(self) -> None:
        """One try. It is given up after the patience, so that a lock held for ever is noticed in time."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        writing = asyncio.ensure_future(self._in_thread(self._write))
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.shield(writing)
        except Exception as error:
            writing.add_done_callback(_forget)
            logger.error("storage.refuses", extra={"error": type(error).__name__})
            self._failing_since = began if self._failing_since is None else self._failing_since
            await self._speak_up()
        else:
            await self._all_well()

    def _write(self) -> None:
        now = self._clock()

        def work(tx: Session) -> None:
            require_current(tx)  # in tables of another shape every worker stands still
            marks.set_mark(tx, "storage", now)

        self._db.run(work)

    async def _speak_up(self) -> None:
        now = asyncio.get_running_loop().time()
        due = self._told_at is None or now - self._told_at >= self._again_after
        if self.trouble >= self._patience and due:
            self._told_at = now
            await self._tell("database_down")

    async def _all_well(self) -> None:
        self._failing_since = None
        if self._told_at is not None:
            self._told_at = None
            await self._tell("database_back")

    async def _tell(self, key: str) -> None:
        try:
            async with asyncio.timeout(TELL_SECONDS):
                await asyncio.to_thread(self._line.tell, key)
        except TimeoutError:
            logger.error("outage.hangs", extra={"what": key})


def _forget(task: asyncio.Future[None]) -> None:
    if not task.cancelled():
        task.exception()
