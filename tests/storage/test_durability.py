"""What a power cut would take away is read from the connection that is really used."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.durability import weaknesses


def test_our_own_connections_wait_for_the_disk(database: Database) -> None:
    """The server of the tests has synchronous_commit off; we ask for it when we connect."""
    with database.reading() as tx:
        assert "synchronous_commit" not in {each.setting for each in weaknesses(tx)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_does_not_wait_is_named(database: Database) -> None:
    """As through a pooler that drops what we ask for when we connect."""
    with database.reading() as tx:
        tx.execute(text("SET LOCAL synchronous_commit = off"))
        assert "synchronous_commit" in {each.setting for each in weaknesses(tx)}
