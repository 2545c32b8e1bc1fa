"""How fast we send: Telegram allows about 30 messages a second, and one a second to one chat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Hold:
    """How long a chat was told to wait, by the clock on the wall and by one that nobody can set.

    It is over by whichever comes first: a clock set back must not make hours of a minute.
    """

    until: datetime
    steadily: float

    @classmethod
    def of(cls, wait: timedelta, now: datetime) -> Hold:
        return cls(now + wait, time.monotonic() + wait.total_seconds())

    def left(self, now: datetime) -> timedelta:
        """Return what is left of it, zero when it is over."""
        steadily = timedelta(seconds=self.steadily - time.monotonic())
        return max(timedelta(), min(self.until - now, steadily))


class Bucket:
    """Tokens that come back at `per_second`, up to `burst`. Measured by a clock that never jumps."""

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self._tokens = burst
        self._at = time.monotonic()

    def take(self) -> float:
        """Take one token and return 0, or return the seconds until there is one."""
        self._refill()
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.per_second

    @property
    def full(self) -> bool:
        self._refill()
        return self._tokens >= self.burst

    def _refill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_second)
        self._at = now


class Budget:
    """The whole lane's rate."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._bucket = Bucket(per_second, burst)

    async def take(self) -> None:
        """Wait for the turn of one message."""
        wait = self._bucket.take()
        while wait > 0:
            await asyncio.sleep(wait)
            wait = self._bucket.take()


class PerChat:
    """Every chat's own rate: a small burst, then one a second."""

    def __init__(self, per_second: float = 1.0, burst: float = 5.0) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[Hashable, Bucket] = {}

    def wait_for(self, chat: Hashable) -> float:
        """Return 0 when the chat may be written to now, or the seconds to wait."""
        if len(self._buckets) > 10_000:
            self._buckets = {key: each for key, each in self._buckets.items() if not each.full}
        bucket = self._buckets.setdefault(chat, Bucket(self._per_second, self._burst))
        return bucket.take()
