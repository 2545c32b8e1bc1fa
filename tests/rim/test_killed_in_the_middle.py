"""Ten replies, a `kill -9` after the second is kept, a restart: who still has them all?"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from sqlmodel import select

from bot.sandbox.running import RunningSandbox
from storage.database import Database
from storage.tables import Message
from storage.vault import unseal
from tests.rim.parts import until
from tests.rim.running import MAYA, ROOT, Record, open_phones, program, seed

REPLIES = [f"Slept {hours} hours and went out." for hours in range(10)]


async def say_them_all(sandbox: RunningSandbox) -> None:
    async with sandbox.client() as people:
        for reply in REPLIES:
            await people.say(MAYA, reply)


def test_ours_has_kept_every_reply_once(
    sandbox: RunningSandbox, sqlite_database: Database, tmp_path: Path
) -> None:
    seed(sqlite_database)
    record = Record(sqlite_database)

    async def go() -> None:
        await open_phones(sandbox)
        await say_them_all(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
            bot.start()
            await until(lambda: record.messages >= 2, within=40)
            bot.kill()
            bot.start()
            await until(lambda: record.messages == 10 and record.unhandled == 0, within=40)

    asyncio.run(go())
    with sqlite_database.reading() as tx:
        kept = [unseal(tx, row, "text_sealed") for row in tx.exec(select(Message).where(Message.incoming))]
    assert sorted(each or "" for each in kept) == REPLIES


def test_the_librarys_own_polling_has_not(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """It confirms a batch to Telegram before anything was done with it. This is why ours has its own loop."""
    kept = tmp_path / "kept"
    kept.touch()

    def start() -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "AFTERCARE_TOKEN": sandbox.care_token,
            "AFTERCARE_API_URL": sandbox.api_url,
        }
        command = [sys.executable, "-m", "tests.rim.stock_bot", str(kept)]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)

    def lines() -> list[str]:
        return [line for line in kept.read_text().splitlines() if line in REPLIES]

    async def go() -> None:
        await open_phones(sandbox)
        await say_them_all(sandbox)
        process = start()
        try:
            await until(lambda: len(lines()) >= 2, within=40)
        finally:
            process.kill()
            process.wait(20)
        process = start()
        try:
            async with sandbox.client() as people:
                await people.say(MAYA, "Are you back?")
                await until(lambda: "Are you back?" in kept.read_text(), within=40)
        finally:
            process.kill()
            process.wait(20)

    asyncio.run(go())
    assert len(lines()) < 10
