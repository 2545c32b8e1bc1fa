"""What a page, or one check-in, costs does not grow with how many check-ins wait beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from bot.message import Outgoing, OutgoingKind
from storage import checkins, outbox
from storage.database import Database
from storage.ids import new_id
from storage.tables import CheckIn, Lane, OutboxKind
from tests.storage.test_constraints import LEGAL, fill

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
MANY = 2_000


def steps(db: Database, work: Callable[[Session], object]) -> int:
    """Return how many steps of SQLite's machine `work` takes."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    with db.transaction() as tx:
        connection = tx.connection().connection.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        connection.set_progress_handler(count, 1)
        try:
            work(tx)
        finally:
            connection.set_progress_handler(None, 0)
    return taken


def put(db: Database, number: int, kind: OutboxKind, lane: Lane) -> None:
    with db.transaction() as tx:
        for chat in range(1, number + 1):
            outbox.put(tx, Outgoing(OutgoingKind.MESSAGE, chat, "words"), kind=kind, lane=lane, now=NOW)


def steps_of_two_pages(db: Database) -> int:
    """Lease two pages, and let them be sent."""
    leased: list[str] = []
    put(db, 2, OutboxKind.PAGE, Lane.ALERT)
    taken = steps(
        db, lambda tx: leased.extend(each.id for each in outbox.lease(tx, Lane.ALERT, "one", NOW, 8, LEASE))
    )
    with db.transaction() as tx:
        assert [outbox.mark_sent(tx, each, "one", 1, NOW) for each in leased] == [True, True]
    return taken


def test_leasing_pages_looks_through_no_cards(sqlite_database: Database) -> None:
    alone = steps_of_two_pages(sqlite_database)
    put(sqlite_database, MANY, OutboxKind.CARD, Lane.ROUTINE)
    assert steps_of_two_pages(sqlite_database) < 2 * alone


def plan(db: Database, number: int) -> None:
    with db.transaction() as tx:
        for _ in range(number):
            identity = new_id(NOW)
            tx.add(CheckIn(**{**LEGAL[CheckIn], "id": identity, "key": identity}))


def test_opening_a_check_in_looks_through_no_others(sqlite_database: Database) -> None:
    def claim(tx: Session) -> None:
        assert len(checkins.claim_due(tx, NOW, 1)) == 1

    fill(sqlite_database)
    plan(sqlite_database, 2)
    few = steps(sqlite_database, claim)
    plan(sqlite_database, MANY)
    assert steps(sqlite_database, claim) < 2 * few
