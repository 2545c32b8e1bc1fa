"""A bot's intake over a database in trouble: a channel that counts confirmations, a phone outside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.content import load_content
from bot.intake import Ear, Keeper, Poller
from bot.outage import OutsideLine, StorageWatch
from bot.threads import Threads
from storage.database import Database

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


async def reply_during(
    db: Database, trouble: AbstractContextManager[None], kept: Callable[[], bool]
) -> list[str]:
    """Let a reply arrive while the database is in trouble; return what the phone outside heard.

    Fails when the update is confirmed before it is kept, or not kept once the trouble is over.
    """
    channel = Channel()
    pools = [Threads("keep"), Threads("storage")]
    ear = Ear("care", lambda *_: None, lambda raw: CHAT, lambda *_: None)
    words = list(load_content().languages.values())
    async with OutsidePhone() as phone:
        poller = Poller(channel, Keeper(db, ear, lambda: NOW, pools[0], lambda: None))
        line = OutsideLine([phone.address], words)
        watch = StorageWatch(db, lambda: NOW, pools[1], line, patience=0.5)
        tasks = [asyncio.create_task(poller.run()), asyncio.create_task(watch.run())]
        with trouble:
            channel.queue.append({"update_id": 41, "message": {"text": "help"}})
            await until(lambda: phone.heard)
            assert channel.queue, "the reply was confirmed while nobody had kept it"
            assert not kept()
        await until(lambda: not channel.queue)
        assert kept(), "the reply was confirmed and is nowhere"
        await until(lambda: len(phone.heard) >= 2)
        poller.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for pool in pools:
        pool.close()
    return phone.heard
