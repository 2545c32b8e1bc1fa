"""Where somebody is and when they want quiet, as people type it."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from bot.care.local_time import find_zones, is_zone, read_quiet_hours, zones_like


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("America/Denver", "America/Denver"),
        ("america/new_york", "America/New_York"),
        ("Denver", "America/Denver"),
        ("new york", "America/New_York"),
        ("Nueva York", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Boston.", "America/New_York"),
        ("Madrid", "Europe/Madrid"),
    ],
)
def test_a_place_is_found_by_zone_or_by_city(typed: str, zone: str) -> None:
    assert find_zones(typed) == (zone,)


@pytest.mark.parametrize(
    "typed", ["Mars/Phobos", "xx", "", "   ", "EST5EDT!", "../etc/passwd", "\x00", "Etc/GMT+5"]
)
def test_nonsense_is_no_place(typed: str) -> None:
    assert find_zones(typed) == ()


def test_only_exact_names_are_zones() -> None:
    assert is_zone("America/Denver")
    assert not is_zone("america/denver")
    assert not is_zone("Mars/Phobos")


def test_one_zone_is_offered_for_each_time_of_day() -> None:
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    offered = zones_like("America/Chicago", now, ("America/New_York", "America/Winnipeg", "America/Denver"))
    assert offered == ("America/Chicago", "America/New_York", "America/Denver")


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("22:00-07:00", (time(22), time(7))),
        ("9 pm - 6 am", (time(21), time(6))),
        ("12 am to 12 pm", (time(0), time(12))),
        ("22 a 7", (time(22), time(7))),
        ("21.30 – 7h30", (time(21, 30), time(7, 30))),
    ],
)
def test_quiet_hours_are_read_as_two_clock_times(typed: str, hours: tuple[time, time]) -> None:
    assert read_quiet_hours(typed) == hours


@pytest.mark.parametrize(
    "typed", ["25:00", "25:00-07:00", "22:60-07:00", "13 pm - 6 am", "late", "", "1-2-3", "22"]
)
def test_what_is_not_two_clock_times_is_asked_again(typed: str) -> None:
    assert read_quiet_hours(typed) is None
