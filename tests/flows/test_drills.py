"""Drills: each clinic day a test page to whoever is on call, without anybody asking; history is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.flows import drills
from bot.flows.act import Act
from bot.message import Failure
from storage import staff as people
from storage.tables import Contact, ContactState, Drill, Role
from tests.flows.alarm import audited, fail_pages
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
    answered = {
        (each.claimed_at and each.claimed_at - each.sent_at, each.failed) for each in house.all(Drill)
    }
    assert answered == {(timedelta(seconds=40), False), (None, True)}
    assert "Root did not answer the test page by telegram" in admin.everything
    assert [each.actor for each in audited(house, "drill.started")] == ["system"]


def test_a_test_page_that_is_refused_for_good_is_told_at_once_and_the_address_is_off(
    house: House, okafor: Phone
) -> None:
    """A phone number that is none: the library knows no way to it."""
    admin = house.clinician("Root", tier=3, role=Role.ADMIN)
    with house.looking() as tx, house.clinic() as clinic:
        owner = people.at_site(tx, "demo")[0]
        contact = people.add_contact(tx, owner.id, "sms", "sms://+1", house.now)
        drills.test_contact(Act(clinic, tx, house.now), owner, contact)
    assert fail_pages(house, Failure.DEAD_ADDRESS) == 1
    house.carry()
    for phone in (okafor, admin):
        assert "to Dr. Okafor by sms was refused for good" in phone.screen
    assert [each.state for each in house.all(Contact) if each.channel == "sms"] == [ContactState.BLOCKED]
    house.wait(minutes=40)
    assert "did not answer" not in admin.everything, "it was told already"


def test_a_test_page_that_no_channel_took_in_time_is_not_sent_hours_later(
    house: House, okafor: Phone
) -> None:
    with house.looking() as tx, house.clinic() as clinic:
        owner = people.at_site(tx, "demo")[0]
        drills.test_contact(Act(clinic, tx, house.now), owner, people.contacts(tx, owner.id)[0])
    with house.clinic() as clinic:
        drills.unanswered(clinic, house.now + drills.ANSWER_WITHIN)
    house.carry()
    assert "TEST PAGE" not in okafor.everything


def test_addresses_that_were_removed_leave_room_for_others(house: House, okafor: Phone) -> None:
    for number in range(8):
        okafor.says("/contacts")
        okafor.taps("Add a channel")
        okafor.says(f"ntfy://topic{number}")
        okafor.taps("Remove 2")
    assert len([each for each in house.all(Contact) if each.channel != "telegram"]) == 8
