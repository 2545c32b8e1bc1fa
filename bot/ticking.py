"""What makes time pass: alerts climb every second, whatever else there is to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import JumpWatch, steady
from bot.flows import alerts
from bot.flows.clinic import Clinic
from bot.flows.tick import tick
from bot.threads import InThread
from bot.trouble import tell

logger = logging.getLogger(__name__)

SECONDS = 1


class Ticking:
    """Two jobs, each every second: one for alerts alone, one for all that is due.

    A morning's check-ins take a while to open; an alert must not wait for that to climb.
    """

    def __init__(
        self,
        clinic: Clinic,
        clock: Callable[[], datetime],
        threads: Callable[[str], InThread],
        pace: float,
        jumps: JumpWatch | None = None,
    ) -> None:
        self._clinic = clinic
        self._clock = clock
        self._climbing = threads("climb")
        self._ticking = threads("tick")
        self._pace = max(1, round(pace))
        self._jumps = jumps or JumpWatch()
        self._ticked_at = steady()
        self._after: Callable[[], None] = lambda: None

    @property
    def age(self) -> float:
        """Seconds since all that was due was last done, by a clock nobody can turn."""
        return steady() - self._ticked_at

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
        if (by := self._jumps.jumped()) is not None:
            minutes = round(by / timedelta(minutes=1))
            logger.error("clock.jumped", extra={"minutes": minutes})
            what = f"the machine's clock was set by {minutes} minutes"
            await self._guarded(self._ticking, lambda: tell(self._clinic, what, self._clock()))
        late = timedelta(seconds=self.age)
        if await self._guarded(
            self._ticking, lambda: tick(self._clinic, self._clock(), late=late, pace=self._pace)
        ):
            self._ticked_at = steady()

    async def _guarded(self, in_thread: InThread, work: Callable[[], object]) -> bool:
        try:
            await in_thread(work)
        except Exception as error:
            logger.error("tick.failed", extra={"error": type(error).__name__})
            return False
        self._after()
        return True
