"""A clock that somebody sets is noticed by one that nobody can turn, and a human hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import JumpWatch

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@dataclass
class Hands:
    """The two clocks of a machine, moved by a test."""

    wall: datetime = NOON
    seconds: float = 1000.0

    def watch(self) -> JumpWatch:
        return JumpWatch(lambda: self.wall, lambda: self.seconds)

    def pass_time(self, seconds: float, set_by: float = 0.0) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds + set_by)


@pytest.mark.parametrize(
    ("set_by", "noticed"),
    [
        pytest.param(60, None, id="exactly a minute is a correction"),
        pytest.param(61, timedelta(seconds=61), id="more is a jump"),
        pytest.param(-60, None, id="a minute back is a correction"),
        pytest.param(-7200, timedelta(hours=-2), id="two hours back"),
    ],
)
def test_a_set_clock_is_told_from_a_corrected_one(set_by: float, noticed: timedelta | None) -> None:
    hands = Hands()
    watch = hands.watch()
    hands.pass_time(5, set_by)
    assert watch.jumped() == noticed
    hands.pass_time(3600)
    assert watch.jumped() is None, "a long sleep is no jump, and a jump is told once"
