"""From a reply that is committed to its page being accepted: idle, while a morning's check-ins go out,
and while Telegram refuses those.

The program's own parts run here as they do in production, tick and all; the Bot API is the sandbox in a
process of its own. The load is what a large clinic's morning brings: ten thousand check-ins fall due at
the same minute, and are opened and sent as fast as Telegram allows. Nothing is queued before them: behind a
queue the program opens none, and the part would measure less. In the third part ten thousand cards are queued
as well, and Telegram answers 429 to every one of them. The parts take turns, round by round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
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
from bot.interpreter import favour_short_waits
from bot.lanes import lane_plans
from bot.message import Outgoing, OutgoingKind, Reply, ReplyKind, Sender, Sent
from bot.sandbox.server import CARE_TOKEN
from bot.threads import Threads
from bot.ticking import Ticking
from storage import inbox
from storage.database import Database
from storage.turns import be_urgent
from tests.bench.morning import CARD_CHATS, ENGINES, Mornings, mornings
from tests.rim.running import FIRST, FRIGHTENING

MEASURES = ("page_latency", "page_latency_429")
LIMIT = 1.5
ROUNDS = 5
PAGES = 200
WARM_UP = 20
PER_SECOND = 25.0
APART = 0.15
"""Seconds between replies, on average: pages have a rate of their own, which is not what is measured."""
OPENED = 2000
"""So many chats of cards exist at the other side; no run gets further."""
PARTS = {"idle": "idle", "loaded": "due", "refused": "queued"}
"""Each with the morning it begins with."""
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
    others: int = 0

    async def send(self, outgoing: Outgoing) -> Sent:
        sent = await self.inner.send(outgoing)
        if outgoing.chat_id == FIRST and outgoing.kind is OutgoingKind.MESSAGE:
            self.accepted.put_nowait(perf_counter())
        self.others += outgoing.chat_id >= CARD_CHATS.start
        return sent


@asynccontextmanager
async def at_work(
    db: Database, content: Content, address: str
) -> AsyncIterator[tuple[Clinic, Stopwatch, Delivery]]:
    pools: list[Threads] = []

    def threads(name: str) -> Threads:
        pools.append(Threads(name, prepare=be_urgent if name.startswith(URGENT) else None))
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


async def one_run(db: Database, content: Content, address: str, pages: int) -> tuple[list[float], int]:
    """Let patients write something frightening, one after the other.

    Returns the waits in ms, and how many cards went out meanwhile.
    """
    waits, hands, chance = [], Threads("replies", prepare=be_urgent), random.Random(7)
    async with at_work(db, content, address) as (clinic, watch, delivery):
        for chat in writers(pages):
            await asyncio.sleep(chance.uniform(0, 2 * APART))
            while not watch.accepted.empty():
                watch.accepted.get_nowait()  # a page repeated meanwhile
            committed = await hands(partial(_frightened, clinic, chat))
            delivery.wake()
            waits.append((await asyncio.wait_for(watch.accepted.get(), 60) - committed) * 1000)
    hands.close()
    return waits[WARM_UP:], watch.others


def _frightened(clinic: Clinic, chat: int) -> float:
    """Handle one urgent reply as the intake does; return when it was committed."""
    now = datetime.now(UTC)
    with clinic.db.transaction() as tx:
        inbox.store(tx, "care", chat, chat, {"update_id": chat}, now)
    reply = Reply("care", chat, ReplyKind.TEXT, chat, chat, now, text=FRIGHTENING, message_id=chat)
    replies.receive_reply(clinic, reply, now)
    return perf_counter()


def writers(pages: int) -> range:
    return range(10_000, 10_000 + WARM_UP + pages)


def p99(waits: list[float]) -> float:
    return quantiles(waits, n=100, method="inclusive")[98]


@contextmanager
def bot_api() -> Iterator[str]:
    """The sandbox in a process of its own; yields its address."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


async def open_chats(address: str, pages: int) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        for person in (FIRST, *writers(pages), *CARD_CHATS[:OPENED]):
            await http.post("/control/start", json={"person": person})


async def refuse(address: str, part: str) -> None:
    """Let Telegram answer 429 to cards in the part that is about this, and to nothing in the others."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        await http.delete("/control/faults")
        if part == "refused":
            fault = {"method": "sendMessage", "chat_from": CARD_CHATS.start, "retry_after": 30, "times": 0}
            (await http.post("/control/fault", json=fault)).raise_for_status()


def measured(made: Mornings, content: Content, rounds: int, pages: int) -> dict[str, list[list[float]]]:
    """Return the waits of each round by part."""
    found: dict[str, list[list[float]]] = {part: [] for part in PARTS}
    with bot_api() as address:
        asyncio.run(open_chats(address, pages))
        for number in range(rounds):
            for part, morning in PARTS.items():
                asyncio.run(refuse(address, part))
                with made.fresh(morning) as db:
                    waits, cards = asyncio.run(one_run(db, content, address, pages))
                found[part].append(waits)
                spread = f"p50 {median(waits):.1f} p99 {p99(waits):.1f} max {max(waits):.1f} ms"
                print(f"{db.dialect} round {number + 1} {part}: {spread}, {cards} cards", file=sys.stderr)
    return found


def lines(engine: str, found: dict[str, list[list[float]]]) -> list[dict[str, object]]:
    idle = median(map(p99, found["idle"]))
    suffix = "" if engine == "sqlite" else f"_{engine}"
    return [
        {
            "name": f"{name}{suffix}",
            "ours": round(ours, 1),
            "against": round(idle, 1),
            "ratio": round(ours / idle, 2),
            "limit": LIMIT,
            "unit": "ms, 99th percentile, reply committed to page accepted",
        }
        for name, part in zip(MEASURES, ("loaded", "refused"), strict=True)
        if (ours := median(map(p99, found[part])))
    ]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "--engine", choices=ENGINES, action="append", help="default: both, one after the other"
    )
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--pages", type=int, default=PAGES, help="in each part of each round")
    given = asked.parse_args()
    content, kept = load_content(), True
    favour_short_waits()
    logging.disable(logging.CRITICAL)  # a line for every card that is refused
    for engine in given.engine or ENGINES:
        with (
            tempfile.TemporaryDirectory() as name,
            mornings(engine, Path(name), writers(given.pages)) as made,
        ):
            for line in lines(engine, measured(made, content, given.rounds, given.pages)):
                print(json.dumps(line), flush=True)
                kept = kept and float(str(line["ratio"])) <= LIMIT
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
