"""A card lets a page go first, for a moment; and nothing that hangs holds up anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from bot.delivery import BULK, Delivery, LanePlan, Post
from bot.message import Outgoing, OutgoingKind, Sender, Sent
from bot.sandbox.running import RunningSandbox
from bot.threads import Threads
from storage import outbox
from storage.database import Database
from storage.tables import Lane, OutboxKind, OutboxState
from tests.rim.parts import MAYA, NURSE, Notes, TurnableClock, rim, rows_in, until

T = TypeVar("T")


class SlowForPages:
    """A channel that takes a page only when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.told: list[str] = []

    async def send(self, outgoing: Outgoing) -> Sent:
        self.told.append(f"{outgoing.text} begins")
        if outgoing.chat_id >= NURSE:
            await self.let.wait()
        self.told.append(f"{outgoing.text} ends")
        return Sent(1)


@asynccontextmanager
async def a_page_and_then_a_card(db: Database, gives_way: float) -> AsyncIterator[SlowForPages]:
    channel, pools = SlowForPages(), [Threads("test") for _ in range(2)]
    post = Post(db, {"telegram": channel}, TurnableClock(), Notes(), "test")
    alert = LanePlan("alert", Lane.ALERT, pools[0])
    bulk = LanePlan("bulk", Lane.ROUTINE, pools[1], kinds=BULK, gives_way=gives_way)
    delivery = Delivery(post, [alert, bulk])
    running = asyncio.create_task(delivery.run())
    try:
        _put(post, NURSE, "page", OutboxKind.PAGE, Lane.ALERT)
        delivery.wake()
        await until(lambda: channel.told == ["page begins"])
        _put(post, MAYA, "card", OutboxKind.CARD, Lane.ROUTINE)
        delivery.wake()
        await until(lambda: rows_in(db, OutboxState.SENDING, OutboxState.SENT) == 2)
        yield channel
        await until(lambda: rows_in(db, OutboxState.SENT) == 2)
    finally:
        channel.let.set()
        delivery.stop()
        await running
        for each in pools:
            each.close()


def _put(post: Post, chat_id: int, text: str, kind: OutboxKind, lane: Lane) -> None:
    with post.db.transaction() as tx:
        outgoing = Outgoing(OutgoingKind.MESSAGE, chat_id, text=text)
        outbox.put(tx, outgoing, kind=kind, now=post.clock(), lane=lane)


def test_a_card_is_not_begun_while_a_page_is_being_sent(sqlite_database: Database) -> None:
    async def go() -> None:
        async with a_page_and_then_a_card(sqlite_database, gives_way=30) as channel:
            assert channel.told == ["page begins"]
            channel.let.set()
            await until(lambda: len(channel.told) == 4)
            assert channel.told == ["page begins", "page ends", "card begins", "card ends"]

    asyncio.run(asyncio.wait_for(go(), 60))


class Counting:
    """A thread that counts what it was given to do."""

    def __init__(self) -> None:
        self.threads = Threads("test")
        self.times = 0

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        self.times += 1
        return self.threads(work)


def test_a_lane_that_has_taken_all_there_is_does_not_look_again_beside_the_page(
    sqlite_database: Database,
) -> None:
    async def go() -> None:
        channel, looks = SlowForPages(), Counting()
        post = Post(sqlite_database, {"telegram": channel}, TurnableClock(), Notes(), "test")
        delivery = Delivery(post, [LanePlan("alert", Lane.ALERT, looks)])
        _put(post, NURSE, "page", OutboxKind.PAGE, Lane.ALERT)
        running = asyncio.create_task(delivery.run())
        await until(lambda: channel.told == ["page begins"])
        assert looks.times == 1
        channel.let.set()
        delivery.stop()
        await running
        looks.threads.close()

    asyncio.run(asyncio.wait_for(go(), 60))


@pytest.mark.parametrize("gives_way", [0.0, 0.05])
def test_a_page_that_hangs_holds_up_no_card(sqlite_database: Database, gives_way: float) -> None:
    async def go() -> None:
        async with a_page_and_then_a_card(sqlite_database, gives_way) as channel:
            await until(lambda: channel.told[-1] == "card ends")
            assert "page ends" not in channel.told
            channel.let.set()

    asyncio.run(asyncio.wait_for(go(), 60))


class Phones:
    """An outside channel that takes everything at once."""

    async def send(self, outgoing: Outgoing) -> Sent:
        return Sent(None)


def test_chats_that_hang_for_a_hundred_pages_hold_up_no_page_by_sms(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        chats = SlowForPages()
        hanging: dict[str, Sender] = {"telegram": chats, "apprise": Phones()}
        async with rim(sqlite_database, sandbox, more_senders=hanging) as post:
            for number in range(100):
                post.put("alert K-0042", to=NURSE + number)
            await until(lambda: bool(chats.told))
            by_sms = post.put("alert K-0042", channel="apprise")
            await post.becomes(by_sms, OutboxState.SENT)
            chats.let.set()

    asyncio.run(asyncio.wait_for(go(), 60))
