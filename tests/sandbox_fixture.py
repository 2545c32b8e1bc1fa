"""A real sandbox for a test: its own port, its own clock file, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.running import RunningSandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """A running sandbox: `.address`, `.api_url`, `.care_token`, `.clock_file`, `.client()`."""
    with RunningSandbox(clock_file=tmp_path / "clock") as running:
        yield running
