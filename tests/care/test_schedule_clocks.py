"""Local clock times hold in every zone of the world, on both nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.care.protocol import ClockTime, Dose, PlannedCheckIn, Protocol, QuietHours
from bot.care.schedule import expand, instant
from bot.content import Content, load_content

ZONES = sorted(available_timezones() - {"localtime"})
NEVER_QUIET = QuietHours(time(0), time(0))
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)  # the nights the clocks change in the United States


@cache
def content() -> Content:
    return load_content()


@cache
def changes_of(zone_name: str) -> tuple[date, ...]:
    """Return the local days of 2026 on which the zone's offset changes."""
    zone, day, found = ZoneInfo(zone_name), date(2026, 1, 1), []
    while day.year == 2026:
        noons = [
            datetime.combine(day + timedelta(days=ahead), time(12), zone).utcoffset() for ahead in (0, 1)
        ]
        if noons[0] != noons[1]:
            found.append(day + timedelta(days=1))
        day += timedelta(days=1)
    return tuple(found)


def clock_of(protocol: Protocol, check_in: PlannedCheckIn) -> time:
    """Return the local time a check-in of a protocol says it is due at."""
    key = check_in.key.split("-", 1)[1] if check_in.key.startswith("w") else check_in.key
    days = ("-mon", "-tue", "-wed", "-thu", "-fri", "-sat", "-sun")
    plain = key[:-4] if key.endswith(days) and key not in {slot.key for slot in protocol.slots} else key
    due = next(slot.due for slot in protocol.slots if slot.key == plain)
    assert isinstance(due, ClockTime)
    return due.at


def timed_by_clock(protocol: Protocol, check_in: PlannedCheckIn) -> bool:
    return not {"HOME", "EVE"} & set(check_in.kind.split("+")) and not check_in.reason


@settings(max_examples=200, deadline=None)
@given(
    zone_name=st.sampled_from(ZONES),
    protocol_id=st.sampled_from(["single_infusion", "induction", "esketamine", "at_home", "daily_low_dose"]),
    days_before_change=st.integers(0, 30),
    hour=st.integers(6, 20),
    which=st.integers(0, 3),
)
def test_due_times_are_the_clock_times_written_in_the_protocol(
    zone_name: str, protocol_id: str, days_before_change: int, hour: int, which: int
) -> None:
    zone, protocol = ZoneInfo(zone_name), content().protocols[protocol_id]
    changes = changes_of(zone_name) or (SPRING, AUTUMN)
    day = changes[which % len(changes)] - timedelta(days=days_before_change)
    treated = instant(day, time(hour), zone)
    planned = expand(protocol, [Dose(treated, "t")], zone, NEVER_QUIET)
    assert planned
    for each in planned:
        local = each.due_at.astimezone(zone)
        if timed_by_clock(protocol, each) and each.due_at != treated + protocol.spare_after_dose:
            assert local.time() == clock_of(protocol, each), each.key
        if each.night_on is not None:
            assert each.night_on == local.date() - timedelta(days=1)


@settings(max_examples=150, deadline=None)
@given(
    zone_name=st.sampled_from(ZONES),
    protocol_id=st.sampled_from(["single_infusion", "induction", "esketamine", "at_home", "daily_low_dose"]),
    minutes=st.lists(st.integers(0, 60 * 24 * 40), min_size=1, max_size=8, unique=True),
    quiet=st.tuples(st.times(), st.times()),
)
def test_any_course_anywhere_is_orderly(
    zone_name: str, protocol_id: str, minutes: list[int], quiet: tuple[time, time]
) -> None:
    zone, protocol = ZoneInfo(zone_name), content().protocols[protocol_id]
    start = datetime(2026, 3, 1, tzinfo=UTC)
    doses = [Dose(start + timedelta(minutes=each), f"t{each}") for each in minutes]
    hours = QuietHours(quiet[0].replace(microsecond=0), quiet[1].replace(microsecond=0))
    planned = expand(protocol, doses, zone, hours)
    assert len({(each.treatment_id, each.key) for each in planned}) == len(planned)
    for each in planned:
        assert each.due_at < each.closes_at
        assert each.due_at.utcoffset() == timedelta()
        assert len(each.reminders) <= 2
        for reminder in each.reminders:
            assert each.due_at < reminder < each.closes_at
            assert not hours.holds(reminder.astimezone(zone).time())
    nights = [each.night_on for each in planned if each.night_on and not each.reason]
    assert len(nights) == len(set(nights)), "no night is asked about twice"


@pytest.mark.parametrize(
    ("day", "clock", "shown"),
    [
        pytest.param(SPRING, time(2, 30), "03:30", id="skipped in spring: moves forward"),
        pytest.param(SPRING, time(1, 59), "01:59", id="the minute before the gap"),
        pytest.param(SPRING, time(3, 0), "03:00", id="the minute after the gap"),
        pytest.param(AUTUMN, time(1, 30), "01:30", id="twice in autumn: the first"),
    ],
)
def test_a_clock_time_that_does_not_exist_or_exists_twice(day: date, clock: time, shown: str) -> None:
    zone = ZoneInfo("America/Chicago")
    found = instant(day, clock, zone)
    assert f"{found.astimezone(zone):%H:%M}" == shown
    assert found.astimezone(zone).fold == 0


def test_a_day_that_never_was_is_asked_about_on_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")  # crossed the date line: 30 December 2011 did not happen
    treated = instant(date(2011, 12, 29), time(10), apia)
    planned = expand(content().protocols["single_infusion"], [Dose(treated, "t")], apia, QuietHours())
    mornings = [each for each in planned if each.night_on and each.due_at > treated]
    assert f"{mornings[0].due_at.astimezone(apia):%d %H:%M}" == "31 08:00"


@pytest.mark.parametrize(
    ("change", "hours"), [pytest.param(SPRING, 23, id="spring"), pytest.param(AUTUMN, 25, id="autumn")]
)
def test_the_morning_after_a_change_of_clocks_is_still_eight_o_clock(change: date, hours: int) -> None:
    zone = ZoneInfo("America/New_York")
    treated = instant(change - timedelta(days=1), time(8), zone)
    planned = expand(content().protocols["single_infusion"], [Dose(treated, "t")], zone, QuietHours())
    morning = next(each for each in planned if each.key == "d1-morning")
    assert morning.due_at - treated == timedelta(hours=hours)
