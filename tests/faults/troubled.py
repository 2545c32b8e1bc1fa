"""A bot's intake over a database in trouble: a channel that counts confirmations, a phone outside it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aiohttp import web

from bot.content import Content, load_content
from bot.intake import Ear, Keeper, Poller
from bot.outage import OutsideLine, StorageWatch
from bot.threads import Threads
from storage.database import Database
from tests.faults.outside import outside_world, watcher

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHAT = 7


class Channel:
    """Telegram's queue: an update stays until a question with a higher offset confirms it."""

    def __init__(self) -> None:
        self.queue: list[dict[str, Any]] = []
        self.asked = 0

    async def fetch(self, offset: int | None) -> Sequence[Any]:
        self.asked += 1
        self.queue = [each for each in self.queue if offset is None or each["update_id"] >= offset]
        await asyncio.sleep(0.02)
        return list(self.queue)

    async def renew(self) -> None:
        """Nothing to renew."""


class OutsidePhone:
    """Takes what is sent to people kept outside the database."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.address = ""

    async def __aenter__(self) -> OutsidePhone:
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"json://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def _take(self, request: web.Request) -> web.Response:
        self.heard.append(json.loads(await request.text())["message"])
        return web.Response()

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    over = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < over, "waited in vain"
        await asyncio.sleep(0.02)


@cache
def words() -> Content:
    """The content that comes along, read once."""
    return load_content()


async def pings(db: Database) -> int:
    """Let the auditor look once; return how often it told the dead-man that all is well."""
    with outside_world(lambda: NOW) as world:
        place = db.place.render_as_string(hide_password=False)
        await asyncio.to_thread(watcher(words(), place, world).look, NOW)
        return len(world.pinged_at)


async def reply_during(
    db: Database,
    trouble: AbstractContextManager[None],
    kept: Callable[[], bool],
    *,
    patience: float = 0.5,
    lasting: float = 0.0,
) -> list[str]:
    """Let a reply arrive while the database is in trouble; return what the phone outside heard.

    Fails when the update is confirmed before it is kept, or not kept once the trouble is over; when
    people outside hear too early or too late; when the dead-man is pinged meanwhile, or not afterwards.
    """
    channel = Channel()
    pools = [Threads("keep"), Threads("storage")]
    ear = Ear("care", lambda *_: None, lambda raw: CHAT, lambda *_: None)
    sentences = list(words().languages.values())
    async with OutsidePhone() as phone:
        poller = Poller(channel, Keeper(db, ear, lambda: NOW, pools[0], lambda: None))
        line = OutsideLine([phone.address], sentences)
        watch = StorageWatch(db, lambda: NOW, pools[1], line, patience=patience)
        tasks = [asyncio.create_task(poller.run()), asyncio.create_task(watch.run())]
        with trouble:
            began = time.monotonic()
            channel.queue.append({"update_id": 41, "message": {"text": "help"}})
            await until(lambda: phone.heard, 15 + 3 * patience)
            assert patience / 2 < time.monotonic() - began < 5 + 3 * patience
            assert await pings(db) == 0, "the dead-man was told that all is well"
            await until(lambda: time.monotonic() - began > lasting, 5 + lasting)
            assert channel.queue, "the reply was confirmed while nobody had kept it"
            assert not kept()
        await until(lambda: not channel.queue, 45)
        assert kept(), "the reply was confirmed and is nowhere"
        await until(lambda: len(phone.heard) >= 2)
        assert await pings(db) == 1, "all is well again, and the dead-man hears of it"
        poller.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for pool in pools:
        pool.close()
    return phone.heard
