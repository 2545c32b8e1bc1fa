"""A clinic with three people on its staff, and no shift yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.content import Content, load_content
from bot.flows.clinic import Clinic
from storage import patients
from storage import staff as people
from storage.database import Database
from storage.tables import Role

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def clinic(sqlite_database: Database, content: Content) -> Iterator[Clinic]:
    with sqlite_database.transaction() as tx:
        patients.site_row(tx, "demo")
        for chat, (name, role) in enumerate(
            (
                ("Amara Osei", Role.CLINICIAN),
                ("Jonas Lind", Role.CLINICIAN),
                ("Dr. Inés Prado", Role.LEAD),
                ("Ada Coordinator", Role.COORDINATOR),
            )
        ):
            member = people.add(tx, "demo", name, role, NOW)
            people.link_chat(tx, member, 600 + chat, NOW)
    yield Clinic(sqlite_database, content)
