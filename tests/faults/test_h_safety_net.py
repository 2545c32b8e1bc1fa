"""H. The safety net: a sender or auditor that is not there, drills nobody answers, rules that break."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from bot.content import load_content
from bot.content.source import ContentError
from bot.flows import drills
from bot.flows.act import Act
from bot.sandbox.running import RunningSandbox
from bot.watch import Watcher, ping
from storage import staff as people
from storage.database import Database
from storage.tables import Contact, ContactState, Role
from tests.databases import MASTER_KEY
from tests.faults import oracle
from tests.faults.outside import Outside, outside_world
from tests.faults.outside import watcher as watcher_of
from tests.faults.test_c_time import heard_and_not_sent
from tests.flows.alarm import only
from tests.flows.clinic_night import House as Night
from tests.flows.clinic_night import Phone
from tests.rim.parts import until
from tests.rim.running import FIRST, FRIGHTENING, MAYA, ROOT, Record, open_phones, program, seed

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(night: Night) -> Iterator[Outside]:
    """A dead-man service and the director's phone, over real HTTP, on the clinic's time."""
    with outside_world(lambda: night.now) as found:
        yield found


@pytest.fixture
def watcher(night: Night, world: Outside) -> Watcher:
    return watcher_of(night.content, night.url, world)


def verdict(night: Night, urgent_replies: int = 1, **more: Any) -> None:
    with night.clinic() as clinic:
        oracle.check(clinic.db, night.now, urgent_replies=urgent_replies, **more)


def test_fault_68_the_sender_was_never_started(
    night: Night, maria: Phone, okafor: Phone, watcher: Watcher, world: Outside
) -> None:
    night.tick()
    assert watcher.look(night.now) and len(world.pinged_at) == 1
    heard_and_not_sent(night, maria, FRIGHTENING)
    for _ in range(2):
        night.now += MINUTE
        watcher.look(night.now)
    assert len(world.told) == 1, "within two minutes, by a channel that needs neither bot nor database"
    assert maria.code not in world.told[0] and "pills" not in world.told[0]
    assert len(world.pinged_at) == 2, "and no ping any more"
    night.now += 3 * MINUTE
    verdict(night, dead_man_fired=world.fired(night.now))


def test_fault_69_the_auditor_is_not_running(
    night: Night, maria: Phone, okafor: Phone, watcher: Watcher, world: Outside
) -> None:
    night.tick()
    assert watcher.look(night.now)
    assert not world.fired(night.now + 2 * MINUTE)
    night.now += 5 * MINUTE
    assert world.fired(night.now), "silence is what the switch listens for"
    maria.says(FRIGHTENING)
    assert "EMERGENCY" in okafor.screen, "and pages go on without it"
    verdict(night)


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Hold what the auditor needs, so that its queries take for ever."""
    with db.transaction() as tx:
        if db.dialect == "postgresql":
            tx.execute(text("LOCK TABLE alert, mark IN ACCESS EXCLUSIVE MODE"))
        else:
            tx.execute(text("UPDATE mark SET at = at"))
        yield


def test_fault_69_the_auditors_queries_do_not_come_back(
    night: Night, watcher: Watcher, world: Outside
) -> None:
    night.tick()
    with night.clinic() as clinic, locked(clinic.db):
        looking = threading.Thread(target=watcher.look, args=(night.now,))
        looking.start()
        looking.join(0.7)
        assert world.fired(night.now), "no ping before it has seen that all is well"
    looking.join(20)
    assert not looking.is_alive()


