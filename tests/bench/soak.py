"""The long proof: a month of a clinic's life, its program killed at random, and the oracle asked at the end.

`python -m tests.bench.soak --minutes 30`: the real `aftercare run` over the sandbox's Bot API and a
real SQLite file. The month's clock is turned in steps; patients write, some of it urgent; staff take
some pages and leave others; the process is killed without warning, sometimes at a named place.
Prints one summary as JSON and exits 1 when a promise did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.sandbox.client import Sandbox, SandboxError
from bot.sandbox.running import RunningSandbox
from storage.database import Database
from storage.vault import Vault
from tests.databases import MASTER_KEY, new_sqlite
from tests.faults import oracle
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
KILLED_SHARE = 0.25
CLAIMED_SHARE = 0.5
CRASH_AT = (
    "", "", "", "before-inbox-commit", "after-inbox-commit", "before-handling", "after-handling",
    "after-alert-lease", "after-alert-send",
)  # fmt: skip
SLACK = timedelta(seconds=60)
"""A killed program is started again within seconds of real time; a page may wait for that and a lease."""


@dataclass
class Summary:
    minutes: float = 0
    days: float = 0
    lives: int = 0
    replies: int = 0
    urgent: int = 0
    alerts: int = 0
    pages: int = 0
    held: bool = False
    wrong: str = ""


class Month:
    """One run: who has written what, and the program as it lives and dies."""

    def __init__(self, db: Database, people: Sandbox, bot: Program, chance: random.Random) -> None:
        self.db = db
        self.people = people
        self.bot = bot
        self.chance = chance
        self.summary = Summary()
        self.frightened: set[int] = set()

    async def live(self, minutes: float) -> None:
        """Take turns at everything; the clock is turned so that the month and the minutes end together."""
        began, over = time.monotonic(), minutes * 60
        await self._start()
        while (elapsed := time.monotonic() - began) < over:
            await self._somebody_writes()
            await self._staff_answer()
            if self.chance.random() < KILLED_SHARE:
                await self._die()
            await self._settled()
            step = MONTH * min(1.0, (elapsed + 1) / over) - timedelta(days=self.summary.days)
            await self.people.move_clock(max(step, timedelta()))
            self.summary.days += max(step, timedelta()) / timedelta(days=1)
        await self._settled()

    async def _somebody_writes(self) -> None:
        for person in self.chance.sample(PATIENTS, 4):
            urgent = self.chance.random() < URGENT_SHARE
            await self.people.say(person, FRIGHTENING if urgent else CALM)
            self.summary.replies += 1
            self.summary.urgent += urgent
            if urgent:
                self.frightened.add(person)

    async def _staff_answer(self) -> None:
        """Somebody takes what is on the phone, and half the time nobody does."""
        if self.chance.random() > CLAIMED_SHARE:
            return
        person = self.chance.choice(STAFF[:3])
        for page in await self.people.heard(person):
            claims = [each for each in page.data if each.startswith("a:claim")]
            if claims:
                await self._press(person, claims[0], page.message_id)
                await self._press(person, claims[0].replace("claim", "contacted"), page.message_id)
                await self._press(person, claims[0].replace("claim", "out") + ":spoke", page.message_id)

    async def _press(self, person: int, data: str, message_id: int) -> None:
        try:
            await self.people.forge(person, data, message_id)
        except SandboxError:
            return  # the message is gone from the phone meanwhile

    async def _die(self) -> None:
        """A power cut: now, or at a named place the next time the program comes by."""
        place = self.chance.choice(CRASH_AT)
        self.bot.kill()
        if place:
            self.bot.start(place)
            await self.people.say(self.chance.choice(PATIENTS), CALM)
            try:
                await asyncio.wait_for(self.bot.died(), 15)
            except TimeoutError:
                self.bot.kill()  # it never came by that place
        await self._start()

    async def _start(self) -> None:
        self.bot.kill()
        self.bot.start()
        self.summary.lives = self.bot.starts
        await self.bot.started()

    async def _settled(self) -> None:
        record = Record(self.db)
        await until(lambda: record.unhandled == 0 and record.on_the_way == 0, within=120)

    async def judge(self) -> None:
        record = Record(self.db)
        self.summary.alerts, self.summary.pages = record.alerts, record.pages_sent
        try:
            oracle.check(self.db, await self.people.now(), urgent_replies=len(self.frightened), within=SLACK)
            self.summary.held = True
        except AssertionError as wrong:
            self.summary.wrong = str(wrong)[:2000]


async def _run(sandbox: RunningSandbox, db: Database, folder: Path, minutes: float, seed_of: int) -> Summary:
    started = time.monotonic()
    async with sandbox.client() as people:
        for person in (*PATIENTS, *STAFF):
            await people.start(person)
        with program(sandbox, str(db.place), folder, AFTERCARE_SENDS_PER_SECOND="30") as bot:
            month = Month(db, people, bot, random.Random(seed_of))
            try:
                await month.live(minutes)
            except (TimeoutError, AssertionError) as stuck:
                month.summary.wrong = f"{type(stuck).__name__}: {str(stuck)[-2000:]}"
            else:
                await month.judge()
    month.summary.minutes = round((time.monotonic() - started) / 60, 1)
    month.summary.days = round(month.summary.days, 1)
    return month.summary


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30, help="how long, in real time (default 30)")
    asked.add_argument("--seed", type=int, default=1, help="of everything random, to see a run again")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="aftercare-soak-") as name:
        folder = Path(name)
        db = new_sqlite(f"sqlite:///{folder / 'soak.db'}", Vault([MASTER_KEY]))
        seed(db)
        with db.transaction() as tx:
            for chat_id in PATIENTS:
                add_patient(tx, chat_id, datetime.now(UTC))
        with RunningSandbox(clock_file=folder / "clock") as sandbox:
            summary = asyncio.run(_run(sandbox, db, folder, given.minutes, given.seed))
        db.close()
    print(json.dumps({"name": "soak", "seed": given.seed, **asdict(summary)}))
    return 0 if summary.held else 1


if __name__ == "__main__":
    sys.exit(main())
