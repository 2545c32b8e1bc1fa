"""Taking turns at SQLite's one write lock: the urgent first, and nobody asleep while it is free.

SQLite lets writers poll for its lock with growing pauses and in no order, so that a busy program can
keep a page waiting for long. Within one process, writers queue here instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_thread = threading.local()


def be_urgent() -> None:
    """Let what this thread writes from now on go before what other threads write."""
    _thread.urgent = True


def is_urgent() -> bool:
    return getattr(_thread, "urgent", False)


LINGER = 0.02
"""Seconds the lock is kept free after something urgent: its next step follows at once, as a page's
lease follows the reply. Without this a check-in slips in between, and the page waits for it."""

LONGEST_YIELD = 0.25
"""Nobody gives way for longer than this to what has not come yet; urgent replies may come without end."""


class Turns:
    """One at a time; whoever waits urgently is next, also shortly after something urgent."""

    def __init__(
        self, patience: float, linger: float = LINGER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._linger = linger
        self._clock = clock
        self._changed = threading.Condition()
        self._taken = False
        self._urgent_waiting = 0
        self._quiet_until = clock()
        self.waiting = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have the turn while the block runs. After `patience` seconds go on without: SQLite decides then."""
        urgent = is_urgent()
        have = self._take(urgent)
        try:
            yield
        finally:
            if have:
                self._give_back(urgent)

    def _take(self, urgent: bool) -> bool:
        with self._changed:
            self.waiting += 1
            self._urgent_waiting += urgent
            free = self._wait(urgent)
            self.waiting -= 1
            self._urgent_waiting -= urgent
            self._taken = self._taken or free
            return free

    def _wait(self, urgent: bool) -> bool:
        """Wait until it may go; False when its patience is over."""
        came = self._clock()
        while True:
            now = self._clock()
            pause = 0.0 if urgent else min(self._quiet_until, came + LONGEST_YIELD) - now
            if not self._taken and (urgent or not self._urgent_waiting) and pause <= 0:
                return True
            left = came + self._patience - now
            if left <= 0:
                return False
            self._changed.wait(min(left, pause) if pause > 0 else left)

    def give_way(self) -> None:
        """Wait a moment when something urgent is under way: also a reader takes time that it needs."""
        if is_urgent():
            return
        with self._changed:
            until = self._clock() + LONGEST_YIELD
            while (pause := min(self._quiet_until, until) - self._clock()) > 0:
                self._changed.wait(pause)

    def _give_back(self, urgent: bool) -> None:
        with self._changed:
            self._taken = False
            if urgent:
                self._quiet_until = self._clock() + self._linger
            self._changed.notify_all()
