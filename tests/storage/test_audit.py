"""The audit chain: any edit, deletion, reordering or cut tail is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from storage import audit
from storage.database import Database
from storage.tables import Audit

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def write(db: Database, count: int = 5) -> None:
    for number in range(count):
        with db.transaction() as tx:
            audit.record(tx, NOW, "staff:1", "alert.claimed", f"alert:{number}", tier=1, at=NOW, late=False)


def check(db: Database, published: tuple[int, str] | None = None) -> audit.AuditReport:
    with db.reading() as tx:
        return audit.verify(tx, published)


def test_an_untouched_chain_is_intact(database):
    assert check(database) == audit.AuditReport(0, audit.START)
    write(database)
    report = check(database)
    assert report.intact
    assert report.lines == 5


def test_a_line_says_who_did_what_to_which_record(database):
    write(database, 1)
    with database.reading() as tx:
        line = tx.get_one(Audit, 1)
    assert (line.actor, line.action, line.subject) == ("staff:1", "alert.claimed", "alert:0")
    assert line.details == {"tier": 1, "at": "2026-03-02T09:00:00.000000Z", "late": False}
    assert line.at == NOW


@pytest.mark.parametrize(
    ("tampering", "found_at"),
    [
        pytest.param("UPDATE audit SET actor = 'staff:2' WHERE number = 3", 3, id="another name put in"),
        pytest.param("UPDATE audit SET details = '{\"tier\": 2}' WHERE number = 2", 2, id="details changed"),
        pytest.param("UPDATE audit SET hash = previous WHERE number = 5", 5, id="hash changed"),
        pytest.param("DELETE FROM audit WHERE number = 2", 2, id="a line deleted"),
        pytest.param("DELETE FROM audit WHERE number = 1", 1, id="the first line deleted"),
        pytest.param(
            "UPDATE audit SET number = CASE number WHEN 2 THEN -3 ELSE -2 END WHERE number IN (2, 3);"
            "UPDATE audit SET number = -number WHERE number < 0",
            2,
            id="two lines swapped",
        ),
        pytest.param(
            "DELETE FROM audit WHERE number = 2; UPDATE audit SET number = number - 1 WHERE number = 3;"
            "UPDATE audit SET number = 3 WHERE number = 4; UPDATE audit SET number = 4 WHERE number = 5",
            2,
            id="a line deleted and the others moved up",
        ),
    ],
)
def test_tampering_is_found_at_its_line(database, tampering, found_at):
    write(database)
    with database.transaction() as tx:
        for statement in tampering.split(";"):
            tx.execute(text(statement))
    report = check(database)
    assert not report.intact
    assert report.broken_at == found_at


def test_a_cut_tail_is_found_by_the_head_published_before(database):
    write(database)
    with database.reading() as tx:
        published = audit.head(tx)
    with database.transaction() as tx:
        tx.execute(text("DELETE FROM audit WHERE number > 3"))
    assert check(database).intact
    assert check(database, published).broken_at == 5
    write(database, 4)
    assert check(database, published).broken_at == 5


def test_a_head_published_earlier_is_still_found_in_a_longer_chain(database):
    write(database)
    with database.reading() as tx:
        published = audit.head(tx)
    write(database)
    assert check(database, published).intact
    assert check(database, (0, audit.START)).intact


def test_a_line_is_kept_with_its_facts_or_not_at_all(database):
    with pytest.raises(RuntimeError), database.transaction() as tx:
        audit.record(tx, NOW, "system", "undone", "alert:1")
        raise RuntimeError
    with database.transaction() as tx:
        audit.record(tx, NOW, "system", "kept", "alert:1")
        with pytest.raises(RuntimeError), tx.begin_nested():
            audit.record(tx, NOW, "system", "undone", "alert:2")
            raise RuntimeError
        with tx.begin_nested():
            audit.record(tx, NOW, "system", "kept too", "alert:3")
    with database.reading() as tx:
        assert [tx.get_one(Audit, n).action for n in (1, 2)] == ["kept", "kept too"]
    assert check(database) == audit.AuditReport(2, check(database).last_hash)


def test_a_line_recorded_is_seen_by_whoever_asks_before_the_commit(database):
    with database.transaction() as tx:
        audit.record(tx, NOW, "system", "first", "alert:1")
        assert audit.head(tx)[0] == 1
        audit.record(tx, NOW, "system", "second", "alert:1")
        assert audit.verify(tx).lines == 2


def test_writers_at_the_same_time_make_one_chain(database):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: write(database, 10), range(4)))
    assert check(database) == audit.AuditReport(40, check(database).last_hash)


def test_what_json_cannot_hold_is_refused_at_once(database):
    with database.transaction() as tx, pytest.raises(TypeError, match="bytes"):
        audit.record(tx, NOW, "system", "x", "y", sealed=b"1")
