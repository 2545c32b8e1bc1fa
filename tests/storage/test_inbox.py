"""The inbox: kept once, handled in order, and nobody waits behind a bad update."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import inbox
from storage.database import Database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def keep(db: Database, update_id: int, chat_id: int | None = 7, bot: str = "care") -> bool:
    with db.transaction() as tx:
        return inbox.store(tx, bot, update_id, chat_id, {"update_id": update_id, "text": "\ud83d"}, NOW)


def waiting(db: Database, now: datetime = NOW, busy: tuple[str, ...] = ()) -> list[int]:
    with db.reading() as tx:
        return [row.update_id for row in inbox.next_waiting(tx, now, 10, busy)]


def test_an_update_that_arrives_twice_is_kept_once(database):
    assert keep(database, 1)
    assert not keep(database, 1)
    assert waiting(database) == [1]


def test_an_update_is_read_back_as_it_came_even_with_half_a_surrogate(database):
    keep(database, 1)
    with database.reading() as tx:
        row = inbox.next_waiting(tx, NOW, 1, ())[0]
        assert inbox.read_raw(tx, row) == {"update_id": 1, "text": "\ud83d"}


def test_two_bots_may_use_the_same_number(database):
    assert keep(database, 1, chat_id=1)
    assert keep(database, 1, chat_id=2, bot="alert")
    with database.reading() as tx:
        assert inbox.last_update_id(tx, "care") == 1
        assert inbox.last_update_id(tx, "nobody") is None
    assert waiting(database) == [1, 1]


def test_one_chat_is_handled_in_order_and_others_beside_it(database):
    for update_id, chat in ((1, 7), (2, 7), (3, 8), (4, None), (5, None)):
        keep(database, update_id, chat)
    assert waiting(database) == [1, 3, 4, 5]
    with database.transaction() as tx:
        assert inbox.mark_done(tx, "care", 1, NOW)
    assert waiting(database) == [2, 3, 4, 5]


def test_a_busy_chat_is_left_alone(database):
    keep(database, 1, 7)
    keep(database, 2, 8)
    with database.reading() as tx:
        busy = inbox.next_waiting(tx, NOW, 1, ())[0].chat_hash
    assert waiting(database, busy=(busy,)) == [2]


def test_an_update_is_done_once(database):
    keep(database, 1)
    with database.transaction() as tx:
        assert inbox.mark_done(tx, "care", 1, NOW)
        assert not inbox.mark_done(tx, "care", 1, NOW)
        assert not inbox.mark_dead(tx, "care", 1, NOW)


def test_a_bad_update_is_tried_again_later_and_holds_up_nobody(database):
    keep(database, 1)
    keep(database, 2)
    later = NOW + timedelta(seconds=30)
    with database.transaction() as tx:
        assert inbox.record_failure(tx, "care", 1, "KeyError", NOW, later) == 1
    assert waiting(database) == [2]
    assert waiting(database, later) == [1]
    with database.transaction() as tx:
        assert inbox.record_failure(tx, "care", 1, "KeyError", later, later) == 2
        assert inbox.mark_dead(tx, "care", 1, later)
    assert waiting(database, later) == [2]
