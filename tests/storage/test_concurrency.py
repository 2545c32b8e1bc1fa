"""Several workers at once, some of them killed: nothing is taken twice and nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from bot.message import Outgoing, OutgoingKind
from storage import inbox, marks, outbox, patients
from storage.database import Database
from storage.tables import Inbox, Lane, Outbox, OutboxKind, OutboxState, Patient
from storage.turns import be_urgent
from storage.vault import Vault
from tests.databases import MASTER_KEY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
PAGES = 300
START = multiprocessing.get_context("spawn")


def test_a_page_finds_a_connection_while_every_urgent_hand_holds_one(database: Database) -> None:
    """Four handlers of replies, the climb and two keepers may all be waiting for a row somebody locked."""
    if database.dialect == "sqlite":
        pytest.skip("has one writer at a time")
    with ExitStack() as held:
        for _ in range(7):
            held.enter_context(database.urgent())
        with database.urgent() as tx:
            assert tx.scalar(select(func.count()).select_from(Outbox)) == 0


def test_a_card_is_not_written_beside_a_page(database: Database) -> None:
    """One file or many connections: what begins beside a page takes time from it."""
    begun, end = Event(), Event()

    def page() -> None:
        be_urgent()
        with database.transaction():
            begun.set()
            assert end.wait(10)

    def card() -> None:
        with database.transaction():
            pass

    threads = [Thread(target=page), Thread(target=card)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    while not (waits := database.turns.waiting) and threads[1].is_alive():
        Event().wait(0.001)
    end.set()
    for each in threads:
        each.join(10)
    assert waits == 1


def queue_pages(db: Database, count: int) -> None:
    with db.transaction() as tx:
        for number in range(count):
            outgoing = Outgoing(OutgoingKind.MESSAGE, number + 1, "page")
            outbox.put(tx, outgoing, kind=OutboxKind.PAGE, now=NOW, lane=Lane.ALERT)


def work(url: str, owner: str, told: Connection) -> None:
    """Lease and send until nothing is left; tells which rows it sent."""
    db = Database.open(url, Vault([MASTER_KEY]))
    sent = []
    while True:
        rows = db.run(lambda tx: outbox.lease(tx, Lane.ALERT, owner, NOW, 7, LEASE))
        if not rows:
            break
        for row in rows:
            db.run(lambda tx, row=row: outbox.mark_sent(tx, row.id, owner, 1, NOW))
            sent.append(row.id)
    told.send(sent)


def test_two_workers_send_every_page_once(database, database_url):
    queue_pages(database, PAGES)
    pipes, workers = [], []
    for owner in ("one", "two"):
        listen, told = START.Pipe(duplex=False)
        pipes.append(listen)
        workers.append(START.Process(target=work, args=(database_url, owner, told)))
    for each in workers:
        each.start()
    shares = [pipe.recv() for pipe in pipes]
    for each in workers:
        each.join(30)
    everything = shares[0] + shares[1]
    assert len(everything) == len(set(everything)) == PAGES
    with database.reading() as tx:
        assert tx.scalar(select(func.count()).where(Outbox.state == OutboxState.SENT)) == PAGES


def lease_and_hang(url: str, told: Connection) -> None:
    db = Database.open(url, Vault([MASTER_KEY]))
    with db.transaction() as tx:
        rows = outbox.lease(tx, Lane.ALERT, "killed", NOW, 5, LEASE)
    told.send([row.id for row in rows])
    signal.pause()


def test_a_killed_workers_pages_come_back_when_its_lease_is_over(database, database_url):
    queue_pages(database, 5)
    listen, told = START.Pipe(duplex=False)
    worker = START.Process(target=lease_and_hang, args=(database_url, told))
    worker.start()
    held = listen.recv()
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(30)
    with database.transaction() as tx:
        assert outbox.lease(tx, Lane.ALERT, "next", NOW + LEASE - timedelta(seconds=1), 10, LEASE) == []
        again = outbox.lease(tx, Lane.ALERT, "next", NOW + LEASE, 10, LEASE)
    assert [row.id for row in again] == held
    assert all(row.repeat for row in again)


def write_and_hang(url: str, told: Connection) -> None:
    db = Database.open(url, Vault([MASTER_KEY]))
    with db.transaction() as tx:
        inbox.store(tx, "care", 1, 7, {"text": "half"}, NOW)
        outbox.put(tx, Outgoing(OutgoingKind.MESSAGE, 7, "half"), kind=OutboxKind.PAGE, now=NOW)
        told.send("written")
        signal.pause()


def test_a_killed_transaction_leaves_nothing_and_locks_nobody_out(database, database_url):
    listen, told = START.Pipe(duplex=False)
    worker = START.Process(target=write_and_hang, args=(database_url, told))
    worker.start()
    assert listen.recv() == "written"
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(30)
    with database.transaction() as tx:
        assert inbox.store(tx, "care", 1, 7, {"text": "whole"}, NOW)
    with database.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(Outbox)) == 0
        assert inbox.read_raw(tx, tx.get_one(Inbox, ("care", 1))) == {"text": "whole"}


def test_codes_given_at_the_same_time_are_all_different(database):
    def enrol_some(_: int) -> None:
        for _ in range(5):
            database.run(lambda tx: patients.enrol(tx, "northside", NOW, language="en", zone="UTC"))

    database.run(lambda tx: patients.site_row(tx, "northside"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enrol_some, range(4)))
    with database.reading() as tx:
        codes = sorted(tx.scalars(select(Patient.code)))
    assert codes == [f"K-{number:04d}" for number in range(1, 21)]


def test_the_same_update_from_two_workers_is_kept_and_done_once(database):
    together = Barrier(2)

    def store_and_finish(_: int) -> tuple[bool, bool]:
        together.wait(10)
        stored = database.run(lambda tx: inbox.store(tx, "care", 1, 7, {}, NOW))
        together.wait(10)
        return stored, database.run(lambda tx: inbox.mark_done(tx, "care", 1, NOW))

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(store_and_finish, range(2)))
    assert sorted(stored for stored, _ in results) == [False, True]
    assert sorted(done for _, done in results) == [False, True]


def test_the_same_mark_may_be_set_for_the_first_time_by_two(database):
    together = Barrier(2)

    def set_it(value: int) -> None:
        together.wait(10)
        database.run(lambda tx: marks.set_mark(tx, "tick", NOW, str(value)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(set_it, range(2)))
    with database.reading() as tx:
        assert marks.mark(tx, "tick").value in {"0", "1"}


def test_work_that_loses_a_race_is_done_again(postgres_server, vault):
    db = Database.open(postgres_server.new_database(), vault)
    tries = []

    def lose_once(tx) -> str:
        tries.append(1)
        if len(tries) < 3:
            tx.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))
        return "done"

    assert db.run(lose_once) == "done"
    assert len(tries) == 3

    def lose_always(tx) -> None:
        tries.append(1)
        tx.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))

    tries.clear()
    with pytest.raises(OperationalError):
        db.run(lose_always)
    assert len(tries) == 5
    db.close()
