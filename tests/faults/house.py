"""The whole clinic in one test: real flows, real database, real HTTP to the sandbox, a clock to turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import trouble
from bot.chat.telegram import TelegramSender, TelegramSource, chat_of, make_bot, read_update
from bot.clock import Clock
from bot.content import Content
from bot.delivery import Delivery, Post
from bot.flows import replies, tick
from bot.flows.clinic import Clinic
from bot.hooks import ClinicHooks
from bot.intake import Ear, Keeper, Poller, Worker
from bot.intake.keeper import TOKEN_REFUSED
from bot.intake.worker import Handling
from bot.lanes import lane_plans
from bot.message import Failure, Outgoing, Reply, Sender, SendError, Sent
from bot.sandbox.client import Sandbox, Seen
from bot.sandbox.running import RunningSandbox
from bot.threads import Threads
from storage import marks
from storage.database import Database
from tests.rim.parts import until
from tests.rim.running import FIRST, Record, open_phones

PAGED = "K-00"
"""What every page names: the patient's code."""


@dataclass
class OutsideLine:
    """The outside channel: what it was asked to carry, and whether it does."""

    carried: list[Outgoing] = field(default_factory=list)
    refuses: Failure | None = None

    async def send(self, outgoing: Outgoing) -> Sent:
        if self.refuses is not None:
            raise SendError(self.refuses)
        self.carried.append(outgoing)
        return Sent()


@dataclass
class House:
    """Everything at work at once, as in the real program; time is turned by hand."""

    clinic: Clinic
    people: Sandbox
    clock: Clock
    delivery: Delivery
    worker: Worker
    outside: OutsideLine
    record: Record
    troubles: list[str]
    keeper: Keeper
    content: Content

    async def pass_time(self, **by: float) -> None:
        """Move everybody's clock, and do what is due by then."""
        await self.people.move_clock(timedelta(**by))
        await self.tick()

    async def tick(self) -> None:
        await asyncio.to_thread(tick.tick, self.clinic, self.clock())
        self.worker.wake()
        self.delivery.wake()

    async def page_to(self, person: int = FIRST, **more: Any) -> Seen:
        """Wait for a page on somebody's phone."""
        return await self.people.wait_for(person, PAGED, **more)

    async def pages_on(self, person: int = FIRST, bot: str | None = None) -> list[str]:
        """Every page on somebody's phone, repeats included."""
        return [each.text for each in await self.people.heard(person, bot=bot) if PAGED in each.text]

    async def sends_to(self, person: int = FIRST) -> list[dict[str, Any]]:
        """Every message the bot tried to send to somebody, accepted or not."""
        made = await self.people.requests("sendMessage")
        return [each for each in made if str(each["params"].get("chat_id")) == str(person)]

    @property
    def polled_at(self) -> datetime:
        """When updates were last asked for and kept."""
        with self.clinic.db.reading() as tx:
            last = marks.mark(tx, "poll:care")
        return last.at if last else datetime.min.replace(tzinfo=UTC)

    async def settled_but_for(self, waiting: int) -> None:
        """Wait until all is handled and delivery has come to everything that may go now."""
        await until(lambda: self.record.unhandled == 0 and self.record.on_the_way <= waiting)

    async def settled(self) -> None:
        """Wait until every update is handled and nothing is on its way."""
        await until(lambda: self.record.unhandled == 0 and self.record.on_the_way == 0)


@asynccontextmanager
async def house(
    db: Database,
    sandbox: RunningSandbox,
    content: Content,
    *,
    alert_bot: bool = False,
    read_seconds: float = 1.0,
    per_second: float = 1000.0,
    breaks_on: str = "",
    hung_after: float = 90.0,
    api_url: str = "",
) -> AsyncIterator[House]:
    """Open the clinic: everybody has the bot on their phone, and nothing has happened yet.

    A reply that says `breaks_on` finds a bug in the program. `api_url` is where the bot looks for Telegram.
    """
    clock = Clock(sandbox.clock_file)
    clinic = Clinic(db, content, alert_bot=alert_bot)
    care = make_bot(sandbox.care_token, api_url or sandbox.api_url, read_seconds)
    alert = make_bot(sandbox.alert_token, api_url or sandbox.api_url, read_seconds)
    outside, troubles, pools = OutsideLine(), list[str](), [Threads("test") for _ in range(6)]
    senders: dict[str, Sender] = {
        "telegram": TelegramSender(care),
        "telegram-alert": TelegramSender(alert if alert_bot else care),
        "apprise": outside,
    }

    def tell(what: str, now: datetime) -> None:
        trouble.tell(clinic, what, now, admins=what == TOKEN_REFUSED)
        troubles.append(what)

    ear = Ear("care", read_update, chat_of, tell)

    def handle(reply: Reply, now: datetime) -> None:
        if breaks_on and breaks_on in reply.text:
            raise RuntimeError("a bug")
        replies.receive_reply(clinic, reply, now)

    handling = Handling(
        handle,
        lambda bot, update_id, now: replies.set_aside(clinic, bot, update_id, now),
    )
    worker = Worker(db, {"care": ear}, handling, clock, pools[0])
    lanes = iter(pools[2:])
    post = Post(db, senders, clock, ClinicHooks(clinic), "test")
    delivery = Delivery(post, lane_plans(per_second, lambda _: next(lanes)))
    worker.after_commit(delivery.wake)
    keeper = Keeper(db, ear, clock, pools[1], worker.wake)
    poller = Poller(TelegramSource(care, poll_seconds=2), keeper, hung_after=hung_after)
    await open_phones(sandbox)
    async with sandbox.client() as people:
        running = [asyncio.create_task(each) for each in (worker.run(), delivery.run(), poller.run())]
        try:
            yield House(
                clinic, people, clock, delivery, worker, outside, Record(db), troubles, keeper, content
            )
        finally:
            poller.stop()
            worker.stop()
            delivery.stop()
            await asyncio.gather(*running)
            for request in (*care._request, *alert._request):
                await request.shutdown()
            for pool in pools:
                pool.close()
