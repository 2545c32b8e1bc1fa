"""What a patient writes after somebody took the alert: it is read by a person, however the claim stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from storage.tables import AlertState, Staff
from tests.flows.alarm import CRISIS, IDEATION, RESTLESS, audited, found, only, pages
from tests.flows.clinic_night import House, Phone


@pytest.fixture
def lind(house: House) -> Phone:
    """The backup."""
    return house.clinician("Jonas Lind", tier=2)


def test_an_urgent_reply_after_the_contact_is_not_left_for_hours(
    house: House, maria: Phone, okafor: Phone
) -> None:
    """Reaching the patient answered what was written before. What comes after needs an answer as soon."""
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    house.wait(hours=1)
    before = len(okafor.bubbles)
    found(house, maria, CRISIS)
    assert "something more was written" in okafor.screen
    assert okafor.has_button("Patient contacted"), "the card asks again"
    house.wait(minutes=14)
    assert only(house).state == AlertState.CLAIMED
    house.wait(minutes=1)
    assert only(house).state == AlertState.OPEN, "nobody answered it: paged like a new one"
    assert len(okafor.bubbles) == before + 2
    assert len(audited(house, "alert.claim_ran_out")) == 1


def test_contact_again_holds_the_claim_again(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    house.wait(hours=1)
    found(house, maria, CRISIS)
    okafor.taps("Patient contacted")
    house.wait(hours=2)
    assert only(house).state == AlertState.CLAIMED and only(house).contact == "contacted"


def test_writing_on_and_on_does_not_make_the_claim_longer(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    for _ in range(3):
        house.wait(minutes=6)
        found(house, maria, CRISIS)
    house.wait(minutes=3)
    assert only(house).state == AlertState.OPEN


def test_what_is_not_urgent_leaves_the_claim_as_it_is(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    found(house, maria, RESTLESS)
    house.wait(hours=2)
    assert only(house).state == AlertState.CLAIMED


def test_a_reply_to_somebody_who_has_left_is_paged_at_once(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    with house.looking() as tx:
        tx.scalars(select(Staff).where(col(Staff.name) == "Dr. Okafor")).one().active = False
    before = len(lind.bubbles)
    found(house, maria, CRISIS)
    house.wait(seconds=1)
    assert only(house).state == AlertState.OPEN
    assert len(lind.bubbles) > before, "the next tier, since nobody is left in the first"


def test_what_grows_worse_in_a_storm_is_not_swallowed_by_a_digest_that_has_just_gone_out(
    house: House, maria: Phone, okafor: Phone
) -> None:
    """The digest of a moment ago says nothing of it, and the next would come when the page is repeated."""
    found(house, maria, IDEATION)
    others = [found(house, house.enrolled(), CRISIS) for _ in range(5)]
    house.skip_to(house.now + timedelta(minutes=2))
    assert any(each.outbox_id for each in pages(house, others[0])), "a storm: repeats go into a digest"
    before = len(okafor.bubbles)
    house.now += timedelta(seconds=2)
    found(house, maria, CRISIS)
    assert len(okafor.bubbles) == before + 1 and "EMERGENCY" in okafor.screen
