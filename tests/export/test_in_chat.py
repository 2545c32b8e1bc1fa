"""The record in staff chat: a chart is a protected picture with words, /today names who needs a look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import select

from bot.content import Content, load_content
from bot.message import OutgoingKind
from storage import outbox
from storage.tables import Audit, Outbox, OutboxKind
from tests.flows.clinic_night import House, Phone


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def house(database_url: str, content: Content) -> Iterator[House]:
    night = House(database_url, content)
    yield night
    night.close()


@pytest.fixture
def okafor(house: House) -> Phone:
    return house.clinician("Dr. Okafor")


@pytest.fixture
def maria(house: House) -> Phone:
    return house.enrolled()


def test_a_chart_is_a_protected_picture_with_its_words_and_on_record(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.treated(maria)
    okafor.says(f"/chart {maria.code}")

    with house.looking() as tx:
        (row,) = tx.exec(select(Outbox).where(Outbox.kind == OutboxKind.DOCUMENT)).all()
        assert row.patient_id is not None, "sealed under the patient's key"
        photo = outbox.read_outgoing(tx, row)
        actions = [line.action for line in tx.exec(select(Audit))]
    assert photo.kind is OutgoingKind.PHOTO
    assert photo.protect
    assert photo.file_bytes.startswith(b"\x89PNG")
    assert maria.code in photo.text
    assert len(photo.text) <= 1024
    assert "patient.chart_shown" in actions


@pytest.mark.parametrize("code", ["K-9999", "", "' OR 1=1 --"])
def test_a_chart_of_nobody_is_refused_in_words(house: House, okafor: Phone, code: str) -> None:
    okafor.says(f"/chart {code}")
    with house.looking() as tx:
        assert tx.exec(select(Outbox).where(Outbox.kind == OutboxKind.DOCUMENT)).all() == []
    assert okafor.screen


def test_today_names_who_is_due(house: House, maria: Phone, okafor: Phone) -> None:
    house.treated(maria)
    okafor.says("/today")
    assert maria.code in okafor.everything
    assert "Due in the next" in okafor.everything
