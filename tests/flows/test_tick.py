"""The tick: one failing work stops no other, and a tick that keeps failing is noticed."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from bot.flows import tick
from storage import marks
from storage.tables import Alert, CheckIn
from tests.flows.alarm import CRISIS, found, only
from tests.flows.clinic_night import House, Phone


def test_a_work_that_fails_stops_no_other_and_leaves_no_mark(
    house: House, maria: Phone, okafor: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    house.tick()
    found(house, maria, CRISIS)
    began = house.now
    house.now += timedelta(minutes=2)
    with house.looking() as tx:
        tx.execute(text("ALTER TABLE check_in RENAME TO check_in_away"))
    with house.clinic() as clinic, caplog.at_level(logging.ERROR):
        failed = tick.tick(clinic, house.now)
    with house.looking() as tx:
        tx.execute(text("ALTER TABLE check_in_away RENAME TO check_in"))
        last = marks.mark(tx, "tick")
        assert last is not None and last.at == began
    house.carry()
    assert failed == 3, "opening, reminding and closing; the alert went on"
    assert len(okafor.bubbles) == 2
    assert all("check_in" not in record.getMessage() for record in caplog.records)


def test_one_alert_that_cannot_be_handled_holds_up_no_other(
    house: House, maria: Phone, okafor: Phone
) -> None:
    broken = found(house, maria, CRISIS)
    other = house.enrolled()
    found(house, other, CRISIS)
    with house.looking() as tx:
        tx.scalars(select(Alert).where(col(Alert.id) == broken.id)).one().policy = {"nonsense": True}
    before = len(okafor.bubbles)
    house.skip_to(house.now + timedelta(minutes=2))
    assert len(okafor.bubbles) == before + 1


def test_a_tick_that_came_late_by_a_clock_nobody_can_turn_is_told(
    house: House, maria: Phone, okafor: Phone
) -> None:
    with house.clinic() as clinic:
        tick.tick(clinic, house.now, late=timedelta(minutes=10))
        assert not _system(house)
        tick.tick(clinic, house.now, late=timedelta(minutes=11))
        tick.tick(clinic, house.now, late=timedelta(minutes=11))
    assert [each.rule_id for each in _system(house)] == ["SYS-1"]
    house.carry()
    assert "the program itself" in okafor.screen


def test_a_turned_clock_alone_is_no_late_tick(house: House, okafor: Phone) -> None:
    house.tick()
    house.skip_to(house.now + timedelta(hours=5))
    assert not _system(house)


def test_everything_that_is_overdue_after_a_long_sleep_runs_once(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.treated(maria)
    found(house, maria, CRISIS)
    house.skip_to(house.now + timedelta(hours=30))
    assert only(house).tier >= 2
    opened = [each for each in house.all(CheckIn) if isinstance(each, CheckIn) and each.status == "open"]
    assert len({each.id for each in opened}) == len(opened)
    before = len(maria.bubbles)
    house.tick()
    assert len(maria.bubbles) == before


def _system(house: House) -> list[Alert]:
    with house.looking() as tx:
        return list(tx.scalars(select(Alert).where(col(Alert.patient_id).is_(None))))
