"""Faults 13 to 22: the database is slow, full, read-only, damaged, restarted, or of another time."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import psycopg
import pytest
from sqlalchemy import Engine, event, func, select, text

from bot.message import Outgoing, OutgoingKind
from storage import inbox, migrations, outbox, patients
from storage.database import Database, StorageError
from storage.engines import CONNECTIONS
from storage.tables import Inbox, Lane, Outbox, OutboxKind, Patient
from storage.vault import Vault
from tests.databases import MASTER_KEY
from tests.faults.outside import outside_world, watcher
from tests.faults.sizes import FULL, size
from tests.faults.troubled import CHAT, NOW, OutsidePhone, reply_during

BUSY = 10.0 if FULL else 0.3
PATIENCE = 10.0 if FULL else 0.5
LASTING = size(0, 60)
"""A lock is held for a minute and people are told after ten seconds: at full size, with the real numbers."""


def is_kept(db: Database) -> bool:
    """Whether the reply is in the inbox; looked up past every lock and setting of the trouble."""
    if db.dialect == "sqlite":
        with sqlite3.connect(db.place.database) as connection:
            return bool(connection.execute("SELECT count(*) FROM inbox").fetchone()[0])
    with psycopg.connect(plain(db)) as connection:
        connection.execute("SET lock_timeout = '200ms'")
        try:
            return bool(connection.execute("SELECT count(*) FROM inbox").fetchone()[0])
        except psycopg.errors.LockNotAvailable:
            return False


def plain(db: Database) -> str:
    return db.place.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Another program holds the lock that every writer needs."""
    if db.dialect == "sqlite":
        connection = sqlite3.connect(db.place.database, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
        connection.close()
        return
    with psycopg.connect(plain(db)) as connection:
        connection.execute("LOCK TABLE inbox, mark IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@contextmanager
def with_pragma(db: Database, pragma: str) -> Iterator[None]:
    """Every SQLite connection from now on has one more setting, until the trouble is over."""

    def apply(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(Engine, "connect", apply)
    _new_connections(db)
    yield
    event.remove(Engine, "connect", apply)
    _new_connections(db)


def _new_connections(db: Database) -> None:
    for engine in (db.engine, db._urgent, db._reading):
        engine.dispose()


@contextmanager
def answering(db: Database, code: str) -> Iterator[None]:
    """PostgreSQL answers every write with the error it has for a full disk, or for being a standby."""
    with psycopg.connect(plain(db), autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON inbox EXECUTE FUNCTION refuse();"
            "CREATE TRIGGER refuse BEFORE INSERT ON mark EXECUTE FUNCTION refuse()"
        )
        yield
        admin.execute("DROP FUNCTION refuse CASCADE")


@contextmanager
def full(db: Database) -> Iterator[None]:
    """No room for one more page, and whatever is written needs one."""
    if db.dialect == "postgresql":
        with answering(db, "53100"):
            yield
        return
    with closing(sqlite3.connect(db.place.database)) as connection:
        connection.executescript(
            "CREATE TABLE filler (x);"
            "CREATE TRIGGER a AFTER INSERT ON inbox BEGIN INSERT INTO filler VALUES (zeroblob(20000)); END;"
            "CREATE TRIGGER b AFTER INSERT ON mark BEGIN INSERT INTO filler VALUES (zeroblob(20000)); END;"
            "CREATE TRIGGER c AFTER UPDATE ON mark BEGIN INSERT INTO filler VALUES (zeroblob(20000)); END"
        )
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with with_pragma(db, f"max_page_count = {pages}"):
        yield
    with closing(sqlite3.connect(db.place.database)) as connection:
        connection.executescript("DROP TRIGGER a; DROP TRIGGER b; DROP TRIGGER c; DROP TABLE filler")


def read_only(db: Database) -> AbstractContextManager[None]:
    return answering(db, "25006") if db.dialect == "postgresql" else with_pragma(db, "query_only = ON")


@pytest.fixture
def impatient(database_url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database, waiting a third of a second for locks instead of ten."""
    monkeypatch.setattr("storage.engines.BUSY_SECONDS", BUSY)
    db = Database.open(database_url, vault)
    yield db
    db.close()


def test_fault_13_reading_and_then_writing_at_the_same_time_never_fails(database):
    """A deferred transaction that reads first fails at once when another wrote; ours waits its turn."""
    database.run(lambda tx: patients.site_row(tx, "northside"))

    def read_then_write(_: int) -> None:
        for _ in range(8):
            with database.transaction() as tx:
                tx.scalar(select(func.count()).select_from(Patient))
                patients.enrol(tx, "northside", NOW, language="en", zone="UTC")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_then_write, range(4)))
    with database.reading() as tx:
        assert tx.scalar(select(func.count(func.distinct(Patient.code)))) == 32


def test_fault_14_a_lock_held_for_four_seconds_is_waited_for(database):
    held, release = Event(), Event()

    def hold() -> None:
        with locked(database):
            held.set()
            release.wait(4)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        held.wait(5)
        with database.transaction() as tx:
            assert inbox.store(tx, "care", 41, CHAT, {}, NOW)
        holding.result()
    assert is_kept(database)


def test_fault_15_a_lock_held_for_long_confirms_nothing_tells_people_and_is_caught_up(impatient):
    heard = asyncio.run(
        reply_during(
            impatient, locked(impatient), lambda: is_kept(impatient), patience=PATIENCE, lasting=LASTING
        )
    )
    assert "nobody is being paged" in heard[0]


def test_fault_16_a_full_disk_confirms_nothing_tells_people_and_is_caught_up(impatient):
    heard = asyncio.run(
        reply_during(impatient, full(impatient), lambda: is_kept(impatient), patience=PATIENCE)
    )
    assert "nobody is being paged" in heard[0]


def test_fault_16_a_full_disk_keeps_nothing_by_halves_and_goes_on_when_there_is_room(impatient):
    long = {"text": "x" * 100_000}
    with full(impatient):
        with pytest.raises(StorageError, match=r"disk is full|out of disk"), impatient.transaction() as tx:
            inbox.store(tx, "care", 41, CHAT, long, NOW)
        assert not is_kept(impatient)
    with impatient.transaction() as tx:
        assert inbox.store(tx, "care", 41, CHAT, long, NOW)


def test_fault_17_a_database_turned_read_only_confirms_nothing_and_tells_people(impatient):
    heard = asyncio.run(
        reply_during(impatient, read_only(impatient), lambda: is_kept(impatient), patience=PATIENCE)
    )
    assert "nobody is being paged" in heard[0]


def test_fault_18_a_damaged_file_is_never_replaced_and_people_are_told(sqlite_database, content):
    path = Path(sqlite_database.place.database)
    sqlite_database.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(16384))
    before = path.read_bytes()

    async def start() -> tuple[int, str, list[str]]:
        async with OutsidePhone() as phone:
            settings = {
                "AFTERCARE_TOKEN": "1234567:sandbox-token-for-tests",
                "AFTERCARE_DATABASE_URL": f"sqlite:///{path}",
                "AFTERCARE_MASTER_KEYS": base64.b64encode(MASTER_KEY).decode(),
                "AFTERCARE_OUTSIDE_RECIPIENTS": phone.address,
                "AFTERCARE_HTTP_PORT": "0",
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run",
                env={**os.environ, **settings}, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            _, said = await asyncio.wait_for(process.communicate(), 60)
            return process.returncode or 0, said.decode(), phone.heard

    code, said, heard = asyncio.run(start())
    assert code == 4
    assert "is damaged" in said
    assert "Traceback" not in said
    assert ["database" in each for each in heard] == [True]
    assert path.read_bytes() == before
    with outside_world(lambda: NOW) as world:
        assert not watcher(content, f"sqlite:///{path}", world).look(NOW)
        assert world.fired(NOW) and "database" in world.told[0]


def test_fault_19_a_server_restarted_in_the_middle_leaves_one_effect(own_server, vault):
    db = Database.open(own_server.new_database(), vault)
    tries = []

    def work(tx) -> bool:
        stored = inbox.store(tx, "care", 41, CHAT, {}, NOW)
        outbox.put(tx, Outgoing(OutgoingKind.MESSAGE, CHAT, "page"), kind=OutboxKind.PAGE, now=NOW)
        if not tries:
            tries.append(1)
            os.kill(tx.scalar(text("SELECT pg_backend_pid()")), signal.SIGKILL)
            tx.execute(text("SELECT 1"))
        return stored

    with pytest.raises(StorageError, match=r"cannot be reached|starting up"):
        db.run(work)
    again = Event()
    for _ in range(100):
        try:
            assert db.run(work)
            break
        except StorageError:
            again.wait(0.1)
    with db.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(Inbox)) == 1
        assert tx.scalar(select(func.count()).select_from(Outbox)) == 1
    db.close()


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_fault_19_a_lost_race_is_run_again_and_counts_once(postgres_server, vault, state):
    db = Database.open(postgres_server.new_database(), vault)
    tries = []

    def work(tx) -> bool:
        stored = inbox.store(tx, "care", 41, CHAT, {}, NOW)
        tries.append(stored)
        if len(tries) < 3:
            tx.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))
        return stored

    assert db.run(work)
    assert tries == [True, True, True]
    db.close()


def test_fault_20_alerts_have_connections_of_their_own(database):
    """Everything else is in use and stays so; a page goes out all the same."""
    with database.transaction() as tx:
        page = Outgoing(OutgoingKind.MESSAGE, CHAT, "page")
        row = outbox.put(tx, page, kind=OutboxKind.PAGE, now=NOW, lane=Lane.ALERT)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(database.engine.connect().execution_options(reading=True))
            connection.execute(text("SELECT count(*) FROM outbox"))
        with database.urgent() as tx:
            leased = outbox.lease(tx, Lane.ALERT, "one", NOW, 10, timedelta(seconds=30))
            assert [each.id for each in leased] == [row.id]
            assert outbox.mark_sent(tx, row.id, "one", 1, NOW)


@pytest.mark.parametrize("found", ["0000", "9999"])
def test_fault_21_a_worker_takes_nothing_from_tables_of_another_shape(database, found):
    with database.transaction() as tx:
        outbox.put(
            tx, Outgoing(OutgoingKind.MESSAGE, CHAT, "page"), kind=OutboxKind.PAGE, now=NOW, lane=Lane.ALERT
        )
        inbox.store(tx, "care", 41, CHAT, {}, NOW)
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :found"), {"found": found})
    with pytest.raises(StorageError, match=f"schema {found}"), database.transaction() as tx:
        outbox.lease(tx, Lane.ALERT, "one", NOW, 10, timedelta(seconds=30))
    with pytest.raises(StorageError, match=migrations.newest()), database.reading() as tx:
        inbox.next_waiting(tx, NOW, 10, ())
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :ours"), {"ours": migrations.newest()})
    with database.transaction() as tx:
        assert len(outbox.lease(tx, Lane.ALERT, "one", NOW, 10, timedelta(seconds=30))) == 1


@contextmanager
def of_another_shape(db: Database) -> Iterator[None]:
    """A newer program has just brought the tables to its own shape."""
    with db.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    yield
    with closing(db.engine.raw_connection()) as connection:
        connection.cursor().execute(f"UPDATE alembic_version SET version_num = '{migrations.newest()}'")
        connection.commit()


def test_fault_21_tables_of_another_shape_take_no_reply_in_and_people_are_told(impatient):
    heard = asyncio.run(
        reply_during(impatient, of_another_shape(impatient), lambda: is_kept(impatient), patience=PATIENCE)
    )
    assert "nobody is being paged" in heard[0]
