"""Drills: each clinic day a test page to whoever is on call, without anybody asking; history is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.tables import Drill, Role
from tests.flows.alarm import audited
from tests.flows.clinic_night import House, Phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_every_clinic_day_has_its_drill_and_none_comes_at_night(house: House, okafor: Phone) -> None:
    house.tick()
    house.skip_to(house.local(23))
    assert "TEST PAGE" not in okafor.everything
    house.skip_to(house.local(5, days=1))
    assert "TEST PAGE" not in okafor.everything, "a day is over soon, but nobody is woken"
    house.skip_to(house.local(10, 30))
    assert okafor.everything.count("TEST PAGE") == 1
    house.wait(hours=2)
    assert okafor.everything.count("TEST PAGE") == 1


def test_the_history_keeps_who_answered_how_fast_and_who_did_not(house: House, okafor: Phone) -> None:
    admin = house.clinician("Root", tier=3, role=Role.ADMIN)
    house.tick()
    house.skip_to(house.local(10, 30, days=1))
    house.now += timedelta(seconds=40)
    okafor.taps("I got it")
    house.wait(minutes=35)
    drills = [each for each in house.all(Drill) if isinstance(each, Drill)]
    answered = {(each.claimed_at and each.claimed_at - each.sent_at, each.failed) for each in drills}
    assert answered == {(timedelta(seconds=40), False), (None, True)}
    assert "Root did not answer the test page by telegram" in admin.everything
    assert [each.actor for each in audited(house, "drill.started")] == ["system"]
