"""The doctor names what would stop a page tonight, and is quiet about what would not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.content import Content
from bot.flows import members
from bot.flows.act import Act
from bot.flows.doctor import Report, Weight, examine
from storage import marks
from storage.tables import Contact, ContactState
from tests.databases import PostgresServer, server_folder
from tests.flows.clinic_night import House
from tests.rim.parts import until


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


def test_what_only_somebody_who_left_would_cover_is_a_gap_and_their_contact_is_no_concern(
    house: House,
) -> None:
    house.clinician("Dr. Okafor")
    house.clinician("Jonas Lind", tier=2)
    with house.looking() as tx, house.clinic() as clinic:
        act = Act(clinic, tx, house.now)
        gone = members.member(act, "demo", "Jonas Lind")
        members.leave(act, gone, "cli")
    lines = "\n".join(report_of(house).lines())
    assert "demo: no backup from" in lines and gone.id not in lines


@pytest.fixture
def server_of_its_own() -> Iterator[PostgresServer]:
    """A PostgreSQL whose settings this test may turn."""
    server = PostgresServer(server_folder(f"doctor-{os.getpid()}"))
    yield server
    server.stop()


def of_postgresql(house: House) -> list[str]:
    return [line for line in report_of(house).lines() if "PostgreSQL" in line]


async def test_a_server_that_would_not_outlive_a_power_cut_is_named(
    server_of_its_own: PostgresServer, content: Content
) -> None:
    house = House(server_of_its_own.new_database(), content)
    unsafe = ("fsync", "full_page_writes")  # our connections turn synchronous_commit on themselves
    server_of_its_own.set(*(f"{each} = off" for each in (*unsafe, "synchronous_commit")))
    await until(lambda: len(of_postgresql(house)) == len(unsafe))
    for line, setting in zip(of_postgresql(house), unsafe, strict=True):
        assert f"weakens: PostgreSQL: {setting} is off: a power cut may" in line
        assert f"set {setting} = on in postgresql.conf" in line
    server_of_its_own.set(*(f"{each} = on" for each in unsafe))
    await until(lambda: not of_postgresql(house))
    house.close()
