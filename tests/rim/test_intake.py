"""Telegram to inbox to clinic: kept before confirmed, handled in order, and nothing ends the listening."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlmodel import select

from bot.message import Failure, ReplyKind, SendError
from bot.sandbox.running import RunningSandbox
from storage import marks
from storage.database import Database
from storage.tables import Inbox, InboxState
from tests.rim.parts import KIT, MAYA, Clinic, listening, until


def run(go: Any) -> None:
    asyncio.run(asyncio.wait_for(go, 90))


def in_state(db: Database, state: InboxState) -> list[int]:
    with db.reading() as tx:
        return list(tx.exec(select(Inbox.update_id).where(Inbox.state == state)).all())


def test_a_reply_is_kept_handled_and_confirmed(database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(database, sandbox) as ear:
            said = await ear.people.say(MAYA, "a bad night")
            await ear.hears("a bad night")
            assert in_state(database, InboxState.DONE) == [said.update_id]

            async def confirmed() -> bool:
                return not (await ear.people.get("updates"))["waiting"]

            await until(confirmed)

    run(go())


def test_words_in_the_inbox_are_sealed(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            await ear.people.say(MAYA, "a very particular night")
            await ear.hears("a very particular night")

    run(go())
    with sqlite_database.reading() as tx:
        row = tx.exec(select(Inbox)).one()
    assert b"particular" not in (row.raw_sealed or b"")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 401}, id="401"),
        pytest.param({"status": 404}, id="404"),
        pytest.param({"status": 429, "retry_after": 1}, id="429"),
        pytest.param({"status": 500}, id="500"),
        pytest.param({"kind": "html", "status": 502}, id="html"),
        pytest.param({"kind": "garbage"}, id="not json"),
        pytest.param({"kind": "half"}, id="half an answer"),
        pytest.param({"kind": "reset_before"}, id="reset"),
        pytest.param({"kind": "reset_after"}, id="reset after it answered"),
    ],
)
def test_no_answer_ends_the_listening_and_none_loses_a_reply(
    sqlite_database: Database, sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            await ear.people.fault("getUpdates", **fault)
            await ear.people.say(MAYA, "first")
            await ear.people.say(MAYA, "second")
            await ear.hears("first", "second")
            assert ear.clinic.words == ["first", "second"]

    run(go())


def test_a_refused_token_is_told_once_however_long_it_lasts(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            await ear.people.fault("getUpdates", status=401, times=2)
            await ear.people.say(MAYA, "still here")
            await ear.hears("still here")
            assert ear.clinic.troubles == ["token_refused"]

    run(go())


def test_a_poll_that_hangs_is_noticed(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox, hung_after=1.5) as ear:
            await ear.people.fault("getUpdates", kind="hang_before", seconds=60)
            await until(lambda: "poll_hangs" in ear.clinic.troubles)
            await ear.people.say(MAYA, "hello?")
            await ear.hears("hello?")

    run(go())


def test_an_update_that_comes_twice_is_handled_once(database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(database, sandbox) as ear:
            said = await ear.people.say(MAYA, "once")
            await ear.hears("once")
            await ear.people.post("redeliver", update_id=said.update_id)
            await ear.people.say(MAYA, "after")
            await ear.hears("after")
            assert ear.clinic.words == ["once", "after"]

    run(go())


def test_a_bad_update_stops_nobody_and_is_set_aside_after_its_tries(
    database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        clinic = Clinic(database, breaks_on="unreadable")
        async with listening(database, sandbox, clinic) as ear:
            bad = await ear.people.say(MAYA, "unreadable")
            await ear.people.say(MAYA, "and then this")
            await ear.people.say(KIT, "me too")
            await ear.hears("and then this", "me too")

            async def aside() -> bool:
                ear.clock.move(minutes=1)
                ear.worker.wake()
                return clinic.aside == [bad.update_id]

            await until(aside)
            with database.reading() as tx:
                row = tx.get_one(Inbox, ("care", bad.update_id))
                assert (row.state, row.attempts, row.error) == (InboxState.DEAD, 5, "RuntimeError")

    run(go())


def test_a_chat_is_handled_in_order_and_none_holds_up_another(
    database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with sandbox.client() as people:
            for number in range(40):
                await people.say(MAYA, f"maya {number}")
            await people.say(KIT, "kit")
        async with listening(database, sandbox) as ear:
            await ear.hears("kit", "maya 39")
            mayas = [each for each in ear.clinic.words if each != "kit"]
            assert mayas == [f"maya {number}" for number in range(40)]
            assert ear.clinic.words.index("kit") < 10

    run(go())


def test_an_update_without_a_number_is_passed_over(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            whole = {"update_id": 10**9, "message": {"chat": {"id": MAYA, "type": "private"}, "text": "kept"}}
            await ear.keeper.keep(["text", None, {"update_id": "7"}, {"update_id": True}, whole])
            await ear.hears("kept")
            assert in_state(sqlite_database, InboxState.DONE) == [10**9]

    run(go())


def test_what_nobody_can_answer_is_done_with(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            await ear.keeper.keep([{"update_id": 5, "poll_answer": {"poll_id": "1"}}])
            await until(lambda: in_state(sqlite_database, InboxState.DONE) == [5])
            assert ear.clinic.heard == []

    run(go())


@contextmanager
def write_lock(db: Database) -> Iterator[None]:
    """Hold SQLite's one write lock, as a stuck backup would."""
    connection = sqlite3.connect(str(db.place.database), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_while_the_database_is_locked_nothing_is_confirmed(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            with write_lock(sqlite_database):
                await ear.people.say(MAYA, "while it was locked")

                async def asked() -> bool:
                    return bool((await ear.people.get("updates"))["waiting"])

                await until(asked)
                assert ear.clinic.words == []
            await ear.hears("while it was locked")
            assert ear.clinic.words == ["while it was locked"]

    run(go())


def test_what_was_kept_before_a_stop_is_handled_after_it(database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        update = {
            "update_id": 77,
            "message": {
                "message_id": 1,
                "text": "before the stop",
                "chat": {"id": MAYA, "type": "private"},
                "from": {"id": MAYA},
            },
        }
        async with listening(database, sandbox) as ear:
            ear.worker.stop()
            await ear.keeper.keep([update])
        assert in_state(database, InboxState.NEW) == [77]
        async with listening(database, sandbox) as ear:
            await ear.hears("before the stop")

    run(go())


def test_after_a_week_of_silence_the_offset_is_forgotten(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            ear.poller.stop()
            await ear.keeper.keep([{"update_id": 900}])
            assert await ear.keeper.next_offset() == 901
            ear.clock.move(days=6, minutes=1)
            assert await ear.keeper.next_offset() is None

    run(go())


def test_every_answered_poll_leaves_a_mark(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:

            def marked() -> bool:
                with sqlite_database.reading() as tx:
                    return marks.mark(tx, "poll:care") is not None

            await until(marked)
            assert ear.poller.silent_for < 10

    run(go())


def test_two_pollers_on_one_token_stand_back_and_say_so(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            await ear.people.fault("getUpdates", status=409)
            await until(lambda: ear.clinic.troubles == ["second_poller"])
            before = len(await ear.people.requests("getUpdates"))
            await ear.people.say(MAYA, "for the other one")
            assert len(await ear.people.requests("getUpdates")) == before

    run(go())


class _Scripted:
    """A source that answers from a list, and counts what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.offsets: list[int | None] = []

    async def fetch(self, offset: int | None) -> Any:
        self.offsets.append(offset)
        answer = self.answers.pop(0) if self.answers else SendError(Failure.TRANSIENT)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def renew(self) -> None:
        return None


def test_a_source_with_a_bug_of_its_own_is_asked_again(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    from bot.intake import Poller

    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            ear.poller.stop()
            source = _Scripted(KeyError("secret words"), [{"update_id": 3}], [])
            poller = Poller(source, ear.keeper)
            running = asyncio.create_task(poller.run())
            await until(lambda: len(source.offsets) >= 3)
            poller.stop()
            await running
            assert source.offsets[:3] == [None, None, 4]

    run(go())


def test_edits_taps_and_blocks_are_heard_as_such(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with listening(sqlite_database, sandbox) as ear:
            said = await ear.people.say(MAYA, "calm")
            await ear.people.edit(MAYA, said.message_id, "I want to die")
            await ear.people.block(MAYA)
            await until(lambda: len(ear.clinic.heard) == 3)
            kinds = [reply.kind for reply in ear.clinic.heard]
            assert kinds == [ReplyKind.TEXT, ReplyKind.EDIT, ReplyKind.BLOCKED]

    run(go())
