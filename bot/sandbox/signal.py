"""Waking those who wait for something to happen."""

from __future__ import annotations

import asyncio


class Signal:
    """Wakes every waiter at once; nobody misses a change that comes after they looked."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[bool]] = set()

    def fire(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(True)

    async def wait(self, seconds: float) -> bool:
        """Return True when fired, False when `seconds` have passed first."""
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            return await asyncio.wait_for(waiter, max(seconds, 0))
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
