"""G. Concurrency and load: workers that race, die and wake again, and more alerts than anybody can read."""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from bot.content import Content
from bot.message import Outgoing, OutgoingKind
from bot.sandbox.running import RunningSandbox
from storage import outbox
from storage.database import Database
from storage.tables import Alert, Lane, Outbox, OutboxKind, OutboxState
from tests.faults import oracle
from tests.faults.house import House, house
from tests.faults.sizes import seconds, size
from tests.flows.alarm import only, pages
from tests.flows.clinic_night import House as Night
from tests.flows.clinic_night import Phone
from tests.rim.parts import rows_in, until
from tests.rim.running import FIRST, FRIGHTENING, ROOT, add_patient, seed

PAGES = size(120, 10_000)
KILLS = size(3, 30)
STORM = size(25, 500)
WIRE_STORM = size(12, 500)
WAIT, TOLD_TO_WAIT = 3, range(5, WIRE_STORM, 50)
STORM_PAGED_WITHIN = timedelta(seconds=60)
"""Of 500 pages to one chat that is told to wait again and again; its tier has five minutes."""

BLAST = size(1500, 5000)
FRIGHTENED = size(1, 50)
LEASE = timedelta(seconds=60)


def run(go: Any, within: float = 120) -> None:
    asyncio.run(asyncio.wait_for(go, seconds(within)))


class Workers:
    """Two senders, each a process; either may be killed and is started again."""

    def __init__(self, db: Database, sandbox: RunningSandbox) -> None:
        self._environment = os.environ | {
            "SENDING_DATABASE": db.place.render_as_string(hide_password=False),
            "SENDING_TOKEN": sandbox.care_token,
            "SENDING_API": sandbox.api_url,
            "SENDING_CLOCK": str(sandbox.clock_file),
        }
        self.running = [self._start(0), self._start(1)]
        self.kills = 0

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.faults.sending", f"worker-{number}-{random.random()}"]
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL)

    def kill_one(self, number: int) -> None:
        self.running[number].kill()
        self.running[number].wait(20)
        self.kills += 1
        self.running[number] = self._start(number)

    def stop(self) -> None:
        for each in self.running:
            each.kill()
            each.wait(20)


@contextmanager
def workers(db: Database, sandbox: RunningSandbox) -> Iterator[Workers]:
    found = Workers(db, sandbox)
    try:
        yield found
    finally:
        found.stop()


def test_fault_63_two_workers_are_killed_at_random_and_no_page_is_lost(
    database: Database, sandbox: RunningSandbox
) -> None:
    """Each kill may double the one page that was on the wire, and loses none."""
    chance = random.Random(63)

    async def go() -> None:
        async with sandbox.client() as people:
            phones = range(2000, 2020)
            for person in phones:
                await people.start(person)
            now = await people.now()
            with database.transaction() as tx:
                for number in range(PAGES):
                    page = Outgoing(OutgoingKind.MESSAGE, phones[number % 20], text=f"page <{number}>")
                    outbox.put(tx, page, kind=OutboxKind.PAGE, now=now, lane=Lane.ALERT)
            with workers(database, sandbox) as two:
                for each in range(KILLS):
                    goal = PAGES * (each + 1) // (KILLS + 2)
                    await until(
                        lambda goal=goal: rows_in(database, OutboxState.SENT) >= goal, within=seconds(60)
                    )
                    two.kill_one(chance.randrange(2))
                await until(lambda: rows_in(database, OutboxState.PENDING) == 0, within=seconds(90))
                await until(lambda: rows_in(database, OutboxState.SENDING) <= KILLS, within=30)
                await people.move_clock(LEASE + timedelta(seconds=5))
                await until(lambda: rows_in(database, OutboxState.SENT) == PAGES, within=60)
            heard = [each.text for person in phones for each in await people.heard(person)]
            copies = Counter(text[text.index("page <") :] for text in heard if "page <" in text)
            assert len(copies) == PAGES, "lost"
            assert sum(copies.values()) - PAGES <= KILLS, copies.most_common(5)

    run(go(), within=240)


def test_fault_64_a_worker_that_wakes_after_its_lease_writes_nothing(
    night: Night, maria: Phone, okafor: Phone
) -> None:
    with night.looking() as tx:
        page = Outgoing(OutgoingKind.MESSAGE, okafor.chat_id, text="page")
        row_id = outbox.put(tx, page, kind=OutboxKind.PAGE, now=night.now, lane=Lane.ALERT).id
        assert outbox.lease(tx, Lane.ALERT, "sleeper", night.now, 1, LEASE)
    night.now += LEASE
    with night.looking() as tx:
        (row,) = outbox.lease(tx, Lane.ALERT, "awake", night.now, 1, LEASE)
        assert row.repeat, "the second copy says so"
        assert outbox.mark_sent(tx, row_id, "awake", 7, night.now)
    with night.looking() as tx:
        assert not outbox.mark_sent(tx, row_id, "sleeper", 9, night.now)
        assert not outbox.put_back(tx, row_id, "sleeper", night.now, "late")
        assert outbox.mark_failed(tx, row_id, "sleeper", "late", night.now) is None
        kept = tx.get_one(Outbox, row_id)
        assert (kept.state, kept.message_id) == (OutboxState.SENT, 7)


