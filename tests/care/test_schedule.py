"""What a patient is asked and when, after a treatment: the tables of the protocols, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.care.protocol import Dose, PlannedCheckIn, QuietHours
from bot.care.schedule import expand
from bot.care.unasked import Unasked
from bot.content import Content, load_content

CHICAGO = ZoneInfo("America/Chicago")
MONDAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content()


def at(day: int, clock: str, zone: ZoneInfo = CHICAGO) -> datetime:
    """Return the instant `day` days after the Monday of treatment, at a local time."""
    hour, minute = map(int, clock.split(":"))
    return datetime.combine(MONDAY + timedelta(days=day), time(hour, minute), tzinfo=zone).astimezone(UTC)


def dose(day: int = 0, clock: str = "10:00", increased: bool = False) -> Dose:
    return Dose(at(day, clock), f"t{day}-{clock}", increased)


def plan(
    content: Content, protocol: str, doses: Sequence[Dose], since: datetime | None = None, **quiet: time
) -> dict[str, PlannedCheckIn]:
    planned = expand(content.protocols[protocol], doses, CHICAGO, QuietHours(**quiet), since=since)
    return {f"{each.treatment_id}/{each.key}" if len(doses) > 1 else each.key: each for each in planned}


def local(instants: Sequence[datetime]) -> list[str]:
    return [
        f"{(each.astimezone(CHICAGO).date() - MONDAY).days} {each.astimezone(CHICAGO):%H:%M}"
        for each in instants
    ]


@pytest.mark.parametrize(
    ("key", "kind", "due", "closes", "reminders"),
    [
        ("baseline", "PCL+ASQ+PHQ+GAD", "-1 18:00", "0 10:00", ["0 08:00"]),
        ("before-3", "DAY", "-3 08:00", "-3 20:00", ["-3 12:00"]),
        ("home", "HOME", "0 12:00", "0 13:30", ["0 12:30", "0 13:00"]),
        ("evening", "EVE", "0 16:00", "0 19:00", ["0 17:00", "0 18:00"]),
        ("d1-morning", "AM", "1 08:00", "1 14:00", ["1 10:00", "1 12:00"]),
        ("d2-morning", "DAY", "2 08:00", "2 20:00", ["2 12:00"]),
        ("d3-morning", "DAY", "3 08:00", "3 20:00", ["3 12:00"]),
        ("d7", "DAY+PCL+SAFE", "7 08:00", "8 20:00", ["7 18:00", "8 10:00"]),
        ("d14", "DAY+PCL+SAFE", "14 08:00", "15 20:00", ["14 18:00", "15 10:00"]),
        ("d28", "DAY+PCL+SAFE+PHQ", "28 08:00", "30 08:00", ["28 18:00", "29 10:00"]),
    ],
)
def test_single_infusion(
    *, content: Content, key: str, kind: str, due: str, closes: str, reminders: list[str]
) -> None:
    check_in = plan(content, "single_infusion", [dose()])[key]
    assert check_in.kind == kind
    assert local([check_in.due_at, check_in.closes_at]) == [due, closes]
    expected = [] if key == "baseline" else reminders  # the day's six messages go to the treatment first
    assert local(check_in.reminders) == expected


def test_the_night_asked_about_is_the_one_that_just_ended(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose()])
    assert planned["d1-morning"].night_on == MONDAY
    assert planned["d7"].night_on == MONDAY + timedelta(days=6)
    assert planned["home"].night_on is None
    assert planned["evening"].night_on is None


@pytest.mark.parametrize(
    ("protocol", "key", "kind", "due", "closes"),
    [
        ("induction", "w01-sun", "PCL+SAFE", "6 10:00", "7 22:00"),
        ("induction", "w02-sun", "PCL+SAFE+PHQ", "13 10:00", "14 22:00"),
        ("induction", "w03-day-mon", "DAY", "14 08:00", "14 20:00"),
        ("induction", "w06-day-thu", "DAY", "38 08:00", "38 20:00"),
        ("induction", "w05-follow", "SAFE", "34 10:00", "35 22:00"),
        ("induction", "w06-follow", "SAFE+PCL+PHQ", "41 10:00", "42 22:00"),
        ("esketamine", "home", "HOME", "0 14:00", "0 15:30"),
        ("esketamine", "w02-sun", "SAFE+PCL", "13 10:00", "14 22:00"),
        ("at_home", "home", "HOME", "0 12:00", "0 13:00"),
        ("at_home", "w01-mid-week", "DAY", "3 08:00", "3 20:00"),
        ("at_home", "w04-sun", "SAFE+PCL+PHQ+GAD+BLA+MIS", "27 10:00", "28 22:00"),
        ("daily_low_dose", "w01-daily-tue", "DAILY", "1 09:00", "1 20:00"),
        ("daily_low_dose", "w01-sun", "SAFE+USE", "6 10:00", "7 22:00"),
        ("daily_low_dose", "w04-forms", "PCL+PHQ+GAD+BLA+MIS", "26 10:00", "29 10:00"),
    ],
)
def test_other_protocols(
    *, content: Content, protocol: str, key: str, kind: str, due: str, closes: str
) -> None:
    check_in = plan(content, protocol, [dose()])[key]
    assert check_in.kind == kind
    assert local([check_in.due_at, check_in.closes_at]) == [due, closes]


@pytest.mark.parametrize(
    ("treated", "due", "reason"),
    [
        pytest.param("15:29", "0 21:29", "", id="the last minute before quiet hours"),
        pytest.param("15:30", "0 21:00", "", id="falls on the start of quiet hours and moves before it"),
        pytest.param("17:59", "0 21:00", "", id="the latest treatment that leaves three hours"),
        pytest.param("16:00", "0 21:00", "", id="falls at 22:00"),
    ],
)
def test_the_evening_check_in_moves_out_of_quiet_hours(
    content: Content, treated: str, due: str, reason: str
) -> None:
    evening = plan(content, "single_infusion", [dose(clock=treated)])["evening"]
    assert (local([evening.due_at])[0], evening.reason) == (due, reason)


def test_an_evening_check_in_after_midnight_joins_the_morning(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose(clock="18:30")])
    assert "evening" not in planned
    morning = planned["d1-morning"]
    assert (morning.kind, morning.merged) == ("AM+EVE", ("evening",))
    assert morning.items.count("anxiety") == 1


@pytest.mark.parametrize(
    ("treated", "reason"),
    [
        pytest.param("19:29", "", id="due just before quiet hours"),
        pytest.param("19:30", Unasked.NO_ROOM, id="21:00 would be less than three hours after the dose"),
    ],
)
def test_a_home_check_in_late_in_the_evening_says_that_it_was_not_sent(
    content: Content, treated: str, reason: str
) -> None:
    assert plan(content, "at_home", [dose(clock=treated)])["home"].reason == reason


def test_reminders_inside_quiet_hours_are_dropped(content: Content) -> None:
    evening = plan(content, "single_infusion", [dose(clock="14:30")])["evening"]
    assert local(evening.reminders) == []
    assert local([evening.due_at]) == ["0 20:30"]


def test_a_late_riser_is_asked_after_their_own_quiet_hours(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose()], start=time(23), end=time(9))
    assert local([planned["d2-morning"].due_at]) == ["2 09:30"]
    assert local([planned["d2-morning"].closes_at]) == ["2 20:00"]


def test_a_night_worker_is_never_woken(content: Content) -> None:
    quiet = QuietHours(time(8), time(16))
    for each in expand(content.protocols["induction"], [dose(clock="18:00")], CHICAGO, quiet):
        if not each.reason:
            sent = [instant.astimezone(CHICAGO).time() for instant in (each.due_at, *each.reminders)]
            assert not any(quiet.holds(clock) for clock in sent)


def test_no_more_than_six_messages_a_day(content: Content) -> None:
    for protocol in content.protocols.values():
        for doses in ([dose()], [dose(day) for day in protocol.typical_days]):
            sent: dict[date, int] = {}
            for each in expand(protocol, doses, CHICAGO, QuietHours()):
                for instant in () if each.reason else (each.due_at, *each.reminders):
                    day = instant.astimezone(CHICAGO).date()
                    sent[day] = sent.get(day, 0) + 1
            assert max(sent.values()) <= 6, protocol.id


def test_a_new_treatment_supersedes_what_was_to_come(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose(0), dose(5)])
    assert "t0-10:00/d3-morning" in planned
    assert "t0-10:00/d7" not in planned
    assert "t5-10:00/d7" in planned
    assert "t5-10:00/baseline" not in planned  # asked once, before the first


def test_the_window_of_an_open_check_in_ends_with_the_next_treatment(content: Content) -> None:
    planned = plan(content, "esketamine", [dose(0), dose(1, "11:30")])
    assert local([planned["t0-10:00/d1-morning"].closes_at]) == ["1 11:30"]
    assert local(planned["t0-10:00/d1-morning"].reminders) == ["1 10:00"]


def test_mornings_of_two_treatments_within_a_day_are_one(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose(0, "10:00"), dose(0, "16:00")])
    mornings = [each for each in planned.values() if each.night_on == MONDAY]
    assert [(each.treatment_id, each.kind) for each in mornings] == [("t0-16:00", "AM")]
    assert mornings[0].merged == ("d1-morning",)


def test_a_treatment_just_after_midnight_does_not_lose_the_morning(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose(0, "20:00"), dose(1, "01:00")])
    first = planned["t0-20:00/d1-morning"]
    assert (first.kind, local([first.due_at])) == ("AM+HOME+EVE", ["1 08:00"])
    assert local([planned["t1-01:00/d1-morning"].due_at]) == ["2 08:00"]


def test_forms_wait_until_three_hours_after_a_treatment(content: Content) -> None:
    planned = plan(content, "esketamine", [dose(0), dose(6, "09:00")])
    assert local([planned["t0-10:00/w01-sun"].due_at]) == ["6 12:00"]


def test_a_weekday_on_the_day_of_treatment_is_asked_at_the_end_of_that_week(content: Content) -> None:
    sunday = Dose(at(6, "12:00"), "sunday")
    planned = plan(content, "induction", [sunday])
    assert local([planned["w01-sun"].due_at]) == ["12 10:00"]
    assert local([planned["w02-sun"].due_at]) == ["13 10:00"]


def test_home_checks_of_daily_doses_stop_after_three_and_return_with_an_increase(content: Content) -> None:
    doses = [dose(day) for day in range(5)] + [dose(5, increased=True)]
    planned = plan(content, "daily_low_dose", doses)
    checked = sorted(key for key in planned if key.endswith("/home"))
    assert checked == [f"t{day}-10:00/home" for day in (0, 1, 2, 5)]


def test_two_doses_in_a_week_leave_out_the_mid_week_check_in(content: Content) -> None:
    assert any("mid-week" in key for key in plan(content, "at_home", [dose(0), dose(7)]))
    planned = plan(content, "at_home", [dose(0), dose(2), dose(7)])
    assert next(key for key in planned if "mid-week" in key).endswith("w02-mid-week")


def test_a_two_week_form_is_not_asked_twice_within_two_weeks(content: Content) -> None:
    friday = dose(4)
    week_two = plan(content, "at_home", [friday])["w02-sun"]
    assert week_two.kind == "SAFE+PCL"  # nine days after the evening before treatment
    assert "phq9_1" not in week_two.items
    late = plan(content, "at_home", [friday], since=at(4, "11:00"))
    assert late["w02-sun"].kind == "SAFE+PCL+PHQ+GAD"  # there was no evening before: recorded afterwards


def test_what_was_over_before_it_was_planned_says_so(content: Content) -> None:
    planned = plan(content, "single_infusion", [dose()], since=at(0, "15:00"))
    assert planned["home"].reason == Unasked.TOO_LATE
    assert planned["baseline"].reason == Unasked.TOO_LATE
    assert planned["evening"].reason == ""


def test_who_enrols_an_hour_before_treatment_is_asked_at_once(content: Content) -> None:
    baseline = plan(content, "single_infusion", [dose()], since=at(0, "09:00"))["baseline"]
    assert local([baseline.due_at, baseline.closes_at]) == ["0 09:00", "0 10:00"]


def test_a_traveller_keeps_local_clock_times(content: Content) -> None:
    given = Dose(at(0, "10:00"), "t", zone="America/Chicago")
    tokyo = ZoneInfo("Asia/Tokyo")
    morning = next(
        each
        for each in expand(content.protocols["single_infusion"], [given], tokyo, QuietHours())
        if each.key == "d2-morning"
    )
    assert f"{morning.due_at.astimezone(tokyo):%d %H:%M}" == "04 08:00"


def test_a_treatment_without_a_zone_is_refused(content: Content) -> None:
    with pytest.raises(ValueError, match="time zone"):
        expand(
            content.protocols["induction"],
            [Dose(datetime.fromisoformat("2026-11-02T10:00"))],
            CHICAGO,
            QuietHours(),
        )


def test_no_treatment_asks_nothing(content: Content) -> None:
    assert expand(content.protocols["induction"], [], CHICAGO, QuietHours()) == []
