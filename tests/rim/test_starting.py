"""Starting the program on something that is not right: one clear line, an exit code, nothing lost."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bot.sandbox.running import RunningSandbox
from storage.database import Database
from tests.databases import MASTER_KEY
from tests.rim.parts import until
from tests.rim.running import FRIGHTENING, MAYA, ROOT, Program, Record, open_phones, program, seed


def start(sandbox: RunningSandbox, url: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "AFTERCARE_TOKEN": sandbox.care_token,
        "AFTERCARE_API_URL": sandbox.api_url,
        "AFTERCARE_DATABASE_URL": url,
        "AFTERCARE_MASTER_KEYS": MASTER_KEY.hex(),
        "AFTERCARE_HTTP_PORT": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=ROOT,
        env=environment | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def last_line(ended: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip().splitlines()[-1]


def test_no_database_is_never_taken_for_an_empty_clinic(sandbox: RunningSandbox, tmp_path: Path) -> None:
    ended = start(sandbox, f"sqlite:///{tmp_path / 'missing.db'}")
    assert ended.returncode == 4
    assert "there is no database here" in last_line(ended)
    assert not (tmp_path / "missing.db").exists()


def test_a_token_telegram_refuses(sandbox: RunningSandbox, sqlite_database: Database) -> None:
    ended = start(sandbox, str(sqlite_database.place), AFTERCARE_TOKEN="123456789:AAnot-the-token-of-any-bot")
    assert ended.returncode == 2
    assert "token: Telegram refuses it" in ended.stderr
    assert "AAnot-the-token" not in ended.stderr


def test_a_port_that_is_taken(sandbox: RunningSandbox, sqlite_database: Database) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = start(sandbox, str(sqlite_database.place), AFTERCARE_HTTP_PORT=str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "http_port" in ended.stderr


def test_a_second_program_on_the_same_file(
    sandbox: RunningSandbox, sqlite_database: Database, tmp_path: Path
) -> None:
    async def go() -> None:
        with program(sandbox, str(sqlite_database.place), tmp_path) as first:
            first.start()
            await first.started()
            ended = await asyncio.to_thread(start, sandbox, str(sqlite_database.place))
            assert ended.returncode == 4
            assert first.process is not None
            assert f"process {first.process.pid}" in last_line(ended)

    asyncio.run(go())


def test_an_api_that_cannot_be_reached_is_waited_for(
    sandbox: RunningSandbox, sqlite_database: Database, tmp_path: Path
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                bot.start(AFTERCARE_API_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
                await until(lambda: "cannot be reached; trying again" in bot.log, within=40)
            assert bot.process is not None
            assert bot.process.poll() is None
            assert bot.stop() == 0

    asyncio.run(go())


async def _get(bot: Program, path: str) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.get(f"http://127.0.0.1:{bot.port}{path}", timeout=10)


@pytest.mark.parametrize("alert_bot", [False, True])
def test_from_a_reply_to_its_page_nothing_of_it_is_in_the_log(
    sandbox: RunningSandbox, sqlite_database: Database, tmp_path: Path, alert_bot: bool
) -> None:
    seed(sqlite_database)
    more = {"AFTERCARE_ALERT_TOKEN": sandbox.alert_token} if alert_bot else {}

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path, **more) as bot:
            bot.start(AFTERCARE_LOG_LEVEL="DEBUG")
            await bot.started()
            async with sandbox.client() as people:
                await people.start(901, bot="alert")
                await people.say(MAYA, FRIGHTENING)
                await people.wait_for(901, "K-0", bot="alert" if alert_bot else "care")
                await until(lambda: Record(sqlite_database).pages_sent == 1)
            metrics = (await _get(bot, "/metrics")).text
            assert (await _get(bot, "/healthz")).status_code == 200
            assert bot.stop() == 0
            for told in (bot.log, metrics):
                for secret in (
                    "kill",
                    "pills",
                    "K-0",
                    "Person",
                    sandbox.care_token,
                    sandbox.alert_token,
                ):
                    assert secret not in told, secret
                # Times, ports and process ids may hold the same digits by chance.
                assert not re.search(rf"(?<![\d.:=]){MAYA}(?!\d)|chat\w*={MAYA}", told)

    asyncio.run(go())
