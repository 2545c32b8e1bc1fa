"""Taking turns at SQLite's one write lock: the urgent first, and nobody asleep while it is free.

SQLite lets writers poll for its lock with growing pauses and in no order, so that a busy program can
keep a page waiting for long. Within one process, writers queue here instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


def be_urgent() -> None:
    """Let what this thread writes from now on go before what other threads write."""
    _thread.urgent = True


def is_urgent() -> bool:
    return getattr(_thread, "urgent", False)


class Turns:
    """One at a time; whoever waits urgently is next."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._changed = threading.Condition()
        self._taken = False
        self._urgent_waiting = 0
        self.waiting = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have the turn while the block runs. After `patience` seconds go on without: SQLite decides then."""
        have = self._take(is_urgent())
        try:
            yield
        finally:
            if have:
                self._give_back()

    def _take(self, urgent: bool) -> bool:
        with self._changed:
            self.waiting += 1
            self._urgent_waiting += urgent
            free = self._changed.wait_for(lambda: self._may_go(urgent), self._patience)
            self.waiting -= 1
            self._urgent_waiting -= urgent
            self._taken = self._taken or free
            return free

    def _may_go(self, urgent: bool) -> bool:
        return not self._taken and (urgent or not self._urgent_waiting)

    def _give_back(self) -> None:
        with self._changed:
            self._taken = False
            self._changed.notify_all()
