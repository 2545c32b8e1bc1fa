"""What a poll shows by itself and a webhook does not: that Telegram still knows where to bring updates."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.intake.keeper import TOKEN_REFUSED, Keeper
from bot.message import Failure, SendError

logger = logging.getLogger(__name__)


class Hook(Protocol):
    """The webhook as the channel knows it."""

    async def put(self) -> None: ...
    async def standing(self, now: datetime) -> str: ...


class HookWatch:
    """Asks how the webhook stands until stopped, and sets it again when somebody took it away.

    A quiet clinic gets no updates for hours: the sign of life that a poller leaves is left from here,
    and only while all is well.
    """

    def __init__(self, hook: Hook, keeper: Keeper, clock: Callable[[], datetime], every: float) -> None:
        self._hook = hook
        self._keeper = keeper
        self._clock = clock
        self._every = every
        self._stopping = asyncio.Event()
        self._told: set[str] = set()
        self._well_at = time.monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the webhook was last known to work."""
        return time.monotonic() - self._well_at

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            await self._rest()
            if not self._stopping.is_set():
                await self._look()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        try:
            standing = await self._hook.standing(self._clock())
            if standing == "lost":
                await self._tell_once("webhook_lost")
                await self._hook.put()
            elif standing == "well":
                await self._keeper.keep([])
                self._well_at = time.monotonic()
                self._told.clear()
            else:
                logger.error("webhook.refused", extra={"standing": standing})
        except SendError as error:
            logger.warning("webhook.not_asked", extra={"failure": error.failure.value})
            if error.failure == Failure.DEAD_CHANNEL:
                await self._tell_once(TOKEN_REFUSED)
        except Exception as error:
            # The database: no sign of life is left, which others notice.
            logger.error("webhook.not_marked", extra={"error": type(error).__name__})

    async def _tell_once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            await self._keeper.report(what)
