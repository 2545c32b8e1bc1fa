"""The doctor names what would stop a page tonight, and is quiet about what would not."""

from __future__ import annotations

from datetime import timedelta

from bot.flows.doctor import Report, Weight, examine
from storage import marks
from storage.tables import Contact, ContactState
from tests.flows.clinic_night import House


def report_of(house: House) -> Report:
    found = house.act(lambda clinic: examine(clinic, house.now))
    assert isinstance(found, Report)
    return found


def stops(house: House) -> str:
    return "\n".join(sign.line for sign in report_of(house).signs if sign.weight is Weight.STOPS)


def alive(house: House) -> None:
    with house.looking() as tx:
        for name in ("tick", "poll:care", "auditor"):
            marks.set_mark(tx, name, house.now)


def test_nobody_on_call_stops_a_page(house: House) -> None:
    alive(house)
    assert report_of(house).nobody_on_call
    assert "nobody who can be reached is on call" in stops(house)


def test_a_clinic_in_good_order_would_get_its_page(house: House) -> None:
    for tier, name in ((1, "Dr. Okafor"), (2, "Jonas Lind"), (3, "Dr. Prado")):
        house.clinician(name, tier=tier)
    alive(house)
    assert stops(house) == ""
    assert not report_of(house).nobody_on_call


def test_a_bot_that_stopped_ticking_stops_a_page(house: House) -> None:
    house.clinician()
    alive(house)
    house.now += timedelta(minutes=3)
    assert "tick: last ran 3 minutes ago" in stops(house)


def test_somebody_on_call_whose_every_channel_refuses_stops_a_page(house: House) -> None:
    house.clinician()
    alive(house)
    with house.looking() as tx:
        for contact in tx.query(Contact).all():
            contact.state = ContactState.BLOCKED
    assert "has a shift and no way to be reached" in stops(house)


def test_one_person_in_every_tier_is_pointed_out(house: House) -> None:
    okafor = house.clinician()
    alive(house)
    with house.looking() as tx:
        from storage import staff
        from storage.tables import Staff

        person = tx.query(Staff).one()
        for tier in (2, 3):
            staff.add_shift(
                tx, "demo", tier=tier, staff_id=person.id, starts_at=house.now - timedelta(days=1),
                ends_at=house.now + timedelta(days=30), now=house.now,
            )  # fmt: skip
    lines = "\n".join(report_of(house).lines())
    assert "is every tier at once" in lines
    assert okafor.name not in lines
