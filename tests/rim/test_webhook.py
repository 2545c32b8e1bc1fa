"""The webhook: 200 only after the commit, and nothing without the secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlmodel import func, select

from bot.chat.telegram import chat_of, read_update
from bot.intake import Ear, Keeper, webhook_handler
from bot.threads import Threads
from storage.database import Database
from storage.tables import Inbox
from tests.rim.parts import MAYA, TurnableClock

SECRET = "a-secret-of-twenty-letters"
UPDATE = {
    "update_id": 41,
    "message": {"message_id": 1, "chat": {"id": MAYA, "type": "private"}, "text": "hello"},
}
GOOD = {"X-Telegram-Bot-Api-Secret-Token": SECRET}


@dataclass
class Hook:
    http: aiohttp.ClientSession
    url: str
    refused: list[int] = field(default_factory=list)

    async def post(self, body: Any, headers: dict[str, str] | None = None) -> int:
        async with self.http.post(
            self.url, data=body, headers=GOOD if headers is None else headers
        ) as answer:
            return answer.status


@asynccontextmanager
async def hook(db: Database) -> AsyncIterator[Hook]:
    ear = Ear("care", read_update, chat_of, lambda what, now: None)
    pool = Threads("keep")
    keeper = Keeper(db, ear, TurnableClock(), pool, lambda: None)
    refused: list[int] = []
    app = web.Application()
    app.router.add_post("/telegram/care", webhook_handler(keeper, SECRET, lambda: refused.append(1)))
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        yield Hook(http, str(server.make_url("/telegram/care")), refused)
    pool.close()


def kept(db: Database) -> int:
    with db.reading() as tx:
        return tx.exec(select(func.count()).select_from(Inbox)).one()


def test_an_update_with_the_secret_is_kept_before_it_is_confirmed(database: Database) -> None:
    async def go() -> None:
        async with hook(database) as there:
            assert await there.post(json.dumps(UPDATE)) == 200
            assert kept(database) == 1
            assert await there.post(json.dumps(UPDATE)) == 200
            assert kept(database) == 1

    asyncio.run(go())


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(json.dumps(UPDATE), {}, 401, id="no secret"),
        pytest.param(
            json.dumps(UPDATE), {"X-Telegram-Bot-Api-Secret-Token": "wrong"}, 401, id="wrong secret"
        ),
        pytest.param(json.dumps(UPDATE), {"X-Telegram-Bot-Api-Secret-Token": "é"}, 401, id="not ASCII"),
        pytest.param("not json", GOOD, 400, id="not JSON"),
        pytest.param("[1]", GOOD, 400, id="a list"),
        pytest.param("{}", GOOD, 400, id="no update"),
        pytest.param('{"update_id": "7"}', GOOD, 400, id="number in quotes"),
        pytest.param("[" * 200_000, GOOD, 400, id="nested for ever"),
        pytest.param("x" * 1_000_001, GOOD, 413, id="longer than any update"),
        pytest.param(b"\xff\xfe", GOOD, 400, id="no text at all"),
    ],
)
def test_anything_else_is_refused_counted_and_not_kept(
    sqlite_database: Database, body: Any, headers: dict[str, str], status: int
) -> None:
    async def go() -> None:
        async with hook(sqlite_database) as there:
            assert await there.post(body, headers) == status
            assert there.refused == [1]
            assert kept(sqlite_database) == 0

    asyncio.run(go())


def test_a_body_in_pieces_without_end_is_cut_off(sqlite_database: Database) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 60_000

    async def go() -> None:
        async with hook(sqlite_database) as there:
            try:
                assert await there.post(endless()) == 413
            except aiohttp.ClientError:  # the other side hung up on us, as it should
                assert there.refused == [1]
            assert kept(sqlite_database) == 0

    asyncio.run(go())


def test_when_the_database_refuses_telegram_is_told_to_come_again(sqlite_database: Database) -> None:
    async def go() -> None:
        async with hook(sqlite_database) as there:
            with sqlite_database.engine.begin() as connection:
                connection.exec_driver_sql("ALTER TABLE inbox RENAME TO inbox_away")
            assert await there.post(json.dumps(UPDATE)) == 503

    asyncio.run(go())
