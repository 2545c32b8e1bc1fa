"""The clock: the one place, with the sandbox's, where the machine is asked for the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

JUMP = timedelta(minutes=1)
"""Less is a clock being corrected; more is one that was set."""


def machine_time() -> datetime:
    """Return the time by the machine's own clock, which somebody may set."""
    return datetime.now(UTC)


def steady() -> float:
    """Seconds since the machine started; goes on while it sleeps, where the system can say so."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class JumpWatch:
    """Notices that the machine's clock was set, by one that nobody can turn."""

    def __init__(
        self, machine: Callable[[], datetime] = machine_time, steady: Callable[[], float] = steady
    ) -> None:
        self._machine = machine
        self._steady = steady
        self._seen = machine(), steady()

    def jumped(self) -> timedelta | None:
        """Return how far the clock was set since this was last asked, None when it was not."""
        before, was = self._seen
        self._seen = now, at = self._machine(), self._steady()
        by = now - before - timedelta(seconds=at - was)
        return by if abs(by) > JUMP else None


class Clock:
    """The time: the machine's, plus the seconds that `offset_file` holds, read anew at every call."""

    def __init__(self, offset_file: Path | None = None) -> None:
        self._file = offset_file

    def __call__(self) -> datetime:
        return machine_time() + timedelta(seconds=self._offset())

    def _offset(self) -> float:
        if self._file is None:
            return 0.0
        try:
            return float(self._file.read_text().strip() or 0)
        except (OSError, ValueError):
            return 0.0
