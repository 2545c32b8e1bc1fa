"""Taking turns at the database: the urgent first, and nothing else begins while something urgent goes on.

SQLite has one write lock, for which it lets writers poll with growing pauses and in no order, so that a
busy program can keep a page waiting for long. Within one process, writers queue here instead. PostgreSQL
has no such lock; what begins beside a page still takes processor time from it, and so gives way as well.
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
"""Seconds in which nothing else begins after something urgent: its next step follows at once, as a page's
lease follows the reply. Without this a check-in slips in between, and the page waits for it."""

LONGEST_YIELD = 0.25
"""Nobody gives way for longer than this to what has not come yet; urgent replies may come without end."""


class Turns:
    """Whoever waits urgently is next, also shortly after something urgent.

    One at a time; or with `side_by_side` as many as come, of which the others still give way.
    """

    def __init__(
        self,
        patience: float,
        linger: float = LINGER,
        clock: Callable[[], float] = time.monotonic,
        *,
        side_by_side: bool = False,
    ) -> None:
        self._patience = patience
        self._linger = linger
        self._clock = clock
        self._side_by_side = side_by_side
        self._changed = threading.Condition()
        self._taken = False
        self._urgent = 0  # how many wait or are at work
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
            self._give_back(urgent, have)

    def _take(self, urgent: bool) -> bool:
        with self._changed:
            self.waiting += 1
            self._urgent += urgent
            free = self._wait(urgent)
            self.waiting -= 1
            self._taken = self._taken or (free and not self._side_by_side)
            return free

    def _wait(self, urgent: bool) -> bool:
        """Wait until it may go; False when its patience is over."""
        came = self._clock()
        while True:
            pause = 0.0 if urgent else self._quiet_for(came + LONGEST_YIELD)
            passed_over = bool(self._urgent) and not urgent and not self._side_by_side
            if not self._taken and not passed_over and pause <= 0:
                return True
            left = came + self._patience - self._clock()
            if left <= 0:
                return False
            self._changed.wait(min(left, pause) if pause > 0 else left)

    def _quiet_for(self, at_most_until: float) -> float:
        """Return for how many seconds nothing that is not urgent should begin."""
        until = at_most_until if self._urgent else min(self._quiet_until, at_most_until)
        return until - self._clock()

    def give_way(self) -> None:
        """Wait a moment when something urgent is under way: also a reader takes time that it needs."""
        if is_urgent():
            return
        with self._changed:
            until = self._clock() + LONGEST_YIELD
            while (pause := self._quiet_for(until)) > 0:
                self._changed.wait(pause)

    def _give_back(self, urgent: bool, have: bool) -> None:
        with self._changed:
            self._taken = self._taken and not have
            if urgent:
                self._urgent -= 1
                self._quiet_until = self._clock() + self._linger
            self._changed.notify_all()
