"""D. Telegram on the way out: every refusal, and the page that arrives all the same."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlmodel import select

from bot.content import Content
from bot.message import Failure, Outgoing, OutgoingKind
from bot.sandbox.running import RunningSandbox
from storage import outbox, staff
from storage.database import Database
from storage.tables import Contact, ContactState, Lane, Outbox, OutboxKind, OutboxState
from tests.faults.house import PAGED, House, house
from tests.rim.parts import rim, until
from tests.rim.running import BACKUP, COORDINATOR, FIRST, FRIGHTENING, KIT, MAYA, seed
from tests.rim.wire import forward, free_port

PLAIN_FAILURES = [
    pytest.param({"kind": "html", "status": 502}, id="html"),
    pytest.param({"status": 500}, id="500"),
]


def run(go: Any, within: float = 60) -> None:
    asyncio.run(asyncio.wait_for(go, within))


async def frightened(clinic: House) -> None:
    await clinic.people.say(MAYA, FRIGHTENING)
    await until(lambda: clinic.record.alerts == 1)


@pytest.mark.parametrize("wait", [1, 30, 3600])
def test_fault_30_429_is_obeyed_and_a_long_one_takes_a_second_channel(
    database: Database, sandbox: RunningSandbox, content: Content, wait: int
) -> None:
    seed(database, outside=True)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.fault("sendMessage", status=429, retry_after=wait, chat_id=FIRST)
            await frightened(clinic)
            if wait > 10:
                await until(lambda: len(clinic.outside.carried) == 1)
                assert await clinic.pages_on() == []
                await clinic.pass_time(seconds=wait - 5)
                await clinic.settled_but_for(1)
                assert len(await clinic.sends_to(FIRST)) == 1, "nothing before its time"
                await clinic.pass_time(seconds=6)
            else:
                await clinic.pass_time(seconds=wait + 1)
            await clinic.page_to()
            assert bool(clinic.outside.carried) is (wait > 10)
            assert clinic.record.alerts == 1

    run(go())


@pytest.mark.parametrize("alert_bot", [False, True])
def test_fault_31_429_on_a_check_in_leaves_the_page_alone(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content, alert_bot: bool
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content, alert_bot=alert_bot) as clinic:
            if alert_bot:
                await clinic.people.start(FIRST, bot="alert")
            await clinic.people.fault("sendMessage", status=429, retry_after=3600, chat_id=KIT, times=0)
            card = Outgoing(OutgoingKind.MESSAGE, KIT, text="How was your night?")
            with sqlite_database.transaction() as tx:
                queued = outbox.put(tx, card, kind=OutboxKind.CARD, now=clinic.clock()).id
            clinic.delivery.wake()
            await until(lambda: _error(sqlite_database, queued) == Failure.WAIT)
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to(bot="alert" if alert_bot else "care", within=5)

    run(go())


def _error(db: Database, row_id: str) -> str:
    with db.reading() as tx:
        return tx.get_one(Outbox, row_id).error


LONGEST_WAIT = 15
"""Seconds between two tries of a page; the first few come faster."""


def _attempts(db: Database) -> int:
    with db.reading() as tx:
        return max(tx.exec(select(Outbox.attempts).where(Outbox.kind == OutboxKind.PAGE)).all(), default=0)


@pytest.mark.parametrize("fault", PLAIN_FAILURES)
def test_fault_32_fifteen_minutes_of_errors(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content, fault: dict[str, Any]
) -> None:
    seed(sqlite_database, outside=True)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content) as clinic:
            await clinic.people.fault("sendMessage", times=0, **fault)
            await frightened(clinic)
            before = threading.active_count()
            await until(lambda: _attempts(sqlite_database) >= 1)
            await clinic.pass_time(minutes=1, seconds=50)
            assert clinic.outside.carried == [], "the second channel has its time"
            await clinic.pass_time(seconds=15)
            await until(lambda: len(clinic.outside.carried) >= 1)
            for _ in range(13):
                await clinic.pass_time(minutes=1)
            assert threading.active_count() <= before + 2
            assert len(await clinic.sends_to(FIRST)) <= 15 * 60 / LONGEST_WAIT, "ever more slowly, not a hail"
            await clinic.people.clear_faults()
            await clinic.pass_time(minutes=1)
            await clinic.page_to()
            assert clinic.record.alerts == 1

    run(go())


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_fault_33_reset_again_and_again(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content, kind: str
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content) as clinic:
            await clinic.people.fault("sendMessage", kind=kind, chat_id=FIRST, times=2)
            await frightened(clinic)
            await until(lambda: clinic.record.pages_sent == 1)
            assert len(await clinic.pages_on()) == (3 if kind == "reset_after" else 1)

    run(go())


@pytest.mark.parametrize("kind", ["reset_after", "hang_after"])
def test_fault_34_accepted_and_no_answer(
    database: Database, sandbox: RunningSandbox, content: Content, kind: str
) -> None:
    _two_copies_one_alert(database, sandbox, content, kind)


@pytest.mark.parametrize("kind", ["half", "garbage"])
def test_fault_36_accepted_and_half_an_answer(
    database: Database, sandbox: RunningSandbox, content: Content, kind: str
) -> None:
    _two_copies_one_alert(database, sandbox, content, kind)


def _two_copies_one_alert(db: Database, sandbox: RunningSandbox, content: Content, kind: str) -> None:
    seed(db)

    async def go() -> None:
        async with house(db, sandbox, content) as clinic:
            await clinic.people.fault("sendMessage", kind=kind, seconds=30, chat_id=FIRST)
            await frightened(clinic)
            await until(lambda: clinic.record.pages_sent == 1)
            pages = await clinic.pages_on()
            assert len(pages) == 2
            assert "already" in pages[1]
            assert clinic.record.alerts == 1

    run(go())


def test_fault_35_nobody_listening_then_one_copy(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        port = await free_port()
        async with rim(sqlite_database, sandbox, api_url=f"http://127.0.0.1:{port}") as post:
            page = post.put("alert K-0042")
            await until(lambda: post.error(page) == Failure.NOT_SENT)
            server = await forward(port, sandbox.port)
            post.clock.move(seconds=15)
            await post.becomes(page, OutboxState.SENT)
            assert await post.texts() == ["alert K-0042"]
            server.close()

    run(go())


async def _dead(clinic: House, how: str) -> None:
    if how == "blocked":
        await clinic.people.block(FIRST)
    elif how == "deactivated":
        await clinic.people.post("deactivate", person=FIRST)
    else:
        await clinic.people.fault(
            "sendMessage", status=400, description="Bad Request: chat not found", chat_id=FIRST, times=0
        )


def test_fault_37_the_person_on_call_has_blocked_the_bot(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    run(_reached_otherwise(database, sandbox, content, "blocked"))


@pytest.mark.parametrize("how", ["chat not found", "deactivated"])
def test_fault_38_the_chat_of_the_person_on_call_is_gone(
    database: Database, sandbox: RunningSandbox, content: Content, how: str
) -> None:
    run(_reached_otherwise(database, sandbox, content, how))


async def _reached_otherwise(db: Database, sandbox: RunningSandbox, content: Content, how: str) -> None:
    """Their other channel is used within seconds, somebody is told, and the climb is not delayed."""
    seed(db, outside=True)
    async with house(db, sandbox, content) as clinic:
        await _dead(clinic, how)
        await clinic.people.say(MAYA, FRIGHTENING)
        await until(lambda: len(clinic.outside.carried) == 1, within=5)
        assert _contact_state(db, FIRST) == ContactState.BLOCKED
        await clinic.people.wait_for(COORDINATOR, f"Person {FIRST}")
        await clinic.pass_time(minutes=5, seconds=5)
        await clinic.page_to(BACKUP)


def _contact_state(db: Database, chat_id: int) -> str:
    with db.reading() as tx:
        member = staff.by_chat(tx, chat_id)
        assert member is not None
        wanted = select(Contact.state).where(Contact.staff_id == member.id, Contact.channel == "telegram")
        return tx.exec(wanted).one()


def test_fault_37_blocked_without_another_channel_the_next_tier_is_paged_at_once(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.block(FIRST)
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to(BACKUP, within=5)

    run(go())


def test_fault_39_the_chat_has_moved(database: Database, sandbox: RunningSandbox, content: Content) -> None:
    seed(database)
    new_chat = 950

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.start(new_chat)
            await clinic.people.fault("sendMessage", status=400, migrate_to_chat_id=new_chat, chat_id=FIRST)
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to(new_chat)
            await clinic.settled()
            assert len(await clinic.pages_on(new_chat)) == 1
            assert _attempts(database) == 1, "in the same attempt"
            with database.reading() as tx:
                assert staff.by_chat(tx, new_chat) is not None
                assert staff.by_chat(tx, FIRST) is None

    run(go())


def test_fault_44_accepted_and_never_seen_comes_again_as_a_new_message(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.say(MAYA, FRIGHTENING)
            first = await clinic.page_to()
            await clinic.settled()
            await clinic.pass_time(minutes=2, seconds=5)
            again = await clinic.people.wait_for(
                FIRST, lambda seen: PAGED in seen.text and seen.message_id != first.message_id
            )
            assert not again.edited
            assert again.raw.get("reply_to") is None

    run(go())


def test_a_page_waits_for_no_hanging_send(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    """Not in the list by number: eight people whose phones hang, and a ninth who is paged."""
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content, read_seconds=20) as clinic:
            for person in range(2000, 2008):
                await clinic.people.start(person)
                await clinic.people.fault("sendMessage", kind="hang_before", seconds=6, chat_id=person)
                stuck = Outgoing(OutgoingKind.MESSAGE, person, text="stuck")
                with sqlite_database.transaction() as tx:
                    outbox.put(tx, stuck, kind=OutboxKind.PAGE, now=clinic.clock(), lane=Lane.ALERT)
            clinic.delivery.wake()
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to(within=5)

    run(go())
