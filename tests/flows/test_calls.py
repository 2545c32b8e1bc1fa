"""The judge of the long proof: what it lets pass is right by the policy, and what is late it finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.faults import oracle
from tests.faults.calls import Calls, NotLived
from tests.flows.alarm import CRISIS, SLEEPLESS, found, found_but_not_carried, only
from tests.flows.clinic_night import House, Phone

WITHIN = timedelta(seconds=30)


def judged(house: House, not_lived: Sequence[NotLived] = ()) -> list[str]:
    with house.clinic() as clinic:
        return Calls(clinic.db, clinic.content, house.now, WITHIN, not_lived).judged()


def turn(house: House, **by: float) -> NotLived:
    """Turn the clock at once, as the soak does: nothing happens in between, and then all that is due."""
    before = house.now
    house.now += timedelta(**by)
    turned = NotLived(before, house.now)
    house.tick()
    return turned


def test_a_same_day_matter_waits_for_the_clinic_and_grows_into_an_emergency(
    house: House, maria: Phone, okafor: Phone
) -> None:
    """Raised in the evening, paged in the morning. The emergency of the night is another call."""
    house.until(house.local(20))
    found(house, maria, SLEEPLESS)
    house.until(house.local(2, days=1))
    assert okafor.bubbles == {} and judged(house) == []
    found(house, maria, CRISIS)
    assert "EMERGENCY" in okafor.screen and judged(house) == []


def test_an_emergency_of_the_night_that_is_not_paged_is_found(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.until(house.local(20))
    found(house, maria, SLEEPLESS)
    house.until(house.local(2, days=1))
    found_but_not_carried(house, maria, CRISIS)
    house.now += timedelta(seconds=31)
    (late,) = judged(house)
    assert "alert.rose as emergency" in late and only(house).id in late
    house.carry()
    assert len(judged(house)) == 1, "a page that came too late stays too late"


def test_a_same_day_matter_that_is_not_paged_when_the_clinic_opens_is_found(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.until(house.local(20))
    found(house, maria, SLEEPLESS)
    slept = NotLived(house.now, house.local(12, days=1))
    house.now = slept.until + timedelta(minutes=1)
    assert ["as same_day" in each for each in judged(house)] == [True]
    assert ["as same_day" in each for each in judged(house, [slept])] == [True], "a minute of lived time"


def test_what_fell_due_while_the_clock_was_turned_is_due_when_that_ended(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.until(house.local(20))
    found(house, maria, SLEEPLESS)
    turned = turn(house, hours=16)
    assert "SAME DAY" in okafor.everything
    assert judged(house, [turned]) == []
    assert len(judged(house)) == 1, "had the time been lived, it would be hours late"


def test_what_fell_due_while_the_program_was_dead_is_due_when_it_is_back(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found_but_not_carried(house, maria, CRISIS)
    dead = NotLived(house.now, house.now + timedelta(minutes=2))
    house.now = dead.until + timedelta(seconds=29)
    house.carry()
    assert judged(house, [dead]) == []
    assert len(judged(house)) == 1, "had it been alive, it would be late"


def test_what_was_due_before_the_program_died_is_late_all_the_same(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found_but_not_carried(house, maria, CRISIS)
    dead = NotLived(house.now + timedelta(seconds=1), house.now + timedelta(minutes=2))
    house.now = dead.until
    house.carry()
    assert len(judged(house, [dead])) == 1


@pytest.mark.parametrize(
    ("taps", "minutes"),
    [
        pytest.param((), 3, id="a page that is not repeated"),
        pytest.param(("I have this",), 16, id="a claim that does not run out"),
        pytest.param(("I have this", "Patient contacted"), 241, id="a claimer who is not reminded"),
    ],
)
def test_an_alert_at_rest_is_found(
    house: House, maria: Phone, okafor: Phone, taps: tuple[str, ...], minutes: int
) -> None:
    found(house, maria, CRISIS)
    for each in taps:
        okafor.taps(each)
    house.now += timedelta(minutes=minutes - 1)
    assert judged(house) == []
    house.now += timedelta(minutes=1)
    assert len(judged(house)) == 1


def heard(house: House) -> None:
    with house.clinic() as clinic:
        oracle.check(clinic.db, house.now, urgent_replies=1)


def test_a_reply_that_joins_a_paged_alert_is_heard_by_whoever_takes_it(
    house: House, maria: Phone, okafor: Phone
) -> None:
    """A call for help was paged; the patient writes, and the next moment somebody takes the alert."""
    found(house, maria, CRISIS)
    house.now += timedelta(minutes=1)
    maria.says("I am going to kill myself tonight.")
    with pytest.raises(AssertionError, match="no channel accepted a page"):
        heard(house)
    okafor.taps("I have this")
    heard(house)


def test_a_reply_whose_alert_somebody_takes_too_late_is_found(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    house.now += timedelta(minutes=1)
    maria.says("I am going to kill myself tonight.")
    house.now += oracle.PAGED_WITHIN + timedelta(seconds=1)
    okafor.taps("I have this")
    with pytest.raises(AssertionError, match="the first page of alert"):
        heard(house)
