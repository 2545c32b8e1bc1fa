"""The long proof: a month of a clinic's life, its program killed at random, and judged at the end.

`python -m tests.bench.soak --minutes 30`: the real `aftercare run` over the sandbox's Bot API and a real
database, SQLite or PostgreSQL. Patients are treated, tap at their check-ins and write, some of it urgent;
staff take some pages, forget some of those they took, and leave others; the clock is turned in steps of
minutes and of hours; the process is killed without warning, sometimes at a named place. In the end every
call for help is judged by the policy its alert carries. Prints one summary as JSON and exits 1 when a
promise did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.content import Content, load_content
from bot.flows.clinic import Clinic
from bot.flows.tick import TICK
from bot.flows.treatments import record_treatment
from bot.sandbox.client import Sandbox, SandboxError
from bot.sandbox.running import RunningSandbox
from storage import marks, patients
from storage.database import Database
from storage.vault import Vault, chat_hash
from tests.databases import MASTER_KEY, PostgresServer, new_sqlite, server_folder
from tests.faults import oracle
from tests.faults.calls import Calls, NotLived
from tests.rim.parts import until
from tests.rim.running import (
    BACKUP,
    CALM,
    COORDINATOR,
    FIRST,
    FRIGHTENING,
    LEAD,
    Program,
    Record,
    add_patient,
    program,
    seed,
)

MONTH = timedelta(days=28)
PATIENTS = range(5000, 5040)
STAFF = (FIRST, BACKUP, LEAD, COORDINATOR)
URGENT_SHARE = 0.15
TREATED_SHARE = 0.1
KILLED_SHARE = 0.25
CLAIMED_SHARE = 0.5
FORGOTTEN_SHARE = 0.3
"""Of what somebody takes: taken and no more, or the patient reached and no outcome written."""

MINUTES_SHARE = 0.6
"""So many of the clock's steps are of minutes, in which an alert climbs; the others make up for the month."""

CRASH_AT = (
    "", "", "", "before-inbox-commit", "after-inbox-commit", "before-handling", "after-handling",
    "after-alert-lease", "after-alert-send",
)  # fmt: skip
SLACK = {"sqlite": timedelta(seconds=60), "postgresql": timedelta(seconds=120)}
"""A killed program is started again within seconds of real time; a page may wait for that and for a lease.
On PostgreSQL the lease of the one who died must run out first: another process may be alive and sending."""

UNDER_WAY = timedelta(seconds=10)
"""What began so shortly before the program was killed may not have been done."""

PATIENCE = 5


@dataclass
class Summary:
    minutes: float = 0
    days: float = 0
    lives: int = 0
    replies: int = 0
    taps: int = 0
    urgent: int = 0
    alerts: int = 0
    pages: int = 0
    held: bool = False
    wrong: str = ""


