"""A clinic at night. The program is made anew from the database file for every single line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.content import Content, load_content
from storage.tables import Role
from tests.flows.clinic_night import House, Phone


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def night(database_url: str, content: Content) -> Iterator[House]:
    """A Tuesday in March, ten in the morning in Chicago."""
    house = House(database_url, content, restarts=True)
    yield house
    house.close()


@pytest.fixture
def maria(night: House) -> Phone:
    """A patient, enrolled, with nobody else in the story yet."""
    return night.enrolled()


@pytest.fixture
def okafor(night: House) -> Phone:
    """First on call."""
    return night.clinician("Dr. Okafor", tier=1)


@pytest.fixture
def lind(night: House) -> Phone:
    """The backup."""
    return night.clinician("Jonas Lind", tier=2)


@pytest.fixture
def prado(night: House) -> Phone:
    """The lead."""
    return night.clinician("Dr. Prado", tier=3, role=Role.LEAD)
