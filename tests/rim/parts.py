"""The rim on its own: real database, real sandbox over HTTP, and a clinic that only takes notes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.chat.telegram import TelegramSender, TelegramSource, chat_of, make_bot, read_update
from bot.delivery import Delivery, Post
from bot.intake import Ear, Keeper, Poller, Worker
from bot.intake.worker import Handling
from bot.lanes import lane_plans
from bot.message import Failure, Outgoing, OutgoingKind, Reply, Sender
from bot.sandbox.client import Sandbox
from bot.sandbox.running import RunningSandbox
from bot.threads import Threads
from storage import inbox, outbox
from storage.database import Database
from storage.tables import Lane, Outbox, OutboxKind, OutboxState

NURSE, MAYA, KIT = 9_000_417_733, 5_010_417_733, 5_020_417_733
WITHIN = 15.0


class TurnableClock:
    """Real time, moved by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Notes:
    """Hooks that write down what they were told."""

    told: list[tuple[str, str]] = field(default_factory=list)
    breaks: bool = False

    def sent(self, tx: Session, row: Outbox, now: datetime) -> None:
        self.told.append(("sent", row.id))

    def failed(self, tx: Session, row: Outbox, failure: Failure, now: datetime) -> None:
        if self.breaks:
            raise RuntimeError("the clinic could not act on it")
        self.told.append((f"failed {failure.value}", row.id))
        again = Outgoing(OutgoingKind.MESSAGE, KIT, text="next in line")
        outbox.put(tx, again, kind=OutboxKind.PAGE, now=now, lane=Lane.ALERT)

    def delayed(self, tx: Session, row: Outbox, wait: timedelta, now: datetime) -> None:
        self.told.append(("delayed", row.id))

    def moved(self, tx: Session, row: Outbox, old_chat_id: int, new_chat_id: int, now: datetime) -> None:
        self.told.append((f"moved {old_chat_id} {new_chat_id}", row.id))

    def plain_line(self, tx: Session, row: Outbox) -> str:
        return "an alert is open"

    def as_repeat(self, tx: Session, row: Outbox, text: str) -> str:
        return f"again: {text}"


@dataclass
class Rim:
    """Delivery at work on a database and a sandbox."""

    db: Database
    people: Sandbox
    clock: TurnableClock
    notes: Notes
    delivery: Delivery

    def put(
        self,
        text: str,
        *,
        to: int = NURSE,
        kind: OutboxKind = OutboxKind.PAGE,
        lane: Lane = Lane.ALERT,
        channel: str = "telegram",
        as_kind: OutgoingKind = OutgoingKind.MESSAGE,
    ) -> str:
        """Queue a message as a flow would; return its row's id."""
        now = self.clock()
        outgoing = Outgoing(as_kind, to, text=text)
        with self.db.transaction() as tx:
            row_id = outbox.put(tx, outgoing, kind=kind, now=now, lane=lane, channel=channel).id
        self.delivery.wake()
        return row_id

    def state(self, row_id: str) -> OutboxState:
        with self.db.reading() as tx:
            return OutboxState(tx.get_one(Outbox, row_id).state)

    def error(self, row_id: str) -> str:
        with self.db.reading() as tx:
            return tx.get_one(Outbox, row_id).error

    async def becomes(self, row_id: str, *states: OutboxState) -> None:
        """Wait until a message is in one of `states`."""
        await until(lambda: self.state(row_id) in states)

    async def texts(self, person: int = NURSE) -> list[str]:
        return [each.text for each in await self.people.heard(person)]


