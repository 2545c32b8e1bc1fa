"""A clinic on a real database, and the people in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.content import Content, load_content
from tests.flows.clinic_night import House, Phone


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def house(database_url: str, content: Content) -> Iterator[House]:
    """A clinic on a Tuesday at ten, on SQLite and on PostgreSQL."""
    night = House(database_url, content)
    yield night
    night.close()


@pytest.fixture
def lone_house(sqlite_template: Path, tmp_path: Path, content: Content) -> Iterator[House]:
    """The same clinic on SQLite alone, for tests whose subject is not the database."""
    night = House(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'lone.db')}", content)
    yield night
    night.close()


@pytest.fixture
def maria(house: House) -> Phone:
    """An enrolled patient."""
    return house.enrolled()


@pytest.fixture
def okafor(house: House) -> Phone:
    """The clinician on call."""
    return house.clinician("Dr. Okafor")
