"""Silence: what a missed check-in means after a home dose, after a statement of risk, and after a week."""

from __future__ import annotations

from datetime import timedelta

from bot.care.level import Level
from tests.flows.alarm import IDEATION, found, only
from tests.flows.clinic_night import House, Phone


def test_seven_silent_days_are_told_once_a_week(house: House, maria: Phone, okafor: Phone) -> None:
    house.treated(maria)
    for _ in range(6):
        house.skip_to(house.now + timedelta(days=1))
    assert all(each.level != "same_day" for each in house.alerts() if each.rule_id == "MISS-3")
    for _ in range(4):
        house.skip_to(house.now + timedelta(days=1))
    assert only(house).level == Level.SAME_DAY.key
    assert house.rules().count("MISS-3") <= 3


def test_a_missed_check_in_after_a_statement_of_risk_is_urgent(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.treated(maria)
    found(house, maria, IDEATION)
    for press in ("I have this", "Patient contacted", "Resolve", "Spoke, no further step"):
        okafor.taps(press)
    house.until(house.now + timedelta(hours=5))
    assert only(house).rule_id == "SUI-9" and only(house).level == "urgent"
    assert "We missed your check-in" in maria.everything


def test_an_unanswered_check_in_after_a_clinic_dose_alone_alarms_nobody(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.treated(maria)
    house.until(house.now + timedelta(hours=5))
    assert house.alerts() == []


def test_after_a_home_dose_silence_is_urgent(house: House, okafor: Phone) -> None:
    jo = house.enrolled(protocol="at_home")
    house.treated(jo, at_home=True)
    house.until(house.now + timedelta(hours=4))
    assert only(house).rule_id == "MISS-1" and "URGENT" in okafor.screen
