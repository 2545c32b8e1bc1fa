"""The webhook as Telegram knows it: gone, refusing or well, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from bot.chat.hook import TelegramHook
from bot.chat.telegram import chat_of, make_bot, read_update
from bot.intake import Ear, HookWatch, Keeper
from bot.sandbox.client import Sandbox
from bot.sandbox.running import RunningSandbox
from bot.threads import Threads
from storage import marks
from storage.database import Database
from tests.rim.parts import MAYA, until

NOBODY_THERE = "http://127.0.0.1:9/telegram/care"


@dataclass
class Watched:
    """A watch at work, and what it told."""

    db: Database
    people: Sandbox
    watch: HookWatch
    troubles: list[str] = field(default_factory=list)

    def sign_of_life(self) -> datetime | None:
        with self.db.reading() as tx:
            last = marks.mark(tx, "poll:care")
        return last.at if last else None

    async def looks(self, more: int = 2) -> None:
        """Wait until it has asked so many more times."""
        before = len(await self.people.requests("getWebhookInfo"))

        async def asked() -> bool:
            return len(await self.people.requests("getWebhookInfo")) >= before + more

        await until(asked)


@asynccontextmanager
async def watched(db: Database, sandbox: RunningSandbox) -> AsyncIterator[Watched]:
    bot = make_bot(sandbox.care_token, sandbox.api_url, 2.0)
    hook = TelegramHook(bot, NOBODY_THERE, "a-secret-of-twenty-letters")
    troubles: list[str] = []
    pool = Threads("keep")
    ear = Ear("care", read_update, chat_of, lambda what, _: troubles.append(what))
    keeper = Keeper(db, ear, lambda: datetime.now(UTC), pool, lambda: None)
    watch = HookWatch(hook, keeper, lambda: datetime.now(UTC), 0.1)
    running = asyncio.create_task(watch.run())
    async with sandbox.client() as people:
        try:
            yield Watched(db, people, watch, troubles)
        finally:
            watch.stop()
            await running
            await bot._request[1].shutdown()
            pool.close()


def test_a_webhook_that_is_gone_is_set_again_and_told_once_each_time(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with watched(sqlite_database, sandbox) as there:
            await until(lambda: there.troubles == ["webhook_lost"])
            await until(lambda: there.sign_of_life() is not None)
            await there.looks()
            assert there.troubles == ["webhook_lost"]
            assert (await there.people.get("updates"))["webhook"] == NOBODY_THERE

    asyncio.run(go())


def test_what_waits_and_does_not_get_through_leaves_no_sign_of_life(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    """Nobody listens where Telegram brings the update: it keeps it, tries again, and says so."""

    async def go() -> None:
        async with watched(sqlite_database, sandbox) as there:
            await until(lambda: there.sign_of_life() is not None)
            await there.people.start(MAYA)
            await until(lambda: sandbox.board.bot_named("care").webhook.last_error_at is not None)
            await there.looks()
            before = there.sign_of_life()
            await there.looks(5)
            assert there.sign_of_life() == before

    asyncio.run(go())


@pytest.mark.parametrize(("status", "told"), [(401, ["token_refused"]), (502, [])])
def test_telegram_that_cannot_be_asked_leaves_no_sign_of_life(
    sqlite_database: Database, sandbox: RunningSandbox, status: int, told: list[str]
) -> None:
    async def go() -> None:
        await _refuse(sandbox, status)
        async with watched(sqlite_database, sandbox) as there:
            await there.looks(4)
            assert there.sign_of_life() is None
            assert there.troubles == told

    asyncio.run(go())


async def _refuse(sandbox: RunningSandbox, status: int) -> None:
    async with sandbox.client() as people:
        await people.fault("getWebhookInfo", status=status, times=0)
