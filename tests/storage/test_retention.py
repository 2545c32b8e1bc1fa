"""What is kept no longer than it is needed, both sides of the last day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.flows import housekeeping
from bot.flows.clinic import Clinic
from bot.message import Outgoing, OutgoingKind
from storage import inbox, outbox, retention
from storage.database import Database
from storage.tables import Inbox, Outbox, OutboxKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEPT = {"updates_after": timedelta(days=30), "messages_after": timedelta(days=90)}


def empty(db: Database, now: datetime) -> retention.Emptied:
    with db.transaction() as tx:
        return retention.empty_old(tx, now, **KEPT)


@pytest.mark.parametrize(
    ("handled", "age", "emptied"),
    [
        pytest.param(True, timedelta(days=30), 0, id="on the last day"),
        pytest.param(True, timedelta(days=30, microseconds=1), 1, id="just over"),
        pytest.param(False, timedelta(days=400), 0, id="never handled: kept for as long as it takes"),
    ],
)
def test_a_raw_update_is_emptied_after_its_time_and_still_known(database, handled, age, emptied):
    with database.transaction() as tx:
        inbox.store(tx, "care", 1, 7, {"text": "words"}, NOW)
        if handled:
            inbox.mark_done(tx, "care", 1, NOW)
    assert empty(database, NOW + age) == retention.Emptied(emptied, 0)
    assert empty(database, NOW + age) == retention.Emptied(0, 0) or not emptied
    with database.transaction() as tx:
        row = tx.get_one(Inbox, ("care", 1))
        assert inbox.read_raw(tx, row) == ({} if emptied else {"text": "words"})
        assert not inbox.store(tx, "care", 1, 7, {"text": "words"}, NOW)


@pytest.mark.parametrize(
    ("state", "age", "emptied"),
    [
        ("sent", timedelta(days=90), 0),
        ("sent", timedelta(days=91), 1),
        ("failed", timedelta(days=90), 0),
        ("failed", timedelta(days=91), 1),
        ("pending", timedelta(days=400), 0),
    ],
)
def test_a_message_is_emptied_when_it_is_done_with_for_long(database, state, age, emptied):
    with database.transaction() as tx:
        kept = outbox.put(tx, Outgoing(OutgoingKind.MESSAGE, 7, "words"), kind=OutboxKind.PAGE, now=NOW)
        if state != "pending":
            outbox.lease(tx, "routine", "one", NOW, 1, timedelta(seconds=30))
        if state == "sent":
            outbox.mark_sent(tx, kept.id, "one", 1, NOW)
        if state == "failed":
            outbox.mark_failed(tx, kept.id, "one", "dead_address", NOW)
    assert empty(database, NOW + age) == retention.Emptied(0, emptied)
    with database.reading() as tx:
        row = tx.get_one(Outbox, kept.id)
        assert (row.payload_sealed is None, row.state) == (bool(emptied), state)


def test_much_to_empty_is_emptied_in_portions(database):
    with database.transaction() as tx:
        for number in range(retention.BATCH + 1):
            inbox.store(tx, "care", number, 7, {"n": number}, NOW)
            inbox.mark_done(tx, "care", number, NOW)
    later = NOW + timedelta(days=31)
    assert empty(database, later).more
    assert empty(database, later) == retention.Emptied(1, 0)


def test_housekeeping_is_done_in_portions_and_then_once_a_day(database):
    clinic = Clinic(database, None)
    with database.transaction() as tx:
        for number in range(retention.BATCH + 1):
            inbox.store(tx, "care", number, 7, {"n": number}, NOW)
            inbox.mark_done(tx, "care", number, NOW)
        inbox.store(tx, "care", 9_000, 7, {"n": 1}, NOW + timedelta(hours=30))
        inbox.mark_done(tx, "care", 9_000, NOW)
    later = NOW + timedelta(days=31)
    assert housekeeping.daily(clinic, later) == retention.BATCH
    assert housekeeping.daily(clinic, later) == 1
    assert housekeeping.daily(clinic, later + timedelta(hours=23, minutes=59)) == 0
    assert housekeeping.daily(clinic, later + timedelta(days=1)) == 1
