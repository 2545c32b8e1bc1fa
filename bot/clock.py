"""The clock: the one place, with the sandbox's, where the machine is asked for the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """The time: the machine's, plus the seconds that `offset_file` holds, read anew at every call."""

    def __init__(self, offset_file: Path | None = None) -> None:
        self._file = offset_file

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset())

    def _offset(self) -> float:
        if self._file is None:
            return 0.0
        try:
            return float(self._file.read_text().strip() or 0)
        except (OSError, ValueError):
            return 0.0
