"""/healthz, /readyz and /metrics: what is so, in counts and seconds, and nothing about anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.health import Health, Vitals
from bot.message import Outgoing, OutgoingKind
from bot.threads import Threads
from storage import inbox, outbox
from storage.database import Database
from storage.tables import Lane, OutboxKind
from tests.rim.parts import TurnableClock
from tests.rim.running import MAYA, seed


@asynccontextmanager
async def health(db: Database, vitals: Vitals) -> AsyncIterator[aiohttp.ClientSession]:
    pool = Threads("health")
    app = web.Application()
    Health(db, TurnableClock(), pool, vitals).add_to(app)
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as http:
        yield http
    pool.close()


def well() -> Vitals:
    return Vitals("version-1", started=True, poll_age=lambda: {"care": 3.0})


async def ready(http: aiohttp.ClientSession) -> tuple[int, list[str]]:
    async with http.get("/readyz") as answer:
        return answer.status, (await answer.json())["wrong"]


def test_ready_when_replies_come_in_and_are_acted_upon(database: Database) -> None:
    async def go() -> None:
        async with health(database, well()) as http:
            assert await ready(http) == (200, [])

    asyncio.run(go())


def test_what_is_not_so_is_named(sqlite_database: Database) -> None:
    async def go() -> None:
        vitals = well()
        async with health(sqlite_database, vitals) as http:
            vitals.poll_age = lambda: {"care": 91.0}
            assert await ready(http) == (503, ["poll"])
            vitals.poll_age = lambda: {"care": 90.0}
            vitals.tick_age = lambda: 31.0
            assert await ready(http) == (503, ["tick"])
            vitals.tick_age = float
            vitals.storage_trouble = lambda: 0.5
            assert await ready(http) == (503, ["storage"])
            vitals.started = False
            assert await ready(http) == (503, ["starting", "storage"])

    asyncio.run(go())


def test_a_database_that_cannot_be_written_is_not_ready_and_still_alive(sqlite_database: Database) -> None:
    async def go() -> None:
        async with health(sqlite_database, well()) as http:
            with sqlite_database.engine.begin() as connection:
                connection.exec_driver_sql("ALTER TABLE mark RENAME TO mark_away")
            assert await ready(http) == (503, ["database"])
            async with http.get("/healthz") as answer:
                assert answer.status == 200

    asyncio.run(go())


def test_metrics_count_what_waits_and_name_nobody(database: Database) -> None:
    seed(database)
    now = TurnableClock()()
    with database.transaction() as tx:
        inbox.store(tx, "care", 1, MAYA, {"update_id": 1, "message": {"text": "I want to die"}}, now)
        for lane in (Lane.ALERT, Lane.ROUTINE, Lane.ROUTINE):
            said = Outgoing(OutgoingKind.MESSAGE, MAYA, text="How was your night?")
            outbox.put(tx, said, kind=OutboxKind.NOTICE, now=now, lane=lane)

    async def go() -> str:
        async with health(database, well()) as http, http.get("/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    metrics = asyncio.run(go())
    assert "aftercare_inbox_waiting 1.0" in metrics
    assert 'aftercare_outbox_waiting{lane="alert"} 1.0' in metrics
    assert 'aftercare_outbox_waiting{lane="routine"} 2.0' in metrics
    assert 'aftercare_poll_age_seconds{bot="care"} 3.0' in metrics
    assert "aftercare_audit_lines" in metrics
    for secret in ("K-00", "die", "night", str(MAYA), "Person"):
        assert secret not in metrics
