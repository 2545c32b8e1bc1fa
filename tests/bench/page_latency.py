"""From a reply that is committed to its page being accepted: idle, and while 10,000 check-ins go out.

The program's own parts run here as they do in production; the Bot API is the sandbox in a process of
its own. The load is what a morning brings: 10,000 cards in the queue, sent as fast as Telegram allows,
with the bot opening more.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import httpx

from bot.chat.telegram import TelegramSender, make_bot
from bot.clock import Clock
from bot.content import Content, load_content
from bot.delivery import Delivery, Post
from bot.flows import replies
from bot.flows.clinic import Clinic
from bot.hooks import ClinicHooks
from bot.lanes import lane_plans
from bot.message import Outgoing, OutgoingKind, Reply, ReplyKind, Sender, Sent
from bot.sandbox.server import CARE_TOKEN
from bot.threads import Threads
from bot.ticking import Ticking
from storage import inbox, outbox
from storage.database import Database
from storage.tables import OutboxKind
from storage.turns import be_urgent
from storage.vault import Vault
from tests.databases import MASTER_KEY, new_sqlite
from tests.rim.running import FIRST, FRIGHTENING, add_patient, seed

MEASURES = ("page_latency",)
LIMIT = 1.5
RUNS = 5
PAGES = 60
CARDS, CHATS = 10_000, 200
PER_SECOND = 25.0
URGENT = ("alert", "climb", "replies")
SERVE = """
import threading
from bot.sandbox.running import RunningSandbox
with RunningSandbox() as running:
    print(running.address, flush=True)
    threading.Event().wait()
"""


@dataclass
class Stopwatch:
    """A sender that notes when a page was accepted."""

    inner: Sender
    accepted: asyncio.Queue[float] = field(default_factory=asyncio.Queue)

    async def send(self, outgoing: Outgoing) -> Sent:
        sent = await self.inner.send(outgoing)
        if outgoing.chat_id == FIRST and outgoing.kind is OutgoingKind.MESSAGE:
            self.accepted.put_nowait(perf_counter())
        return sent


def patient_chats(run: int) -> range:
    return range(10_000 + 1000 * run, 10_000 + 1000 * run + PAGES)


def load_up(db: Database) -> None:
    """Queue the morning's cards, round the chats, so that no chat's own limit slows them."""
    now = datetime.now(UTC)
    with db.transaction() as tx:
        for number in range(CARDS):
            card = Outgoing(OutgoingKind.MESSAGE, 100_000 + number % CHATS, text="How was your night?")
            outbox.put(tx, card, kind=OutboxKind.CARD, now=now)


@asynccontextmanager
async def at_work(
    db: Database, content: Content, address: str
) -> AsyncIterator[tuple[Clinic, Stopwatch, Delivery]]:
    pools: list[Threads] = []

    def threads(name: str) -> Threads:
        pools.append(Threads(name, prepare=be_urgent if name in URGENT else None))
        return pools[-1]

    clinic, clock = Clinic(db, content), Clock()
    bot = make_bot(CARE_TOKEN, address)
    watch = Stopwatch(TelegramSender(bot))
    post = Post(db, {"telegram": watch}, clock, ClinicHooks(clinic), "bench")
    delivery = Delivery(post, lane_plans(PER_SECOND, threads))
    running = asyncio.create_task(delivery.run())
    ticking = Ticking(clinic, clock, threads, PER_SECOND).start(delivery.wake)
    try:
        yield clinic, watch, delivery
    finally:
        ticking.shutdown(wait=False)
        delivery.stop()
        await running
        await bot._request[1].shutdown()
        for pool in pools:
            pool.close()


async def one_run(db: Database, content: Content, address: str, chats: range) -> list[float]:
    """Let each of `chats` write something frightening, one after the other; return the waits in ms."""
    waits, hands = [], Threads("replies", prepare=be_urgent)
    async with at_work(db, content, address) as (clinic, watch, delivery):
        for chat in chats:
            now = datetime.now(UTC)
            with db.transaction() as tx:
                inbox.store(tx, "care", chat, chat, {"update_id": chat}, now)
            reply = Reply("care", chat, ReplyKind.TEXT, chat, chat, now, text=FRIGHTENING, message_id=chat)
            await hands(lambda reply=reply, now=now: replies.receive_reply(clinic, reply, now))  # type: ignore[misc]
            committed = perf_counter()
            delivery.wake()
            waits.append((await asyncio.wait_for(watch.accepted.get(), 60) - committed) * 1000)
    hands.close()
    return waits


def p99(waits: list[float]) -> float:
    return quantiles(waits, n=100, method="inclusive")[98]


async def open_chats(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        for person in (FIRST, *range(100_000, 100_000 + CHATS)):
            await http.post("/control/start", json={"person": person})
        for run in range(2 * RUNS):
            for chat in patient_chats(run):
                await http.post("/control/start", json={"person": chat})


def prepared(folder: Path, name: str, run: int) -> Database:
    db = new_sqlite(f"sqlite:///{folder / name}", Vault([MASTER_KEY]))
    seed(db)
    now = datetime.now(UTC)
    with db.transaction() as tx:
        for chat in patient_chats(run):
            add_patient(tx, chat, now)
    return db


def measured(folder: Path, content: Content, address: str) -> tuple[list[float], list[float]]:
    idle, loaded = [], []
    for run in range(RUNS):
        for name, waits in (("idle", idle), ("loaded", loaded)):
            number = 2 * run + (name == "loaded")
            db = prepared(folder, f"{name}-{run}", number)
            if name == "loaded":
                load_up(db)
            waits.append(p99(asyncio.run(one_run(db, content, address, patient_chats(number)))))
            db.close()
    return idle, loaded


def main() -> int:
    content = load_content()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    try:
        asyncio.run(open_chats(address))
        with tempfile.TemporaryDirectory() as folder:
            idle, loaded = measured(Path(folder), content, address)
    finally:
        server.kill()
    ratio = median(loaded) / median(idle)
    line = {
        "name": "page_latency",
        "ours": round(median(loaded), 1),
        "against": round(median(idle), 1),
        "ratio": round(ratio, 2),
        "limit": LIMIT,
        "unit": "ms, 99th percentile, reply committed to page accepted",
    }
    print(json.dumps(line))
    print(f"idle {[round(each) for each in idle]} loaded {[round(each) for each in loaded]}", file=sys.stderr)
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
