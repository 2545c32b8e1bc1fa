"""Named places where a test may kill the process, so that "it died just there" can be tried for real."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

VARIABLE = "AFTERCARE_CRASH_AT"
HANDLING_STATEMENT = "handling-statement-"


def crash_point(name: str) -> None:
    """Kill this process, as a power cut would, when the environment names this place."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)


class StatementCounter:
    """Kills the process before the n-th statement that follows `arm()` ("handling-statement-3")."""

    def __init__(self) -> None:
        wanted = os.environ.get(VARIABLE, "")
        number = wanted.removeprefix(HANDLING_STATEMENT)
        self.left = int(number) if wanted != number and number.isdigit() else 0
        self._thread = 0

    def arm(self) -> None:
        """Count from here on, the statements of this thread alone."""
        self._thread = threading.get_ident()

    def before_statement(self, *_: Any, **__: Any) -> None:
        """SQLAlchemy's `before_cursor_execute`."""
        if self.left and self._thread == threading.get_ident():
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


statements = StatementCounter()
