"""The getUpdates loop: ask, keep, and only then ask with the next offset, which confirms."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from bot.intake.keeper import TOKEN_REFUSED, Keeper
from bot.message import Failure, SendError

logger = logging.getLogger(__name__)

LONGEST_POLL = 45.0
LONGEST_PAUSE = 30.0
CONFLICT_PAUSE = 60.0
"""Two pollers take turns losing; one stands back this long. For ever would leave nobody listening
when both stand back."""

HUNG_AFTER = 90.0

PAUSES: Mapping[Failure, float] = {
    Failure.NOT_SENT: 0.2,
    Failure.AMBIGUOUS: 0.2,  # a time-out or half an answer: nothing was confirmed, so ask again
    Failure.TRANSIENT: 0.5,
    Failure.DEAD_CHANNEL: 2.0,
}


class Source(Protocol):
    """Where raw updates come from. Asking with an offset confirms all updates before it."""

    async def fetch(self, offset: int | None) -> Sequence[Any]: ...
    async def renew(self) -> None: ...


class Poller:
    """Polls until stopped. No answer of the other side, and no silence, ends it."""

    def __init__(
        self,
        source: Source,
        keeper: Keeper,
        *,
        hung_after: float = HUNG_AFTER,
        conflict_pause: float = CONFLICT_PAUSE,
    ) -> None:
        self._source = source
        self._keeper = keeper
        self._hung_after = hung_after
        self._conflict_pause = conflict_pause
        self._stopping = asyncio.Event()
        self._failures = 0
        self._told: set[str] = set()
        self._polled_at = time.monotonic()
        self._asking: asyncio.Task[Sequence[Any]] | None = None

    @property
    def silent_for(self) -> float:
        """Seconds since the last poll that was answered and kept."""
        return time.monotonic() - self._polled_at

    def stop(self) -> None:
        """End the poll under way. What it would have brought is not confirmed, so it comes again."""
        self._stopping.set()
        if self._asking is not None:
            self._asking.cancel()

    async def run(self) -> None:
        watchdog = asyncio.create_task(self._watch())
        try:
            while not self._stopping.is_set():
                await self._once()
        finally:
            watchdog.cancel()

    async def _once(self) -> None:
        try:
            offset = await self._keeper.next_offset()
            await self._keeper.keep(await self._ask(offset))
        except SendError as error:
            await self._refused(error)
        except Exception as error:
            # The database: nothing was confirmed, Telegram keeps it for us, and we ask again.
            logger.error("intake.not_kept", extra={"error": type(error).__name__})
            await self._back_off(0.5)
        else:
            self._polled_at = time.monotonic()
            self._failures = 0
            self._told.clear()

    async def _ask(self, offset: int | None) -> Sequence[Any]:
        self._asking = asyncio.create_task(self._fetch(offset))
        try:
            return await asyncio.wait_for(self._asking, LONGEST_POLL)
        except TimeoutError:
            raise SendError(Failure.AMBIGUOUS) from None
        except asyncio.CancelledError:
            if self._stopping.is_set():
                return ()
            raise
        finally:
            self._asking = None

    async def _fetch(self, offset: int | None) -> Sequence[Any]:
        return await self._source.fetch(offset)

    async def _refused(self, error: SendError) -> None:
        logger.warning("intake.poll_refused", extra={"failure": error.failure.value})
        if error.failure == Failure.CONFLICT:
            await self._tell_once("second_poller")
            await self._pause(self._conflict_pause)
        elif error.failure == Failure.WAIT:
            await self._pause((error.retry_after or timedelta(seconds=5)).total_seconds())
        else:
            if error.failure == Failure.DEAD_CHANNEL:
                await self._tell_once(TOKEN_REFUSED)
            await self._back_off(PAUSES.get(error.failure, 1.0))

    async def _back_off(self, first: float) -> None:
        await self._pause(min(first * 2 ** min(self._failures, 8), LONGEST_PAUSE))
        self._failures += 1

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _tell_once(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            await self._keeper.report(what)

    async def _watch(self) -> None:
        """A poll that neither answers nor fails is met from here: new connections, and someone is told."""
        while True:
            await asyncio.sleep(max(0.1, self._hung_after - self.silent_for))
            if self.silent_for >= self._hung_after:
                await self._tell_once("poll_hangs")
                await self._source.renew()
                await asyncio.sleep(self._hung_after)
