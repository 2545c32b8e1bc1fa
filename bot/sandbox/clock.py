"""The sandbox's clock: real time plus an offset kept in a file that the bot reads too."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path


class SandboxClock:
    """Real time moved by a number of seconds.

    The offset lives in `path` (one number as text, replaced atomically), so that every program
    started with AFTERCARE_CLOCK_FILE sees the same time. Without a path it lives in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._offset = 0.0
        if path is not None and path.exists():
            self._offset = float(path.read_text().strip() or 0)
        elif path is not None:
            self.set_offset(0.0)

    @property
    def offset(self) -> float:
        """Seconds this clock is ahead of real time."""
        return self._offset

    def now(self) -> float:
        """Return the present as seconds since 1970."""
        return time.time() + self._offset

    def moment(self) -> datetime:
        """Return the present as an aware UTC instant."""
        return datetime.fromtimestamp(self.now(), UTC)

    def move(self, seconds: float) -> None:
        self.set_offset(self._offset + seconds)

    def set_to(self, moment: datetime) -> None:
        self.set_offset(moment.timestamp() - time.time())

    def set_offset(self, offset: float) -> None:
        self._offset = offset
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_name(self._path.name + ".new")
            draft.write_text(f"{offset:.3f}\n")
            draft.replace(self._path)
