"""The change of shift, taking over from a colleague, and what the clocks do to both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from bot.flows import roster
from storage.tables import Role, Shift, Staff
from tests.flows.alarm import CRISIS, audited, found
from tests.flows.clinic_night import House, Phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def lind(house: House, okafor: Phone) -> Phone:
    """The colleague whose shift begins when Dr. Okafor's ends, an hour from now."""
    phone = house.clinician("Jonas Lind")
    with house.looking() as tx:
        for name, span in (("Dr. Okafor", (-9, 1)), ("Jonas Lind", (1, 9))):
            staff_id = tx.scalars(select(Staff.id).where(col(Staff.name) == name)).one()
            starts_at, ends_at = (house.now + hours * HOUR for hours in span)
            theirs = update(Shift).where(col(Shift.staff_id) == staff_id)
            tx.execute(theirs.values(starts_at=starts_at, ends_at=ends_at))
    return phone


def on_call(house: House, at: datetime) -> str | None:
    with house.looking() as tx:
        staff = roster.on_call_now(tx, "demo", 1, at)
        return staff.name if staff else None


def test_both_hear_at_the_change_of_shift_what_is_open(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    house.tick()
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    house.skip_to(house.now + HOUR - timedelta(seconds=1))
    assert "Before you" not in lind.everything
    house.skip_to(house.now + timedelta(seconds=1))
    assert lind.screen == (
        "You are on call now as first on call, until Tue 19:00. Before you: Dr. Okafor. Open alerts: 1."
    )
    assert lind.button(f"EMERGENCY {maria.code}")[1].text.endswith("Dr. Okafor")
    assert "On call now: Jonas Lind. Open alerts: 1." in okafor.screen
    assert "stay yours until you hand them over: 1" in okafor.screen
    house.wait(minutes=10)
    assert lind.everything.count("Before you") == 1
    assert len(audited(house, "rota.handed_over")) == 1


def test_a_shift_nobody_follows_is_said_to_whoever_goes(house: House, okafor: Phone, lind: Phone) -> None:
    house.tick()
    house.skip_to(house.now + HOUR)
    house.skip_to(house.now + 8 * HOUR)
    assert "On call now: NOBODY" in lind.everything


def test_a_program_just_started_announces_nobody(house: House, okafor: Phone) -> None:
    house.tick()
    assert "on call now" not in okafor.everything.lower()


def test_a_take_over_is_told_once_and_its_end_like_any_change(
    house: House, okafor: Phone, lind: Phone
) -> None:
    house.tick()
    lind.says("/take 10:30")
    assert "Jonas Lind has taken over" in okafor.screen
    house.skip_to(house.now + timedelta(minutes=29))
    assert "Before you" not in lind.everything
    house.skip_to(house.now + timedelta(minutes=1))
    assert (
        "You are on call now as first on call" in okafor.screen and on_call(house, house.now) == "Dr. Okafor"
    )


@pytest.mark.parametrize(
    ("evening", "hours", "until"),
    [
        pytest.param("2026-03-08T02:00+00:00", 11, "2026-03-08T13:00", id="the night an hour is skipped"),
        pytest.param("2026-11-01T01:00+00:00", 13, "2026-11-01T14:00", id="the night an hour comes twice"),
        pytest.param("2026-03-04T02:00+00:00", 12, "2026-03-04T14:00", id="any other night"),
    ],
)
def test_until_eight_is_eight_by_the_clock_on_the_wall(
    house: House, okafor: Phone, evening: str, hours: int, until: str
) -> None:
    house.now = datetime.fromisoformat(evening)
    taker = house.clinician("Jonas Lind", tier=2)
    taker.says("/take until 08:00")
    ends_at = datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert ends_at - house.now == hours * HOUR
    for minutes in range(0, hours * 60, 10):
        assert on_call(house, house.now + timedelta(minutes=minutes)) == "Jonas Lind"
    assert on_call(house, ends_at) == "Dr. Okafor"


@pytest.mark.parametrize(
    ("evening", "typed", "answer"),
    [
        pytest.param("2026-03-08T02:00+00:00", "02:30", "The clocks skip that time", id="skipped"),
        pytest.param("2026-11-01T01:00+00:00", "01:30", "That time comes twice", id="twice"),
        pytest.param("2026-11-01T01:00+00:00", "01:30 second", "on call as first on call", id="the second"),
    ],
)
def test_a_time_the_clocks_make_unclear_is_asked_about(
    house: House, okafor: Phone, evening: str, typed: str, answer: str
) -> None:
    house.now = datetime.fromisoformat(evening)
    okafor.says(f"/take {typed}")
    assert answer in okafor.screen


def test_the_coordinator_hears_of_gaps_without_asking(house: House, okafor: Phone) -> None:
    ada = house.clinician("Ada", tier=3, role=Role.COORDINATOR)
    house.tick()
    assert "The rota of the next 14 days needs you" in ada.everything
    assert "Nobody as backup" in ada.everything
    house.wait(minutes=30)
    assert ada.everything.count("needs you") == 1
