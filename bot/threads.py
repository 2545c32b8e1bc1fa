"""Where database work is done: threads beside the event loop, so that nothing on the loop ever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class InThread(Protocol):
    """Does work that blocks and returns what it returns."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Threads:
    """A few threads with a name; work beyond their number waits in the order it came."""

    def __init__(self, name: str, number: int = 1, prepare: Callable[[], None] | None = None) -> None:
        self._pool = ThreadPoolExecutor(number, thread_name_prefix=name, initializer=prepare)

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Wait for what was begun, drop what was not."""
        self._pool.shutdown(wait=True, cancel_futures=True)