def test_fault_65_a_storm_of_alerts_stays_readable(night: Night, okafor: Phone) -> None:
    """Each patient's first page is a message of its own; the repeats come as one digest."""
    patients = [night.enrolled() for _ in range(STORM)]
    for each in patients:
        each.says(FRIGHTENING)
    assert len(night.alerts()) == STORM, "a row of its own each"
    firsts = list(okafor.bubbles.values())
    codes = {each.code for each in patients}
    assert len(firsts) == STORM and all(any(code in page.text for page in firsts) for code in codes)
    night.skip_to(night.now + timedelta(minutes=2))
    repeats = list(okafor.bubbles.values())[STORM:]
    assert 1 <= len(repeats) <= 5
    assert str(STORM) in repeats[-1].text, repeats[-1].text
    with night.clinic() as clinic:
        oracle.check(clinic.db, night.now, urgent_replies=STORM)


def test_fault_65_a_storm_over_the_wire_obeys_telegram(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    """At its full size 500 patients within a minute, while Telegram now and then tells that chat to wait."""
    seed(database)
    patients = range(6000, 6000 + WIRE_STORM)
    with database.transaction() as tx:
        for each in patients:
            add_patient(tx, each, datetime.now(UTC))

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            for skip in range(5, WIRE_STORM, 50):
                await clinic.people.fault(
                    "sendMessage", status=429, retry_after=WAIT, chat_id=FIRST, skip=skip
                )
            began = time.monotonic()
            for number, each in enumerate(patients):
                await until(lambda number=number: time.monotonic() - began > number * 60 / 500, within=90)
                await clinic.people.say(each, FRIGHTENING)
            await until(lambda: clinic.record.alerts == WIRE_STORM, within=seconds(60))
            await until(lambda: _first_pages(database) == WIRE_STORM, within=seconds(60))
            codes = [re.findall(r"K-\d+", each.text) for each in await clinic.people.heard(FIRST)]
            assert len({each[0] for each in codes if len(each) == 1}) == WIRE_STORM, "each by itself"
            assert await _waited_as_told(clinic), "something was sent before the time Telegram named"
            oracle.check(database, clinic.clock(), urgent_replies=WIRE_STORM, within=STORM_PAGED_WITHIN)

    run(go())


def _first_pages(db: Database) -> int:
    """How many alerts were paged by a message that was accepted."""
    with db.reading() as tx:
        paged = select(func.count()).where(
            col(Alert.patient_id).is_not(None), col(Alert.paged_at).is_not(None)
        )
        return tx.scalar(paged) or 0


async def _waited_as_told(clinic: House) -> bool:
    """Whether after every "wait" at least that long passed until the next try at that chat.

    Sends that were under way at that moment, eight at most, are not meant.
    """
    tries = [datetime.fromisoformat(each["at"]) for each in await clinic.sends_to(FIRST)]
    pauses = sum(later - earlier > timedelta(seconds=WAIT - 0.5) for earlier, later in pairwise(tries))
    return pauses >= len(TOLD_TO_WAIT)


def test_fault_66_fifty_urgent_messages_of_one_patient(night: Night, maria: Phone, okafor: Phone) -> None:
    for number in range(50):
        maria.says(f"I wish I was dead {number}")
    alert = only(night)
    assert len(night.alerts()) == 1 and alert.joined >= 49
    assert len(okafor.bubbles) == 1
    assert len(night.messages()) == 50, "every word is kept"
    maria.says(FRIGHTENING)
    assert len(okafor.bubbles) == 2 and "EMERGENCY" in okafor.screen
    assert [each.level for each in night.alerts()] == ["emergency"]
    assert len(pages(night, only(night))) == 2
    with night.clinic() as clinic:
        oracle.check(clinic.db, night.now, urgent_replies=1)


def test_fault_67_check_ins_to_everybody_at_the_same_minute(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    """At the pace of a real bot they take minutes; a page in the midst of them takes none."""
    seed(database)
    frightened = range(6000, 6000 + FRIGHTENED)
    with database.transaction() as tx:
        for each in frightened:
            add_patient(tx, each, datetime.now(UTC))

    async def go() -> None:
        async with house(database, sandbox, content, per_second=25.0) as clinic:
            everybody = range(3000, 3000 + BLAST)
            for person in everybody[:100]:
                await clinic.people.start(person)
            now = clinic.clock()
            with database.transaction() as tx:
                for person in everybody:
                    card = Outgoing(OutgoingKind.MESSAGE, person, text="How did you sleep?")
                    outbox.put(tx, card, kind=OutboxKind.CARD, now=now)
            clinic.delivery.wake()
            await until(lambda: rows_in(database, OutboxState.SENT) >= 10, within=30)
            for number, each in enumerate(frightened, start=1):
                asked = clinic.clock()
                await clinic.people.say(each, FRIGHTENING)
                await until(lambda number=number: clinic.record.pages_sent >= number, within=5)
                assert clinic.clock() - asked < timedelta(seconds=5)
            with database.reading() as tx:
                left = tx.scalar(
                    select(func.count()).select_from(Outbox).where(
                        col(Outbox.kind) == OutboxKind.CARD, col(Outbox.state) == OutboxState.PENDING
                    )
                )  # fmt: skip
                assert left and left > BLAST // 2, "the check-ins are still going out"
                assert tx.scalar(select(func.count()).select_from(Alert)) == FRIGHTENED
            oracle.check(database, clinic.clock(), urgent_replies=FRIGHTENED)

    run(go())