class Month:
    """One run: who has written what, and the program as it lives and dies."""

    def __init__(
        self, clinic: Clinic, sandbox: RunningSandbox, people: Sandbox, bot: Program, chance: random.Random
    ) -> None:
        self.clinic = clinic
        self.sandbox = sandbox
        self.people = people
        self.bot = bot
        self.chance = chance
        self.summary = Summary()
        self.frightened: set[int] = set()
        self.not_lived: list[NotLived] = []
        self._lived = timedelta()

    async def live(self, minutes: float) -> None:
        """Take turns at everything; the clock is turned so that the month and the minutes end together."""
        began, over = time.monotonic(), minutes * 60
        await self._start()
        while (elapsed := time.monotonic() - began) < over:
            await self._somebody_is_treated()
            await self._somebody_writes()
            await self._somebody_taps()
            await self._staff_answer()
            if self.chance.random() < KILLED_SHARE:
                await self._die()
            done_until = await self._settled()
            await self._turn_the_clock(MONTH * min(1.0, (elapsed + 1) / over) - self._lived, done_until)
        await self._settled()

    async def _turn_the_clock(self, step: timedelta, done_until: datetime) -> None:
        if self.chance.random() < MINUTES_SHARE:
            step = min(step, timedelta(minutes=self.chance.uniform(1, 10)))
        if step > timedelta():
            self.not_lived.append(NotLived(done_until, await self.people.move_clock(step)))
            self._lived += step
            self.summary.days = round(self._lived / timedelta(days=1), 1)

    async def _somebody_is_treated(self) -> None:
        if self.chance.random() < TREATED_SHARE:
            self.treat(self.chance.choice(PATIENTS), await self.people.now())

    def treat(self, chat_id: int, now: datetime) -> None:
        with self.clinic.db.reading() as tx:
            patient = patients.by_chat_hash(tx, chat_hash(tx, chat_id))
        if patient is not None:
            record_treatment(self.clinic, patient.code, now - timedelta(hours=3), "cli", now)

    async def _somebody_writes(self) -> None:
        for person in self.chance.sample(PATIENTS, 4):
            urgent = self.chance.random() < URGENT_SHARE
            await self.people.say(person, FRIGHTENING if urgent else CALM)
            self.summary.replies += 1
            self.summary.urgent += urgent
            if urgent:
                self.frightened.add(person)

    async def _somebody_taps(self) -> None:
        """Patients press something on the newest message that has buttons, whatever it is."""
        for person in self.chance.sample(PATIENTS, 6):
            cards = [each for each in await self.people.heard(person) if any(each.data)]
            if cards:
                await self._press(person, self.chance.choice(cards[-1].data), cards[-1].message_id)
                self.summary.taps += 1

    async def _staff_answer(self) -> None:
        """Somebody takes what is on the phone, and half the time nobody does."""
        if self.chance.random() > CLAIMED_SHARE:
            return
        person = self.chance.choice(STAFF[:3])
        for page in await self.people.heard(person):
            claim = next((each for each in page.data if each.startswith("a:claim")), None)
            if claim is None:
                continue
            done = ["contacted", "out"]
            if self.chance.random() < FORGOTTEN_SHARE:
                done = done[: self.chance.randrange(2)]
            for each in ["claim", *done]:
                words = claim.replace("claim", each) + (":spoke" if each == "out" else "")
                await self._press(person, words, page.message_id)

    async def _press(self, person: int, data: str, message_id: int) -> None:
        try:
            await self.people.forge(person, data, message_id)
        except SandboxError:
            return  # the message is gone from the phone meanwhile

    async def _die(self) -> None:
        """A power cut: now, or at a named place the next time the program comes by."""
        place = self.chance.choice(CRASH_AT)
        since = min(self._ticked_at(), await self.people.now() - UNDER_WAY)
        self.bot.kill()
        if place:
            self.bot.start(place)
            await self.people.say(self.chance.choice(PATIENTS), CALM)
            try:
                await asyncio.wait_for(self.bot.died(), 15)
            except TimeoutError:
                self.bot.kill()  # it never came by that place
        await self._start()
        self.not_lived.append(NotLived(since, await self.people.now()))

    async def _start(self) -> None:
        self.bot.kill()
        self.bot.start()
        self.summary.lives = self.bot.starts
        for _ in range(PATIENCE):  # a machine that has other work starts it slowly; no promise is about that
            with suppress(TimeoutError):
                await self.bot.started()
                return
        raise AssertionError(f"it does not start\n{self.bot.log[-1500:]}")

    async def _settled(self) -> datetime:
        """Wait until nothing is on its way, neither in nor out: only then may the clock be turned.

        All that fell due when it was turned last must have had its tick, however slow the machine is; what
        that tick put in the outbox is looked for after it. Returns when the tick began: what was due until
        then has been done.
        """
        record, bots = Record(self.clinic.db), self.sandbox.board.world.bots
        since = ticked = await self.people.now()

        def still() -> bool:
            nonlocal ticked
            ticked = self._ticked_at()
            unheard = sum(len(each.waiting) for each in bots.values() if each.name == "care")
            quiet = unheard == 0 and record.unhandled == 0 and record.on_the_way == 0
            return quiet and ticked >= since

        try:
            await until(still, within=180)
        except TimeoutError:
            left = f"{record.unhandled} unread, {record.on_the_way} unsent"
            raise AssertionError(f"nothing moves: {left}\n{self.bot.log[-1500:]}") from None
        return ticked

    def _ticked_at(self) -> datetime:
        with self.clinic.db.reading() as tx:
            mark = marks.mark(tx, TICK)
        return mark.at if mark else datetime.min.replace(tzinfo=UTC)

    async def judge(self) -> None:
        db, now = self.clinic.db, await self.people.now()
        record, slack = Record(db), SLACK[db.dialect]
        self.summary.alerts, self.summary.pages = record.alerts, record.pages_sent
        wrong = Calls(db, self.clinic.content, now, slack, self.not_lived).judged()
        try:
            # Who is paged how soon was judged above, reply by reply; this asks for the rest of the promises.
            oracle.check(db, now, urgent_replies=len(self.frightened), within=MONTH)
        except AssertionError as error:
            wrong.append(str(error))
        self.summary.held, self.summary.wrong = not wrong, "; ".join(wrong)[:4000]


