"""A. The process dies: killed for real at a named place, and started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from bot.content import Content
from bot.flows import alerts, replies
from bot.flows.clinic import Clinic
from bot.hooks import ClinicHooks
from bot.message import Failure, Reply, ReplyKind
from bot.sandbox.client import Sandbox
from bot.sandbox.running import RunningSandbox
from storage import inbox, outbox
from storage.database import Database
from storage.tables import Alert, Lane, Outbox, OutboxState, Page
from tests.faults import oracle
from tests.faults.house import PAGED, house
from tests.faults.sizes import FULL, seconds, size
from tests.rim.parts import until
from tests.rim.running import CALM, FIRST, FRIGHTENING, KIT, MAYA, Program, Record, open_phones, program, seed

LEASE = timedelta(seconds=60)
THREE_SECONDS = 3
LAST_STATEMENT = 45
"""No transaction of a frightening reply has more; what comes after its commit is killed at too."""

DYING_SECONDS = size(0, 300)


def run(go: Any, within: float = 150) -> None:
    asyncio.run(asyncio.wait_for(go, within))


async def pages_on(people: Sandbox, person: int = FIRST) -> list[str]:
    return [each.text for each in await people.heard(person) if PAGED in each.text]


def killed_and_started_again(
    sandbox: RunningSandbox, db: Database, folder: Path, crash_at: str, within: float = 5
) -> list[str]:
    """Let Maya write something frightening to a program that dies at `crash_at`; return the pages.

    The page must be there `within` so many seconds once the program is back.
    """
    seed(db)
    record = Record(db)

    async def go() -> list[str]:
        await open_phones(sandbox)
        with program(sandbox, db.place.render_as_string(hide_password=False), folder) as bot:
            bot.start(crash_at)
            async with sandbox.client() as people:
                await people.say(MAYA, FRIGHTENING)
                await bot.died()
                bot.start()
                await bot.started()
                await people.wait_for(FIRST, PAGED, within=within)
                await until(lambda: record.pages_sent >= 1 and record.unhandled == 0)
                assert bot.stop() == 0
                oracle.check(db, await people.now(), urgent_replies=1, within=timedelta(seconds=40))
                assert (record.alerts, record.messages, record.without_audit()) == (1, 1, 0)
                return await pages_on(people)

    return asyncio.run(asyncio.wait_for(go(), 150))


def test_fault_01_killed_before_the_inbox_commit(
    database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    assert len(killed_and_started_again(sandbox, database, tmp_path, "before-inbox-commit")) == 1


def test_fault_02_killed_after_the_inbox_commit(
    database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    assert len(killed_and_started_again(sandbox, database, tmp_path, "after-inbox-commit")) == 1


@pytest.mark.parametrize("statement", range(1, LAST_STATEMENT + 1) if FULL else [12])
def test_fault_03_killed_inside_the_transaction(
    database: Database, sandbox: RunningSandbox, tmp_path: Path, statement: int
) -> None:
    crash_at = f"handling-statement-{statement}"
    assert len(killed_and_started_again(sandbox, database, tmp_path, crash_at)) == 1


class Broken(Exception):
    """The statement that did not come through."""


@contextmanager
def broken_at(db: Database, statement: int) -> Iterator[list[int]]:
    """Let the n-th statement fail; yields a list that holds the number when it came to that."""
    seen: list[int] = []
    broken: list[int] = []

    def before(*_: Any) -> None:
        seen.append(1)
        if len(seen) == statement:
            broken.append(statement)
            raise Broken

    event.listen(db.engine, "before_cursor_execute", before)
    try:
        yield broken
    finally:
        event.remove(db.engine, "before_cursor_execute", before)


def at_every_statement(db: Database, act: Callable[[], object], check: Callable[[], None]) -> int:
    """Do `act` with its first, second, third ... statement failing, checking after each; return how many."""
    statement = 0
    while True:
        statement += 1
        with broken_at(db, statement) as broken:
            with suppress(Broken):
                act()
            if not broken:
                return statement - 1
        check()


def test_fault_03_any_statement_of_the_transaction_fails(database: Database, content: Content) -> None:
    seed(database)
    clinic, record = Clinic(database, content), Record(database)
    now = datetime.now(UTC)
    reply = Reply("care", 1, ReplyKind.TEXT, MAYA, MAYA, now, text=FRIGHTENING, message_id=5)
    with database.transaction() as tx:
        inbox.store(tx, "care", 1, MAYA, {"update_id": 1}, now)

    def nothing_happened() -> None:
        assert (record.alerts, record.pages, record.messages, record.unhandled) == (0, 0, 0, 1)

    statements = at_every_statement(
        database, lambda: replies.receive_reply(clinic, reply, now), nothing_happened
    )
    assert 10 < statements <= LAST_STATEMENT, "each of them is one to be killed at"
    assert (record.alerts, record.messages, record.unhandled, record.without_audit()) == (1, 1, 0, 0)
    assert record.pages >= 1
    replies.receive_reply(clinic, reply, now)
    assert (record.alerts, record.messages) == (1, 1)


def test_fault_04_killed_after_the_reply_and_before_the_first_lease(
    database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    assert len(killed_and_started_again(sandbox, database, tmp_path, "after-handling")) == 1


def test_fault_05_killed_after_the_lease_and_before_the_wire(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    assert len(killed_and_started_again(sandbox, sqlite_database, tmp_path, "after-alert-lease")) == 1


def test_fault_05_a_lease_of_a_dead_worker_runs_out(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    """On PostgreSQL another worker may be alive, so the lease itself has to end."""
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            clinic.delivery.stop()
            await clinic.people.say(MAYA, FRIGHTENING)
            await until(lambda: clinic.record.alerts == 1)
            with database.transaction() as tx:
                dead = outbox.lease(tx, Lane.ALERT, "dead", clinic.clock(), 10, LEASE)
                assert dead
        async with house(database, sandbox, content) as clinic:
            await clinic.tick()
            assert await clinic.pages_on() == []
            await clinic.people.move_clock(LEASE)
            await clinic.page_to()
            await clinic.settled()
            assert len(await clinic.pages_on()) == 1

    run(go())


def test_fault_06_killed_after_telegram_accepted(
    database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    seed(database)

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, database.place.render_as_string(hide_password=False), tmp_path) as bot:
            async with sandbox.client() as people:
                await _page_accepted_then_killed(bot, people)
                bot.start()
                await bot.started()
                await people.move_clock(LEASE)  # where another worker might live, the dead one's lease counts
                again = await people.wait_for(FIRST, "already", within=40)
                assert PAGED in again.text
                await bot.started()
                assert bot.stop() == 0
                assert len(await pages_on(people)) == 2
                assert Record(database).alerts == 1

    run(go())


async def _page_accepted_then_killed(bot: Program, people: Sandbox) -> None:
    """Die right after a page was accepted. The patient's own message may be the first one out.

    The page may have been taken together with it: then the dead one's lease is over first.
    """
    bot.start("after-alert-send")
    await people.say(MAYA, FRIGHTENING)
    await bot.died()
    while not await pages_on(people):
        await people.move_clock(LEASE)
        bot.start("after-alert-send")
        await bot.died()


def test_fault_07_a_failed_page_and_what_replaces_it_are_one(database: Database, content: Content) -> None:
    clinic, record = _alerted(database, content)
    hooks, now = ClinicHooks(clinic), datetime.now(UTC)
    with database.transaction() as tx:
        page = next(
            row for row in outbox.lease(tx, Lane.ALERT, "me", now, 10, LEASE) if row.page_id is not None
        )

    def give_up(tx: Session) -> None:
        row = outbox.mark_failed(tx, page.id, "me", Failure.DEAD_ADDRESS, now)
        assert row is not None
        hooks.failed(tx, row, Failure.DEAD_ADDRESS, now)

    def neither() -> None:
        with database.reading() as tx:
            assert tx.get_one(Outbox, page.id).state == OutboxState.SENDING
        assert record.pages == before

    before = record.pages
    at_every_statement(database, lambda: database.run(give_up), neither)
    with database.reading() as tx:
        assert tx.get_one(Outbox, page.id).state == OutboxState.FAILED
    assert record.pages > before


def _alerted(db: Database, content: Content) -> tuple[Clinic, Record]:
    """A clinic where Maya has just written something frightening; nothing has been sent."""
    seed(db)
    now = datetime.now(UTC)
    clinic = Clinic(db, content)
    reply = Reply("care", 1, ReplyKind.TEXT, MAYA, MAYA, now, text=FRIGHTENING, message_id=5)
    with db.transaction() as tx:
        inbox.store(tx, "care", 1, MAYA, {"update_id": 1}, now)
    replies.receive_reply(clinic, reply, now)
    return clinic, Record(db)


def test_fault_08_a_higher_tier_and_its_pages_are_one(database: Database, content: Content) -> None:
    clinic, _ = _alerted(database, content)
    with database.reading() as tx:
        due = tx.scalar(text("SELECT max(next_action_at) FROM alert"))
    assert due is not None
    later = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)

    def in_step() -> None:
        with database.reading() as tx:
            for alert in tx.query(Alert):
                tiers = {page.tier for page in tx.query(Page).filter_by(alert_id=alert.id)}
                assert alert.tier == max(tiers, default=0)

    at_every_statement(database, lambda: alerts.climb(clinic, later), in_step)
    in_step()


def test_fault_09_killed_between_the_claim_and_its_answer(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    seed(sqlite_database)
    record = Record(sqlite_database)

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
            bot.start()
            async with sandbox.client() as people:
                await people.say(MAYA, FRIGHTENING)
                page = await people.wait_for(FIRST, PAGED, within=40)
                await until(lambda: record.on_the_way == 0 and record.pages_sent == 1)
                bot.kill()
                bot.start("after-handling")
                await people.tap(FIRST, page.labels[0], message_id=page.message_id)
                await bot.died()
                assert record.count(Alert, Alert.state == "claimed") == 1
                bot.start()
                await people.wait_for(
                    FIRST, lambda seen: seen.message_id == page.message_id and seen.edited, within=40
                )
                await bot.started()
                assert bot.stop() == 0

    run(go())


def test_fault_10_asked_to_stop_while_a_page_is_on_its_way(
    database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    seed(database)

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, database.place.render_as_string(hide_password=False), tmp_path) as bot:
            bot.start()
            await bot.started()
            async with sandbox.client() as people:
                await people.fault("sendMessage", kind="slow", seconds=1, chat_id=FIRST)
                await people.say(MAYA, FRIGHTENING)
                sending = Record(database)
                await until(lambda: sending.count(Outbox, Outbox.state == OutboxState.SENDING) > 0)
                assert bot.stop() == 0
                assert len(await pages_on(people)) == 1
                assert sending.pages_sent == 1
                assert [each for each in await people.requests() if _drops(each)] == []

    run(go())


def _drops(request: dict[str, Any]) -> bool:
    return str(request["params"].get("drop_pending_updates", False)).lower() not in ("false", "0")


def test_fault_11_killed_again_and_again(database: Database, sandbox: RunningSandbox, tmp_path: Path) -> None:
    """At its full size it goes on dying for five minutes, three seconds after it is up each time."""
    seed(database)
    record = Record(database)

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, database.place.render_as_string(hide_password=False), tmp_path) as bot:
            async with sandbox.client() as people:
                await people.say(MAYA, FRIGHTENING)
                for crash_at in ("before-inbox-commit", "before-handling", "after-handling"):
                    bot.start(crash_at)
                    await bot.died()
                began = time.monotonic()
                while time.monotonic() - began < DYING_SECONDS:
                    await _one_short_life(bot, people, record)
                bot.start()
                await people.wait_for(FIRST, PAGED, within=90)
                await until(lambda: record.own_troubles == 1 and record.pages_sent >= 2)
                assert record.alerts == 1
                await bot.started()
                assert bot.stop() == 0
                oracle.check(database, await people.now(), urgent_replies=1, within=timedelta(seconds=90))

    run(go(), within=seconds(150))


async def _one_short_life(bot: Program, people: Sandbox, record: Record) -> None:
    handled = record.messages
    await people.say(KIT, f"{CALM} {handled}")
    bot.start()
    await bot.started()
    up = time.monotonic()
    await until(lambda: time.monotonic() - up > THREE_SECONDS)
    bot.kill()
    assert record.messages > handled, "a life in which nothing got done"
