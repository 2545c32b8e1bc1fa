"""E by webhook: the whole program, its real port, and Telegram's posts from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.content import Content
from bot.sandbox.client import Sandbox
from bot.sandbox.running import RunningSandbox
from storage.database import Database
from tests.faults import oracle
from tests.faults.house import PAGED
from tests.faults.outside import outside_world, watcher
from tests.faults.sizes import FULL
from tests.faults.test_e_telegram_in import words
from tests.rim.parts import until
from tests.rim.running import (
    CALM,
    FIRST,
    FRIGHTENING,
    KIT,
    MAYA,
    Program,
    Record,
    free_port,
    open_phones,
    program,
    seed,
)

SECRET = "a-secret-of-twenty-letters"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


def run(go: Any, within: float = 120) -> None:
    asyncio.run(asyncio.wait_for(go, within))


@dataclass
class Hooked:
    """The program with a webhook, and the people who write to it."""

    bot: Program
    people: Sandbox
    record: Record
    port: int

    def start(self, crash_at: str = "") -> None:
        self.bot.start(crash_at, AFTERCARE_HTTP_PORT=str(self.port))
        self.bot.port = self.port

    async def listening(self) -> None:
        """Wait until Telegram knows where to bring updates."""
        await self.bot.started()

        async def is_set() -> bool:
            return bool((await self.people.get("updates"))["webhook"])

        await until(is_set, within=40)

    async def post(self, update: dict[str, Any], **headers: str) -> int:
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"http://127.0.0.1:{self.port}/telegram/care", json=update, headers=headers, timeout=20
            )
            return answer.status_code

    async def metric(self, name: str) -> float:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{self.port}/metrics", timeout=20)
        (line,) = [each for each in answer.text.splitlines() if each.startswith(f"aftercare_{name} ")]
        return float(line.split()[1])

    async def well(self, content: Content) -> bool:
        """Ask the auditor once the program had the time to leave its signs of life."""
        db = self.record.db
        looks = len(await self.people.requests("getWebhookInfo"))

        async def looked_twice() -> bool:
            return len(await self.people.requests("getWebhookInfo")) >= looks + 2

        await until(looked_twice, within=30)
        now = await self.people.now()
        await until(lambda: self.record.ticked_at >= now, within=30)
        with outside_world(lambda: now) as world:
            auditor = watcher(content, str(db.place), world)
            well = await asyncio.to_thread(auditor.look, now)
            assert well is bool(world.pinged_at)
            return well

    async def pages(self) -> list[str]:
        return [each.text for each in await self.people.heard(FIRST) if PAGED in each.text]


@asynccontextmanager
async def hooked(db: Database, sandbox: RunningSandbox, folder: Path) -> AsyncIterator[Hooked]:
    seed(db)
    await open_phones(sandbox)
    port = free_port()
    settings = {
        "AFTERCARE_WEBHOOK_URL": f"http://127.0.0.1:{port}",
        "AFTERCARE_WEBHOOK_SECRET": SECRET,
        "AFTERCARE_POLL_SECONDS": "1",
    }
    with program(sandbox, db.place.render_as_string(hide_password=False), folder, **settings) as bot:
        async with sandbox.client() as people:
            yield Hooked(bot, people, Record(db), port)


def test_fault_45_by_webhook_each_update_counts_once_and_nothing_counts_without_the_secret(
    database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    async def go() -> None:
        async with hooked(database, sandbox, tmp_path) as there:
            there.start()
            await there.listening()
            for given in ({}, {HEADER: "wrong"}, {HEADER: SECRET[:-1]}):
                assert await there.post(words(9_000_001, FRIGHTENING), **given) == 401
            assert (there.record.unhandled, there.record.alerts) == (0, 0)
            assert await there.metric("webhook_refused") == 3
            said = await there.people.say(MAYA, FRIGHTENING)
            await there.people.wait_for(FIRST, PAGED)
            await there.people.post("redeliver", update_id=said.update_id)
            for _ in range(2):
                assert await there.post(words(9_000_002, CALM, KIT), **{HEADER: SECRET}) == 200
            await until(lambda: there.record.messages == 2 and there.record.on_the_way == 0)
            await until(lambda: not sandbox_waiting(sandbox))
            assert (there.record.messages, there.record.alerts) == (2, 1)
            assert len(await there.pages()) == 1
            assert await there.people.requests("getUpdates") == []
            oracle.check(database, await there.people.now(), urgent_replies=1)
            assert there.bot.stop() == 0

    run(go())


def sandbox_waiting(sandbox: RunningSandbox) -> int:
    return sum(len(each.waiting) for each in sandbox.board.world.bots.values())


@pytest.mark.parametrize("crash_at", ["after-inbox-commit", *(["before-inbox-commit"] if FULL else [])])
def test_fault_01_02_by_webhook_killed_around_the_commit_telegram_comes_again(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path, crash_at: str
) -> None:
    """After the commit and before the 200: Telegram was told nothing, and brings the same once more."""

    async def go() -> None:
        async with hooked(sqlite_database, sandbox, tmp_path) as there:
            there.start(crash_at)
            await there.people.say(MAYA, FRIGHTENING)
            await there.bot.died()
            assert sandbox_waiting(sandbox) == 1, "it was not confirmed"
            there.start()
            await there.people.wait_for(FIRST, PAGED, within=40)
            await until(lambda: not sandbox_waiting(sandbox), within=20)
            await until(lambda: there.record.unhandled == 0 and there.record.on_the_way == 0)
            assert (there.record.messages, there.record.alerts, len(await there.pages())) == (1, 1, 1)
            oracle.check(sqlite_database, await there.people.now(), urgent_replies=1)

    run(go())


def test_fault_49_by_webhook_somebody_takes_it_away(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """A second program on the same token deletes the webhook: staff hear of it, and it is set again."""

    async def go() -> None:
        async with hooked(sqlite_database, sandbox, tmp_path) as there:
            there.start()
            await there.listening()
            async with httpx.AsyncClient() as http:
                taken = await http.get(f"{sandbox.api_url}/bot{sandbox.care_token}/deleteWebhook")
                assert taken.json()["ok"]
            await there.people.say(MAYA, FRIGHTENING)
            await there.people.wait_for(FIRST, PAGED, within=20)
            await until(lambda: there.record.own_troubles == 1 and there.record.on_the_way == 0)
            oracle.check(sqlite_database, await there.people.now(), urgent_replies=1)

    run(go())


def test_fault_50_by_webhook_silence_is_told_from_a_quiet_hour(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path, content: Content
) -> None:
    """Nobody writes for an hour and all is well; Telegram knows nothing of us and the dead-man fires."""

    async def go() -> None:
        async with hooked(sqlite_database, sandbox, tmp_path) as there:
            there.start()
            await there.listening()
            await there.people.say(MAYA, CALM)
            await until(lambda: there.record.messages == 1)
            await there.people.move_clock(timedelta(hours=1))
            assert await there.well(content) is True
            await there.people.fault("getWebhookInfo", status=502, times=0)
            await there.people.move_clock(timedelta(minutes=5))
            assert await there.well(content) is False
            await there.people.clear_faults()
            assert await there.well(content) is True

    run(go())
