"""Nothing a patient wrote, and no name, chat id, rating or token, leaves by log, metrics or page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from bot.sandbox.running import RunningSandbox
from storage.database import Database
from tests.rim.parts import until
from tests.rim.running import FIRST, MAYA, Record, open_phones, program, seed

CANARY = "zyzzogeton"
WORDS = f"I am going to kill myself tonight, {CANARY}"
NAME = "Quibblethorpe"


def test_log_metrics_and_page_hold_no_word_name_chat_or_token(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    seed(sqlite_database)
    record = Record(sqlite_database)
    url = sqlite_database.place.render_as_string(hide_password=False)

    async def go() -> tuple[str, str, str, str]:
        await open_phones(sandbox)
        with program(sandbox, url, tmp_path, AFTERCARE_LOG_LEVEL="DEBUG") as bot:
            bot.start()
            async with sandbox.client() as people:
                await people.person(MAYA, NAME)
                await people.fault("sendMessage", status=500, times=2)
                await people.say(MAYA, WORDS)
                await people.send(MAYA, "voice", b"OggS", caption=CANARY)
                page = await people.wait_for(FIRST, "K-00", within=40)
                await until(lambda: record.unhandled == 0 and record.on_the_way == 0, within=40)
            async with httpx.AsyncClient() as http:
                metrics = (await http.get(f"http://127.0.0.1:{bot.port}/metrics")).text
                ready = (await http.get(f"http://127.0.0.1:{bot.port}/readyz")).text
            assert bot.stop() == 0
            return bot.log, metrics, ready, page.text

    log, metrics, ready, page = asyncio.run(asyncio.wait_for(go(), 150))

    assert "app.started" in log and "aftercare_" in metrics, "there is something to look through"
    for where, text in (("log", log), ("metrics", metrics), ("readyz", ready), ("page", page)):
        for what, secret in (
            ("a word", CANARY),
            ("words", "kill myself"),
            ("a name", NAME),
            ("a token", sandbox.care_token.partition(":")[2]),
        ):
            assert secret not in text, f"{what} of the patient or the clinic is in the {where}"
    for where, text in (("log", log), ("metrics", metrics), ("readyz", ready)):
        assert str(MAYA) not in text, f"the chat id of the patient is in the {where}"