async def _run(
    sandbox: RunningSandbox, clinic: Clinic, folder: Path, minutes: float, seed_of: int
) -> Summary:
    started = time.monotonic()
    url = clinic.db.place.render_as_string(hide_password=False)
    async with sandbox.client() as people:
        for person in (*PATIENTS, *STAFF):
            await people.start(person)
        with program(sandbox, url, folder, AFTERCARE_SENDS_PER_SECOND="30") as bot:
            month = Month(clinic, sandbox, people, bot, random.Random(seed_of))
            for person in PATIENTS:
                month.treat(person, await people.now())
            try:
                await month.live(minutes)
            except (TimeoutError, AssertionError) as stuck:
                month.summary.wrong = f"{type(stuck).__name__}: {str(stuck)[-2000:]}"
            else:
                await month.judge()
    month.summary.minutes = round((time.monotonic() - started) / 60, 1)
    return month.summary


@contextmanager
def _database(engine: str, folder: Path) -> Iterator[Database]:
    """A fresh database; a power cut of the program is not one of the machine."""
    if engine == "sqlite":
        db = new_sqlite(f"sqlite:///{folder / 'soak.db'}", Vault([MASTER_KEY]))
        yield db
        db.close()
        return
    server = PostgresServer(server_folder(f"soak-{os.getpid()}"))
    try:
        db = Database.open(server.new_database(), Vault([MASTER_KEY]))
        yield db
        db.close()
    finally:
        server.stop()


def _month(engine: str, folder: Path, content: Content, minutes: float, seed_of: int) -> Summary:
    with _database(engine, folder) as db:
        seed(db)
        with db.transaction() as tx:
            for chat_id in PATIENTS:
                add_patient(tx, chat_id, datetime.now(UTC) - timedelta(days=2))
        with RunningSandbox(clock_file=folder / "clock") as sandbox:
            return asyncio.run(_run(sandbox, Clinic(db, content), folder, minutes, seed_of))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30, help="how long, in real time (default 30)")
    asked.add_argument(
        "--seed", type=int, help="of everything random, to see a run again (default: a new one)"
    )
    asked.add_argument("--engine", choices=tuple(SLACK), default="sqlite")
    asked.add_argument(
        "--keep", type=Path, help="an empty folder for the database and the logs, kept afterwards"
    )
    given = asked.parse_args()
    chosen = random.randrange(10**6) if given.seed is None else given.seed
    print(f"soak: {given.engine}, {given.minutes} minutes, seed {chosen}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="aftercare-soak-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True, parents=True)
        summary = _month(given.engine, folder, load_content(), given.minutes, chosen)
    print(json.dumps({"name": "soak", "engine": given.engine, "seed": chosen, **asdict(summary)}))
    return 0 if summary.held else 1


if __name__ == "__main__":
    sys.exit(main())
