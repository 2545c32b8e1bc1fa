"""B, fault 22: the database is the one of an hour ago, and nobody in it is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.content import Content
from bot.flows.replies import receive_reply
from bot.message import Reply, ReplyKind
from storage import alerts, inbox, patients
from storage.backup import backup, restore
from storage.vault import Vault
from tests.databases import MASTER_KEY, PostgresServer
from tests.faults import oracle
from tests.faults.outside import outside_world, watcher
from tests.flows.alarm import IDEATION, audited
from tests.flows.clinic_night import House, Phone
from tests.rim.running import CALM, FRIGHTENING

HOUR = timedelta(hours=1)
PATIENCE = timedelta(minutes=2)


@pytest.fixture
def empty_url(night: House, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where the restored clinic is to be: on the same engine as the lost one."""
    if night.url.startswith("postgresql"):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.empty_database()
    return f"sqlite:///{tmp_path / 'restored.db'}"


def taken_in(night: House, reply: Reply) -> bool:
    """Let Telegram bring an update; False when the inbox knows it."""
    with night.clinic() as clinic:
        with clinic.db.transaction() as tx:
            if not inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, night.now):
                return False
        receive_reply(clinic, reply, night.now)
    night.carry()
    return True


@pytest.fixture
def restored(night: House, maria: Phone, okafor: Phone, empty_url: str, tmp_path: Path, content: Content) -> (
    Iterator[tuple[House, Reply, Reply]]
):  # fmt: skip
    """The clinic of an hour ago; with what Telegram had been told is kept, and what it had not."""
    kit = night.enrolled()
    before = night.reply(maria, ReplyKind.TEXT, text=CALM)
    assert taken_in(night, before)
    with night.looking() as tx:  # a finding that nobody was told of, as an older program might have left
        patient = patients.by_code(tx, kit.code)
        assert patient is not None
        alerts.record_finding(tx, patient.id, IDEATION, night.now, content.version)
    with night.clinic() as clinic:
        backup(clinic.db, tmp_path / "an-hour-ago.backup", night.now)
    waiting = night.reply(maria, ReplyKind.TEXT, text=FRIGHTENING)
    restore(tmp_path / "an-hour-ago.backup", empty_url, Vault([MASTER_KEY]), night.now + HOUR)
    house = House(empty_url, content, night.now + HOUR)
    house.phones = night.phones
    yield house, before, waiting
    house.close()


def test_fault_22_what_telegram_still_holds_comes_in_once(
    restored: tuple[House, Reply, Reply], okafor: Phone
) -> None:
    house, before, waiting = restored
    assert not taken_in(house, before), "it was handled before the backup"
    assert taken_in(house, waiting)
    assert not taken_in(house, waiting)
    assert len([each for each in house.alerts() if each.level == "emergency"]) == 1
    assert okafor.everything.count("EMERGENCY") == 1
    with house.clinic() as clinic:
        oracle.check(clinic.db, house.now, urgent_replies=1)


def test_fault_22_the_auditor_lists_replies_nobody_was_told_of_and_sees_to_them(
    restored: tuple[House, Reply, Reply], okafor: Phone, content: Content
) -> None:
    house, _, _ = restored
    house.tick()
    assert house.alerts() == [], "nobody was told of it"
    with outside_world(lambda: house.now) as world:
        auditor = watcher(content, house.url, world)
        auditor.look(house.now)
        (line,) = audited(house, "promise.mended")
        assert line.subject == "check:finding_without_alert"
        assert '"count": 1' in str(line.details).replace("'", '"')
        house.carry()
        assert "URGENT" in okafor.screen, "each becomes an alert, and is paged"
        house.now += PATIENCE
        house.tick()
        assert auditor.look(house.now), "and then all is well"
        assert len(audited(house, "promise.mended")) == 1
    with house.clinic() as clinic:
        oracle.check(clinic.db, house.now, urgent_replies=1)