def auditor(
    db: Database, world: Outside, clock_file: Path, **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Let the real auditor look once."""
    environment = os.environ | {
        "AFTERCARE_DATABASE_URL": db.place.render_as_string(hide_password=False),
        "AFTERCARE_MASTER_KEYS": MASTER_KEY.hex(),
        "AFTERCARE_DEAD_MAN_URL": world.dead_man_url,
        "AFTERCARE_OUTSIDE_RECIPIENTS": world.phone,
        "AFTERCARE_CLOCK_FILE": str(clock_file),
    }
    command = [sys.executable, "-m", "bot", "watch", "--once"]
    environment |= more
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)


def test_fault_68_the_auditor_as_a_process(night: Night, maria: Phone, okafor: Phone, tmp_path: Path) -> None:
    """The command that runs beside the bot: it pings when all is well, and tells the list when not."""
    if night.url.startswith("postgresql"):
        pytest.skip("the auditor's look is tried on both databases above; here it is its process")
    night.now = datetime.now(UTC)
    with night.clinic() as clinic, outside_world(lambda: night.now) as world:
        assert auditor(clinic.db, world, tmp_path / "clock").returncode == 0
        assert (len(world.pinged_at), world.told) == (1, [])
        night.now -= 5 * MINUTE
        heard_and_not_sent(night, maria, FRIGHTENING)
        ended = auditor(clinic.db, world, tmp_path / "clock")
        assert ended.returncode == 1, ended.stderr
        assert len(world.pinged_at) == 1 and len(world.told) == 1


def test_fault_70_the_dead_man_cannot_be_reached(
    night: Night, maria: Phone, okafor: Phone, ada: Phone, watcher: Watcher
) -> None:
    watcher.ping = lambda: ping("http://127.0.0.1:9/ping")
    night.tick()
    for _ in range(4):
        watcher.look(night.now)
    night.carry()
    assert ada.everything.count("outside watch cannot be reached") == 1
    maria.says(FRIGHTENING)
    assert "EMERGENCY" in okafor.screen
    verdict(night)


def test_fault_71_a_drill_nobody_answers(night: Night, maria: Phone, okafor: Phone, ada: Phone) -> None:
    with night.clinic() as clinic:
        sent = clinic.db.run(lambda tx: drills.start(Act(clinic, tx, night.now), "demo", by="staff:test"))
    assert sent == 1
    night.carry()
    assert okafor.bubbles
    night.skip_to(night.now + 31 * MINUTE)
    assert "Dr. Okafor" in ada.everything
    with night.looking() as tx:
        assert tx.scalars(
            select(Contact.state).where(col(Contact.staff_id).in_(_ids(tx, Role.CLINICIAN)))
        ).all() == [ContactState.UNVERIFIED]
    maria.says(FRIGHTENING)
    assert "EMERGENCY" in okafor.screen, "unverified is no reason not to try"
    verdict(night)


def _ids(tx: Any, role: Role) -> list[str]:
    return [each.id for each in people.at_site(tx, "demo", (role,))]


class BreaksOn:
    """Rules with a bug: they read everything but one word."""

    def __init__(self, rules: Any, word: str) -> None:
        self._rules = rules
        self._word = word

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rules, name)

    def judge(self, words: str) -> Any:
        if self._word in words:
            raise ZeroDivisionError
        return self._rules.judge(words)


def test_fault_72_the_rules_break_on_a_reply(night: Night, maria: Phone, okafor: Phone) -> None:
    night.content = replace(night.content, phrases=BreaksOn(night.content.phrases, "zebra"))
    maria.says("zebra")
    alert = only(night)
    assert (alert.rule_id, alert.level) == ("UNK-1", "urgent")
    assert "URGENT" in okafor.screen
    okafor.taps("Show")
    assert "could not be judged" in okafor.everything and "zebra" in okafor.everything
    verdict(night)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "prompts", tmp_path / "prompts")


def test_fault_73_an_empty_policy_is_refused_and_the_bot_does_not_start(
    prompts: Path, sandbox: RunningSandbox, sqlite_database: Database, tmp_path: Path
) -> None:
    (prompts / "escalation_policy.toml").write_text("")
    with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
        bot.start(AFTERCARE_PROMPTS_DIR=str(prompts))
        assert bot.process is not None
        assert bot.process.wait(60) == 3
        assert "escalation_policy.toml" in bot.log
    with outside_world(lambda: datetime.now(UTC)) as world:
        ended = auditor(sqlite_database, world, tmp_path / "clock", AFTERCARE_PROMPTS_DIR=str(prompts))
        assert ended.returncode == 3
        assert world.fired(datetime.now(UTC)), "nobody pings either, so somebody outside asks why"


def test_fault_73_a_level_without_a_policy_is_refused(prompts: Path) -> None:
    path = prompts / "escalation_policy.toml"
    path.write_text(path.read_text().replace("[same_day]", "[same_week]"))
    with pytest.raises(ContentError) as refused:
        load_content(prompts)
    problems = "\n".join(str(each) for each in refused.value.problems)
    assert "same_day" in problems and "same_week" in problems


def test_fault_74_the_disk_under_the_log_is_full(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """The real program, its log a device that is always full."""
    seed(sqlite_database)
    record = Record(sqlite_database)
    (tmp_path / "log-1").symlink_to("/dev/full")

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
            bot.start(AFTERCARE_LOG_LEVEL="DEBUG")
            async with sandbox.client() as persons:
                await persons.say(MAYA, FRIGHTENING)
                await persons.wait_for(FIRST, "K-00", within=40)
                await until(lambda: record.pages_sent == 1)
                oracle.check(sqlite_database, await persons.now(), urgent_replies=1)

    asyncio.run(asyncio.wait_for(go(), 90))


class Raises(logging.Handler):
    """A log that cannot be written to, and says so the hard way."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            raise OSError("no space left on device")
        except OSError:
            self.handleError(record)


def test_fault_74_a_log_handler_that_fails(night: Night, maria: Phone, okafor: Phone) -> None:
    broken = Raises()
    logging.getLogger().addHandler(broken)
    try:
        maria.says(FRIGHTENING)
        night.tick()
    finally:
        logging.getLogger().removeHandler(broken)
    assert "EMERGENCY" in okafor.screen
    verdict(night)
