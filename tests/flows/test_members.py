"""Somebody leaves the staff or gets another role: nothing they had is lost, and nothing more reaches them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.flows import alerts, members
from bot.flows.act import Act
from bot.flows.staff_cards import data
from storage.tables import AlertState, Role, Staff
from tests.flows.alarm import CONDUCT, CRISIS, audited, found, only
from tests.flows.clinic_night import House, Phone


@pytest.fixture
def lind(house: House) -> Phone:
    return house.clinician("Jonas Lind", tier=2)


def changed(house: House, phone: Phone, change: Callable[[Act, Staff], int]) -> int:
    """Do something about a member as the command line does; return how many alerts it freed."""
    with house.looking() as tx, house.clinic() as clinic:
        act = Act(clinic, tx, house.now)
        return change(act, members.member(act, "demo", phone.name))


def leaves(house: House, phone: Phone) -> int:
    freed = changed(house, phone, lambda act, staff: members.leave(act, staff, "cli"))
    house.carry()
    return freed


def test_what_somebody_had_who_leaves_is_paged_to_others_at_the_next_tick(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    alert = found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    mine, before = len(okafor.log), len(lind.bubbles)
    assert leaves(house, okafor) == 1
    house.wait(seconds=1)
    assert only(house).state == AlertState.OPEN and len(lind.bubbles) == before + 1
    okafor.presses(data("claim", alert.id))
    assert only(house).state == AlertState.OPEN, "their old button does nothing any more"
    lind.taps("I have this")
    assert only(house).state == AlertState.CLAIMED
    assert not any("EMERGENCY" in str(each) for each in okafor.log[mine:])
    assert [each.actor for each in audited(house, "staff.left")] == ["cli"]


def test_a_page_that_was_on_its_way_to_somebody_who_leaves_goes_to_the_next_in_the_same_moment(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    patient = house.patient(maria)
    with house.looking() as tx, house.clinic() as clinic:
        alerts.raise_findings(clinic, tx, patient, (CRISIS,), house.now, replied_at=house.now)
    assert leaves(house, okafor) == 1
    assert not okafor.bubbles and "EMERGENCY" in lind.screen


def test_whoever_left_may_join_again_with_the_same_phone(house: House, okafor: Phone) -> None:
    leaves(house, okafor)
    okafor.says(f"/start {house.invite_clinician('Dr. Okafor')}")
    assert "Dr. Okafor" in okafor.screen
    assert len([each for each in house.all(Staff) if each.active]) == 1


def test_a_lead_who_is_lead_no_more_keeps_no_alert_for_leads(house: House, maria: Phone) -> None:
    former = house.clinician("Dr. Prado", tier=3, role=Role.LEAD)
    other = house.clinician("Dr. Adler", tier=2, role=Role.LEAD)
    found(house, maria, CONDUCT)
    former.taps("I have this")
    before = len(other.bubbles)
    freed = changed(house, former, lambda act, staff: members.give_role(act, staff, Role.CLINICIAN, "cli"))
    house.wait(seconds=1)
    assert freed == 1 and only(house).state == AlertState.OPEN
    assert len(other.bubbles) > before
    assert [each.details for each in audited(house, "staff.role_changed")] == [
        {"before": "lead", "role": "clinician"}
    ]


def test_a_role_that_still_allows_it_keeps_the_claim(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    assert changed(house, okafor, lambda act, staff: members.give_role(act, staff, Role.LEAD, "cli")) == 0
    house.wait(seconds=1)
    assert only(house).state == AlertState.CLAIMED


def test_two_of_one_name_are_told_apart_by_id(house: House, okafor: Phone) -> None:
    house.clinician(okafor.name, tier=2)
    with pytest.raises(members.NotOneMember) as refused:
        leaves(house, okafor)
    assert len(refused.value.ids) == 2
    with house.looking() as tx, house.clinic() as clinic:
        first = members.member(Act(clinic, tx, house.now), "demo", refused.value.ids[0])
        assert first.id == refused.value.ids[0]
