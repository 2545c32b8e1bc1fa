"""What makes time pass: alerts climb every second, whatever else there is to do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.flows import alerts
from bot.flows.clinic import Clinic
from bot.flows.tick import tick
from bot.threads import InThread

logger = logging.getLogger(__name__)

SECONDS = 1


class Ticking:
    """Two jobs, each every second: one for alerts alone, one for all that is due.

    A morning's check-ins take a while to open; an alert must not wait for that to climb.
    """

    def __init__(
        self, clinic: Clinic, clock: Callable[[], datetime], threads: Callable[[str], InThread], pace: float
    ) -> None:
        self._clinic = clinic
        self._clock = clock
        self._climbing = threads("climb")
        self._ticking = threads("tick")
        self._pace = max(1, round(pace))
        self._ticked_at = _steady()
        self._after: Callable[[], None] = lambda: None

    @property
    def age(self) -> float:
        """Seconds since all that was due was last done, by a clock nobody can turn."""
        return _steady() - self._ticked_at

    def start(self, after: Callable[[], None]) -> AsyncIOScheduler:
        """Begin; `after` is called whenever something may have been queued.

        A run that is late runs all the same, runs that were missed run once, and none runs twice at once.
        """
        self._after = after
        scheduler = AsyncIOScheduler(timezone=UTC)
        for job in (self._climb, self._tick):
            scheduler.add_job(
                job, "interval", seconds=SECONDS, misfire_grace_time=None, coalesce=True, max_instances=1
            )
        scheduler.start()
        return scheduler

    async def _climb(self) -> None:
        await self._guarded(self._climbing, lambda: alerts.climb(self._clinic, self._clock()))

    async def _tick(self) -> None:
        late = timedelta(seconds=self.age)
        if await self._guarded(
            self._ticking, lambda: tick(self._clinic, self._clock(), late=late, pace=self._pace)
        ):
            self._ticked_at = _steady()

    async def _guarded(self, in_thread: InThread, work: Callable[[], object]) -> bool:
        try:
            await in_thread(work)
        except Exception as error:
            logger.error("tick.failed", extra={"error": type(error).__name__})
            return False
        self._after()
        return True


def _steady() -> float:
    """Seconds since the machine started; goes on while it sleeps, where the system can say so."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
