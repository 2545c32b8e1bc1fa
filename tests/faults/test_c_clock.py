"""C, faults 23 and 24 over the real wire: a machine whose clock was set, and what was put off before that."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot.content import Content
from bot.flows.clinic import Clinic
from bot.message import Failure, Outgoing, OutgoingKind
from bot.sandbox.running import RunningSandbox
from bot.threads import Threads
from bot.ticking import Ticking
from storage import inbox, outbox
from storage.database import Database
from storage.tables import Alert, Lane, OutboxKind, OutboxState
from tests.rim.parts import MAYA, rim, until
from tests.rim.test_clock_jump import Hands

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
SHORT = 0.4
"""Set back by so little that no rule of hours would notice, and by far enough to hurt."""


@pytest.mark.parametrize("hours", [2, -2])
def test_fault_23_24_a_clock_that_was_set_raises_an_alarm_once(
    sqlite_database: Database, content: Content, hours: int
) -> None:
    clinic = Clinic(sqlite_database, content)
    hands = Hands()

    async def go() -> None:
        pool = Threads("test")
        ticking = Ticking(clinic, lambda: hands.wall, lambda _: pool, 1, hands.watch())
        hands.pass_time(1, set_by=hours * 3600)
        await ticking._tick()
        hands.pass_time(1)
        await ticking._tick()
        pool.close()

    asyncio.run(go())
    with sqlite_database.reading() as tx:
        raised = tx.exec(select(Alert).where(Alert.rule_id == "SYS-1")).all()
    assert [each.joined for each in raised] == [0], "once, not at every tick"


TOLD_TO_WAIT, AN_ERROR = {"status": 429, "retry_after": 1}, {"status": 500}


@pytest.mark.parametrize(
    ("trouble", "hours"),
    [
        pytest.param(TOLD_TO_WAIT, SHORT, id="told to wait, minutes"),
        pytest.param(AN_ERROR, 2, id="an error, two hours"),
        pytest.param(AN_ERROR, 48, id="an error, two days"),
    ],
)
def test_fault_24_a_message_put_off_before_the_clock_was_set_back_goes_out_all_the_same(
    database: Database, sandbox: RunningSandbox, trouble: dict[str, Any], hours: float
) -> None:
    """A check-in and what comes after it in that chat: neither sleeps for the hours that come twice."""

    async def go() -> None:
        async with rim(database, sandbox) as post:
            await post.people.fault("sendMessage", chat_id=MAYA, **trouble)
            card = post.put("How did you sleep?", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            await until(lambda: post.error(card) != "")
            post.clock.move(hours=-hours)
            behind = post.put("Good night.", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            for each in (card, behind):
                await post.becomes(each, OutboxState.SENT)
            assert set(await post.texts(MAYA)) >= {"How did you sleep?", "Good night."}

    asyncio.run(go())


def test_fault_24_being_told_to_wait_is_obeyed_also_by_a_clock_set_back(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", chat_id=MAYA, status=429, retry_after=2)
            card = post.put("How did you sleep?", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            await until(lambda: post.error(card) == Failure.WAIT)
            told = asyncio.get_running_loop().time()
            post.clock.move(hours=-2)
            await post.becomes(card, OutboxState.SENT)
            assert asyncio.get_running_loop().time() - told > 1.5
            assert len(await _sends_to(post.people, MAYA)) == 2

    asyncio.run(go())


async def _sends_to(people: Any, chat_id: int) -> list[dict[str, Any]]:
    return [each for each in await people.requests("sendMessage") if str(chat_id) in str(each)]


@pytest.mark.parametrize("minutes", [5, 20, 120])
def test_fault_24_what_a_dead_sender_held_is_free_by_a_clock_set_back_a_little(
    database: Database, minutes: int
) -> None:
    with database.transaction() as tx:
        page = Outgoing(OutgoingKind.MESSAGE, MAYA, "page")
        row = outbox.put(tx, page, kind=OutboxKind.PAGE, now=NOW, lane=Lane.ALERT)
        assert outbox.lease(tx, Lane.ALERT, "dead", NOW, 10, LEASE)
        assert outbox.lease(tx, Lane.ALERT, "alive", NOW, 10, LEASE) == []
        back = NOW - timedelta(minutes=minutes)
        assert [each.id for each in outbox.lease(tx, Lane.ALERT, "alive", back, 10, LEASE)] == [row.id]


@pytest.mark.parametrize("minutes", [10, 120])
def test_fault_24_a_reply_that_failed_once_is_tried_again_by_a_clock_set_back_a_little(
    database: Database, minutes: int
) -> None:
    with database.transaction() as tx:
        inbox.store(tx, "care", 41, MAYA, {}, NOW)
        inbox.record_failure(tx, "care", 41, "Trouble", NOW, NOW + timedelta(minutes=1))
        assert inbox.next_waiting(tx, NOW, 10, []) == []
        assert inbox.next_waiting(tx, NOW - timedelta(minutes=minutes), 10, [])