async def until(holds: Callable[[], bool | Awaitable[bool]], within: float = WITHIN) -> None:
    """Wait until a condition holds, looking often.

    Raises:
        TimeoutError: it did not within that many seconds.
    """
    async with asyncio.timeout(within):
        while True:
            found = holds()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def rim(
    db: Database,
    sandbox: RunningSandbox,
    *,
    api_url: str = "",
    read_seconds: float = 1.0,
    per_second: float = 1000.0,
    more_senders: dict[str, Sender] | None = None,
) -> AsyncIterator[Rim]:
    """Run delivery until the block ends; the nurse, Maya and Kit have opened both bots."""
    care = make_bot(sandbox.care_token, api_url or sandbox.api_url, read_seconds)
    alert = make_bot(sandbox.alert_token, api_url or sandbox.api_url, read_seconds)
    senders: dict[str, Sender] = {"telegram": TelegramSender(care), "telegram-alert": TelegramSender(alert)}
    clock, notes, pools = TurnableClock(), Notes(), [Threads("test") for _ in range(4)]
    threads = iter(pools)
    post = Post(db, senders | (more_senders or {}), clock, notes, "test")
    delivery = Delivery(post, lane_plans(per_second, lambda _: next(threads)))
    async with sandbox.client() as people:
        for person in (NURSE, MAYA, KIT):
            await people.start(person)
            await people.start(person, bot="alert")
        running = asyncio.create_task(delivery.run())
        try:
            yield Rim(db, people, clock, notes, delivery)
        finally:
            delivery.stop()
            await running
            for bot in (care, alert):
                await bot._request[1].shutdown()
            for pool in pools:
                pool.close()


@dataclass
class Clinic:
    """A clinic that keeps what it hears, and breaks when told to."""

    db: Database
    heard: list[Reply] = field(default_factory=list)
    aside: list[int] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    breaks_on: str = "\0"

    def handle(self, reply: Reply, now: datetime) -> None:
        if self.breaks_on in reply.text:
            raise RuntimeError("cannot make anything of it")
        self.db.run(lambda tx: inbox.mark_done(tx, reply.bot, reply.update_id, now))
        self.heard.append(reply)

    def set_aside(self, bot: str, update_id: int, now: datetime) -> None:
        self.db.run(lambda tx: inbox.mark_dead(tx, bot, update_id, now))
        self.aside.append(update_id)

    def trouble(self, what: str, now: datetime) -> None:
        self.troubles.append(what)

    @property
    def words(self) -> list[str]:
        return [reply.text for reply in self.heard]


@dataclass
class Listening:
    """Intake at work."""

    clinic: Clinic
    clock: TurnableClock
    people: Sandbox
    poller: Poller
    keeper: Keeper
    worker: Worker

    async def hears(self, *words: str) -> None:
        await until(lambda: set(words) <= set(self.clinic.words))


@asynccontextmanager
async def listening(
    db: Database, sandbox: RunningSandbox, clinic: Clinic | None = None, *, hung_after: float = 90.0
) -> AsyncIterator[Listening]:
    """Poll the sandbox and handle what comes, until the block ends."""
    clinic = clinic or Clinic(db)
    bot = make_bot(sandbox.care_token, sandbox.api_url, read_timeout=1.0)
    clock = TurnableClock()
    ear = Ear("care", read_update, chat_of, clinic.trouble)
    hands, keeping = Threads("hands"), Threads("keeping")
    handling = Handling(clinic.handle, clinic.set_aside)
    worker = Worker(db, {"care": ear}, handling, clock, hands)
    keeper = Keeper(db, ear, clock, keeping, worker.wake)
    poller = Poller(TelegramSource(bot, poll_seconds=2), keeper, hung_after=hung_after)
    async with sandbox.client() as people:
        running = [asyncio.create_task(worker.run()), asyncio.create_task(poller.run())]
        try:
            yield Listening(clinic, clock, people, poller, keeper, worker)
        finally:
            poller.stop()
            worker.stop()
            await asyncio.gather(*running)
            await bot._request[0].shutdown()
            hands.close()
            keeping.close()


def rows_in(db: Database, *states: OutboxState) -> int:
    with db.reading() as tx:
        return tx.exec(select(func.count()).select_from(Outbox).where(col(Outbox.state).in_(states))).one()
