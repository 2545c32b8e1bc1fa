"""Inbox to flows: one chat in order, several chats side by side, and a bad update never in the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.crash import crash_point, statements
from bot.intake.keeper import Ear
from bot.message import Reply
from bot.threads import InThread
from storage import inbox
from storage.database import Database
from storage.tables import Inbox

logger = logging.getLogger(__name__)

TRIES = 5
FIRST_RETRY = timedelta(seconds=1)
LAST_RETRY = timedelta(minutes=5)
AT_ONCE = 8
LOOK_AHEAD = 64
"""So many are found by one look: after a night offline, looking costs as much as handling."""

IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Waiting:
    """An update to handle: whose chat, which bot heard it, its number."""

    chat: str
    bot: str
    update_id: int


@dataclass(frozen=True)
class Handling:
    """What the clinic does with a reply, and with an update it could not make anything of.

    `handle` keeps the reply and all its consequences and marks the update done, in one
    transaction. `set_aside` marks it dead and tells someone.
    """

    handle: Callable[[Reply, datetime], None]
    set_aside: Callable[[str, int, datetime], None]


class Worker:
    """Handles what is in the inbox until stopped."""

    def __init__(
        self,
        db: Database,
        ears: Mapping[str, Ear],
        handling: Handling,
        clock: Callable[[], datetime],
        in_thread: InThread,
    ) -> None:
        self._db = db
        self._ears = ears
        self._handling = handling
        self._clock = clock
        self._in_thread = in_thread
        self._after_commit: Callable[[], None] = lambda: None
        self._woken = asyncio.Event()
        self._stopping = False
        self._busy: dict[asyncio.Task[None], Waiting] = {}
        self._ahead: list[Waiting] = []  # found and not begun; one of a chat at most, none of a busy one

    def after_commit(self, then: Callable[[], None]) -> None:
        """Call `then` whenever a reply has been handled: there may be something to send."""
        self._after_commit = then

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """Begin nothing more; what is being handled is finished by `run`."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            found = await self._next()
            for each in found:
                task = asyncio.create_task(self._handle(each))
                self._busy[task] = each
                task.add_done_callback(self._handled)
            if not found:
                await self._rest()
        await asyncio.gather(*self._busy, return_exceptions=True)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _next(self) -> list[Waiting]:
        free = max(0, AT_ONCE - len(self._busy))
        if free and not self._ahead:
            self._ahead = await self._look()
        found, self._ahead = self._ahead[:free], self._ahead[free:]
        return found

    async def _look(self) -> list[Waiting]:
        under_way = set(self._busy.values())
        busy_chats = {each.chat for each in under_way if each.chat}
        now = self._clock()

        def look() -> list[Waiting]:
            with self._db.reading() as tx:
                rows = inbox.next_waiting(tx, now, LOOK_AHEAD, busy_chats)
                return [Waiting(row.chat_hash, row.bot, row.update_id) for row in rows]

        try:
            waiting = await self._in_thread(look)
        except Exception as error:
            logger.error("intake.inbox_unreadable", extra={"error": type(error).__name__})
            await asyncio.sleep(IDLE_SECONDS)
            return []
        return [each for each in waiting if each not in under_way]

    def _handled(self, task: asyncio.Task[None]) -> None:
        self._busy.pop(task, None)
        self._woken.set()
        self._after_commit()
        if not task.cancelled() and (error := task.exception()):
            logger.error("intake.broke", extra={"error": type(error).__name__})

    async def _handle(self, each: Waiting) -> None:
        try:
            await self._in_thread(lambda: self._handle_now(each))
        except Exception as error:
            extra = {"update": each.update_id, "error": type(error).__name__}
            logger.error("intake.not_handled", extra=extra)
            await self._note_failure(each, type(error).__name__)

    async def _note_failure(self, each: Waiting, error: str) -> None:
        try:
            await self._in_thread(lambda: self._failed(each, error))
        except Exception:
            # The database itself: not the update's fault, so it costs it no try. Breathe, then again.
            await asyncio.sleep(IDLE_SECONDS)
            raise

    def _handle_now(self, each: Waiting) -> None:
        crash_point("before-handling")
        now = self._clock()
        reply = self._read(each)
        statements.arm()
        if reply is None:
            self._db.run(lambda tx: inbox.mark_done(tx, each.bot, each.update_id, now))
        else:
            self._handling.handle(reply, now)
        crash_point("after-handling")

    def _read(self, each: Waiting) -> Reply | None:
        with self._db.reading() as tx:
            row = tx.get_one(Inbox, (each.bot, each.update_id))
            raw = inbox.read_raw(tx, row)
            return self._ears[each.bot].read(raw, each.bot, row.received_at)

    def _failed(self, each: Waiting, error: str) -> None:
        """Try again later; after its tries set the update aside, which tells someone."""
        now = self._clock()

        def record(tx: Session) -> int:
            row = tx.get_one(Inbox, (each.bot, each.update_id))
            wait = min(FIRST_RETRY * 2 ** min(row.attempts, 10), LAST_RETRY)
            return inbox.record_failure(tx, each.bot, each.update_id, error, now, now + wait)

        if self._db.run(record) >= TRIES:
            self._handling.set_aside(each.bot, each.update_id, now)
            logger.error("intake.set_aside", extra={"update": each.update_id})
