"""What every fault is tried on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from bot.content import Content, load_content
from storage import staff as people
from storage.tables import Role
from tests.databases import PostgresServer, server_folder
from tests.flows.clinic_night import House, Phone


@pytest.fixture(scope="session")
def content() -> Content:
    """The content that comes along, read once."""
    return load_content()


@pytest.fixture
def night(database_url: str, content: Content) -> Iterator[House]:
    """A clinic on SQLite and on PostgreSQL whose wire is played by hand: for what is no fault of Telegram."""
    found = House(database_url, content)
    yield found
    found.close()


@pytest.fixture
def maria(night: House) -> Phone:
    """An enrolled patient."""
    return night.enrolled()


@pytest.fixture
def okafor(night: House) -> Phone:
    """The first on call."""
    return night.clinician("Dr. Okafor")


@pytest.fixture
def lind(night: House) -> Phone:
    """The backup."""
    return night.clinician("Jonas Lind", tier=2)


@pytest.fixture
def prado(night: House) -> Phone:
    """The lead."""
    return night.clinician("Dr. Prado", tier=3, role=Role.LEAD)


@pytest.fixture
def ada(night: House) -> Phone:
    """The coordinator, never on call."""
    phone = night.phone()
    with night.looking() as tx:
        member = people.add(tx, "demo", "Ada", Role.COORDINATOR, night.now)
        people.link_chat(tx, member, phone.chat_id, night.now)
    return phone


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that may be killed without hurting other tests."""
    server = PostgresServer(server_folder(f"own-{os.getpid()}"))
    yield server
    server.stop()
