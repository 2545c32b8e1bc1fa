"""A, fault 12: the power goes while the program writes. What Telegram was told is kept, is kept."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select, text
from sqlmodel import col

from bot.sandbox.client import Sandbox
from bot.sandbox.running import RunningSandbox
from bot.sandbox.world import BotAccount
from storage.database import Database
from storage.tables import Inbox
from storage.vault import Vault
from tests.databases import PostgresServer
from tests.faults import oracle
from tests.faults.power_cut import Disk, half_written_pages, settled_at, started_on, stopped, torn
from tests.faults.sizes import seconds, size
from tests.rim.parts import until
from tests.rim.running import CALM, FRIGHTENING, KIT, MAYA, ROOT, Record, open_phones, program, seed

INSTANTS = size(2, 40)
TEARS = size(6, 60)
AHEAD = 10
"""So many may wait to be fetched: they write, but not faster than anything could read."""


def confirmed(sandbox: RunningSandbox) -> set[int]:
    """The updates that were fetched, and confirmed by a question with a higher offset: gone from Telegram."""
    bot = _care(sandbox)
    return set(bot.past) - {each.id for each in bot.waiting}


def _care(sandbox: RunningSandbox) -> BotAccount:
    return next(each for each in sandbox.board.world.bots.values() if each.name == "care")


async def talking(people: Sandbox, sandbox: RunningSandbox) -> None:
    """Maya and Kit write and write, and once Maya writes what must not be lost for anything."""
    number = 0
    while True:
        number += 1
        await until(lambda: len(_care(sandbox).waiting) < AHEAD, within=60)
        words = FRIGHTENING if number == 7 else f"{CALM} {number}"
        await people.say(MAYA if number % 2 else KIT, words)


def test_fault_12_nothing_confirmed_is_lost_by_a_torn_log(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """The real program is held at random instants and its files are copied, the log torn at random bytes."""
    seed(sqlite_database)
    sqlite_database.checkpoint()
    path = Path(sqlite_database.place.database or "")
    chance, cuts = random.Random(12), tmp_path / "cuts"
    cuts.mkdir()

    async def go() -> list[Disk]:
        disks: list[Disk] = []
        await open_phones(sandbox)
        before = confirmed(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
            bot.start()
            await bot.started()
            assert bot.process is not None
            async with sandbox.client() as people:
                writing = asyncio.create_task(talking(people, sandbox))
                while len(disks) < INSTANTS:
                    goal = len(confirmed(sandbox) - before) + chance.randrange(3, 15)
                    await until(lambda goal=goal: len(confirmed(sandbox) - before) >= goal, within=60)
                    disk = stopped(bot.process.pid, path, [])
                    disks.append(Disk(disk.file, disk.log, frozenset(confirmed(sandbox) - before)))
                writing.cancel()
        return disks

    for disk in asyncio.run(asyncio.wait_for(go(), seconds(90))):
        _survives(disk, cuts, chance)


def _survives(disk: Disk, folder: Path, chance: random.Random) -> None:
    whole = started_on(disk, disk.log, folder)
    assert (whole.refused, whole.wrong) == ("", ())
    assert disk.confirmed and disk.confirmed <= whole.kept
    settled = settled_at(disk, folder)
    for _ in range(TEARS):
        found = started_on(disk, torn(disk, chance.randint(settled, len(disk.log)), chance), folder)
        assert (found.refused, found.wrong) == ("", ()), "a torn tail is no damage"
        assert disk.confirmed <= found.kept, "Telegram was told it is kept"
        cut = started_on(disk, torn(disk, settled, chance), folder, half_written_pages(disk, settled, chance))
        assert (cut.refused, cut.wrong, disk.confirmed <= cut.kept) == ("", (), True), "cut in a checkpoint"
        lied = started_on(disk, torn(disk, chance.randrange(len(disk.log)), chance), folder)
        assert lied.refused or not lied.wrong, "a disk that lies: an earlier moment, whole, or a refusal"


def test_fault_12_a_file_whose_pages_are_gone_is_refused_loudly(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """Not what a power cut does, but what a bad disk does: never half a clinic without a word."""
    seed(sqlite_database)
    sqlite_database.checkpoint()
    path = Path(sqlite_database.place.database or "")
    disk = Disk(path.read_bytes(), b"", frozenset())
    for at in range(1, 10):
        end = len(disk.file) * at // 10 + 17
        found = started_on(disk, b"", tmp_path, disk.file[:end])
        assert "is damaged" in found.refused or "is not a database" in found.refused, at


STORE = """
import sys
from datetime import datetime, UTC
from storage import inbox
from storage.database import Database
from storage.vault import Vault
from tests.databases import MASTER_KEY
db = Database.open(sys.argv[1], Vault([MASTER_KEY]))
for number in range(5):
    db.run(lambda tx: inbox.store(tx, "care", number, 7, {}, datetime.now(UTC)))
    sys.stderr.write(f"confirmed {number}\\n")
    sys.stderr.flush()
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="what reaches the disk is seen with strace alone")
def test_fault_12_the_disk_has_it_before_anything_is_confirmed(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """The system calls themselves: after the last write to the log comes a sync, and only then the word."""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=pwrite64,fdatasync,fsync,write"]
    store = [sys.executable, "-c", STORE, str(sqlite_database.place)]
    done = subprocess.run([*command, *store], cwd=ROOT, capture_output=True, timeout=60, check=False)
    if b"ptrace" in done.stderr and done.returncode:
        pytest.skip("this machine lets nobody be traced")
    assert done.returncode == 0, done.stderr
    dirty, words = False, 0
    for line in trace.read_text().splitlines():
        if re.search(r"pwrite64\(\d+<[^>]*-wal>", line):
            dirty = True
        elif re.search(r"f(data)?sync\(\d+<[^>]*-wal>", line):
            dirty = False
        elif '"confirmed ' in line:
            words += 1
            assert not dirty, "confirmed while the log was not on the disk"
    assert words == 5


def test_fault_12_every_connection_is_set_to_sync(sqlite_database: Database) -> None:
    for open_one in (sqlite_database.transaction, sqlite_database.urgent, sqlite_database.reading):
        with open_one() as tx:
            assert tx.scalar(text("PRAGMA synchronous")) == 2
            assert tx.scalar(text("PRAGMA journal_mode")) == "wal"


def test_fault_12_postgresql_is_asked_to_sync_whatever_the_server_says(
    postgres_server: PostgresServer, vault: Vault
) -> None:
    """The tests' own server is set to answer before the disk has it: no connection of ours accepts that."""
    db = Database.open(postgres_server.new_database(), vault)
    for open_one in (db.transaction, db.urgent):
        with open_one() as tx:
            assert tx.scalar(text("SHOW synchronous_commit")) == "on"
    db.close()


def test_fault_12_postgresql_is_killed_whole_and_recovers(
    own_server: PostgresServer, sandbox: RunningSandbox, tmp_path: Path, vault: Vault
) -> None:
    """Every process of the server at once, as when the power goes, while the program writes."""
    url = own_server.new_database()
    db = Database.open(url, vault)
    seed(db)
    record = Record(db)

    async def go() -> None:
        await open_phones(sandbox)
        before = confirmed(sandbox)
        with program(sandbox, url, tmp_path) as bot:
            bot.start()
            await bot.started()
            async with sandbox.client() as people:
                writing = asyncio.create_task(talking(people, sandbox))
                await until(lambda: len(confirmed(sandbox) - before) >= 20, within=60)
                _kill_whole(own_server)
                told = confirmed(sandbox) - before
                writing.cancel()
                await people.say(KIT, FRIGHTENING)
                await asyncio.to_thread(own_server.start_again)
                await until(lambda: told <= _kept(db), within=60)
                await until(lambda: record.unhandled == 0 and record.pages_sent >= 2, within=60)
                oracle.check(db, await people.now(), urgent_replies=2, within=oracle.PAGED_WITHIN * 4)
                assert record.without_audit() == 0

    asyncio.run(asyncio.wait_for(go(), 200))
    db.close()


def _kill_whole(server: PostgresServer) -> None:
    postmaster = psutil.Process(server.pid)
    everybody = [postmaster, *postmaster.children(recursive=True)]
    for each in everybody:
        each.suspend()
    for each in everybody:
        each.kill()
    psutil.wait_procs(everybody, timeout=20)


def _kept(db: Database) -> set[int]:
    with db.reading() as tx:
        return set(tx.scalars(select(col(Inbox.update_id))))
