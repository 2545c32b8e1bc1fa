"""Exactly one person is on call at every instant that is covered, whatever the clocks do."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.care.oncall import Turn, edges, gaps, on_call, overlaps, same_person_everywhere, unreachable

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def turn(
    who: str, start: float, end: float, tier: int = 1, *, override: bool = False, made: str = ""
) -> Turn:
    return Turn(tier, who, NOON + start * HOUR, NOON + end * HOUR, override, made)


@pytest.mark.parametrize(
    ("at", "who"),
    [
        pytest.param(-0.01, None, id="before it begins"),
        pytest.param(0, "amara", id="the first instant counts"),
        pytest.param(7.99, "amara", id="the last moment"),
        pytest.param(8, "jonas", id="at the hand-over it is the next one already"),
        pytest.param(16, None, id="after all of it"),
    ],
)
def test_a_shift_includes_its_beginning_and_not_its_end(at: float, who: str | None) -> None:
    turns = [turn("amara", 0, 8), turn("jonas", 8, 16)]
    assert on_call(turns, 1, NOON + at * HOUR) == who


def test_a_take_over_wins_over_the_calendar_and_the_later_take_over_over_the_earlier() -> None:
    turns = [
        turn("amara", 0, 8),
        turn("jonas", 2, 6, override=True, made="1"),
        turn("ines", 3, 4, override=True, made="2"),
    ]
    assert [on_call(turns, 1, NOON + hour * HOUR) for hour in (1, 2.5, 3.5, 5, 7)] == [
        "amara", "jonas", "ines", "jonas", "amara",
    ]  # fmt: skip


def test_of_two_that_overlap_the_later_beginning_counts_whoever_looks() -> None:
    turns = [turn("amara", 0, 8), turn("jonas", 4, 12)]
    assert on_call(turns, 1, NOON + 5 * HOUR) == on_call(turns[::-1], 1, NOON + 5 * HOUR) == "jonas"
    assert len(overlaps(turns)) == 1


def test_gaps_are_what_no_shift_covers() -> None:
    turns = [turn("amara", 1, 4), turn("jonas", 3, 6), turn("ines", 8, 9), turn("ines", 0, 20, tier=2)]
    found = [
        ((start - NOON) / HOUR, (end - NOON) / HOUR) for start, end in gaps(turns, 1, NOON, NOON + 10 * HOUR)
    ]
    assert found == [(0, 1), (6, 8), (9, 10)]


def test_one_person_in_every_tier_is_found() -> None:
    turns = [turn("amara", 0, 8, tier) for tier in (1, 2, 3)]
    assert same_person_everywhere(turns, NOON, NOON + 10 * HOUR) == ((NOON, "amara"),)
    assert same_person_everywhere(turns[:2], NOON, NOON + 10 * HOUR) == ()


def test_people_with_a_shift_and_no_working_channel_are_found() -> None:
    assert unreachable([turn("amara", 0, 8), turn("jonas", 8, 9)], {"jonas"}) == ("amara",)


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]
)
@settings(max_examples=20, deadline=None)
@given(
    first=st.dates(min_value=date(2026, 1, 1), max_value=date(2027, 12, 1)),
    handover=st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None)),
)
def test_daily_hand_overs_by_the_local_clock_leave_exactly_one_person_at_every_instant(
    zone: str, first: date, handover: time
) -> None:
    local = ZoneInfo(zone)
    times = [
        datetime.combine(first + timedelta(days=day), handover, local).astimezone(UTC) for day in range(15)
    ]
    turns = [
        Turn(1, f"person {number % 3}", start, end)
        for number, (start, end) in enumerate(itertools.pairwise(times))
        if start < end
    ]
    assert gaps(turns, 1, times[0], times[-1]) == ()
    assert overlaps(turns) == ()
    for at in edges(turns, times[0], times[-1]):
        assert on_call(turns, 1, at) is not None


@pytest.mark.parametrize(
    ("edge", "zone", "local"),
    [
        pytest.param(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/London", "01:30", id="first 01:30"),
        pytest.param(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/London", "01:30", id="second 01:30"),
        pytest.param(
            datetime(2027, 3, 28, 1, 0, tzinfo=UTC), "Europe/London", "02:00", id="after the skipped hour"
        ),
        pytest.param(datetime(2027, 3, 14, 7, 0, tzinfo=UTC), "America/New_York", "03:00", id="in New York"),
    ],
)
def test_a_shift_edge_on_the_night_the_clocks_change_is_one_instant(
    edge: datetime, zone: str, local: str
) -> None:
    turns = [Turn(1, "before", edge - 8 * HOUR, edge), Turn(1, "after", edge, edge + 8 * HOUR)]
    assert edge.astimezone(ZoneInfo(zone)).strftime("%H:%M") == local
    moment = timedelta(microseconds=1)
    assert on_call(turns, 1, edge - moment) == "before"
    assert on_call(turns, 1, edge) == on_call(turns, 1, edge + moment) == "after"
