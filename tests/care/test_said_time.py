"""Times as staff type them: read when clear, asked about when not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.said_time import Unclear, read_time

NOW = datetime(2026, 3, 3, 16, 20, tzinfo=UTC)  # 10:20 in Chicago
ZONE = "America/Chicago"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", "2026-03-03 16:20"),
        ("now", "2026-03-03 16:20"),
        ("9:05", "2026-03-03 15:05"),
        ("today at 14:30", "2026-03-03 20:30"),
        ("ayer a las 14:30", "2026-03-02 20:30"),
        ("mañana 8:00", "2026-03-04 14:00"),
        ("9 pm", "2026-03-04 03:00"),
        ("12 am", "2026-03-03 06:00"),
        ("12 pm", "2026-03-03 18:00"),
        ("2026-03-01 23:59", "2026-03-02 05:59"),
        ("2026-03-08 03:30", "2026-03-08 08:30"),
    ],
)
def test_a_clear_time_is_read(text: str, at: str) -> None:
    read = read_time(text, NOW, ZONE)
    assert read.at is not None and read.at.strftime("%Y-%m-%d %H:%M") == at


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("25:00", Unclear.NO_SUCH_TIME),
        ("12:60", Unclear.NO_SUCH_TIME),
        ("13 pm", Unclear.NO_SUCH_TIME),
        ("2026-13-01 10:00", Unclear.NO_SUCH_TIME),
        ("2026-03-08 02:30", Unclear.SKIPPED),
        ("2026-11-01 01:30", Unclear.TWICE),
        ("2036-03-03 10:00", Unclear.TOO_FAR),
        ("2016-03-03 10:00", Unclear.TOO_FAR),
        ("14", Unclear.NOT_READ),
        ("soon", Unclear.NOT_READ),
        ("yesterday", Unclear.NOT_READ),
        ("10:00 and 11:00", Unclear.NOT_READ),
    ],
)
def test_an_unclear_time_is_not_guessed(text: str, why: Unclear) -> None:
    assert read_time(text, NOW, ZONE).unclear is why


def test_of_a_time_that_comes_twice_first_and_second_are_an_hour_apart() -> None:
    now = datetime(2026, 11, 1, 18, tzinfo=UTC)
    first = read_time("2026-11-01 01:30 first", now, ZONE).at
    second = read_time("2026-11-01 01:30 segunda", now, ZONE).at
    assert first is not None and second is not None and (second - first).seconds == 3600


@given(text=st.text(max_size=200))
def test_any_text_is_read_or_asked_about(text: str) -> None:
    read = read_time(text, NOW, ZONE)
    assert (read.at is None) == (read.unclear is not None)
