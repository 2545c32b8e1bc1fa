"""The demonstration: a sandbox, the real bot, invented people, and one address to open.

Everything lives in one folder, which is emptied first: key, database, clock, chats, the bot's log.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shutil
import signal
import time
import tomllib
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.content import load_content, prompts_folder
from bot.flows.clinic import Clinic
from bot.sandbox import cast
from bot.sandbox.child import Child
from bot.sandbox.client import Sandbox, SandboxError
from bot.sandbox.demo_routes import DemoRoutes
from bot.sandbox.server import CARE_TOKEN, build_app, open_board, start
from bot.sandbox.switchboard import Switchboard
from storage.database import Database
from storage.marks import mark
from storage.vault import Vault

FILES = ("key", "clock", "sandbox.json", "bot.log", "aftercare.db", "aftercare.db-wal", "aftercare.db-shm")
OPENING_HOUR, OPENING_MINUTE = 12, 28
"""The clinic's clock when the visitor comes: two hours after a treatment that ended in the morning."""

INTRODUCED_WITHIN_S = 40.0


@dataclass(frozen=True)
class Place:
    """The demonstration's folder."""

    folder: Path

    @classmethod
    def fresh(cls, folder: Path) -> Place:
        """Empty the folder of what an earlier demonstration left, and make a key only its owner can read."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            with suppress(FileNotFoundError):
                (folder / name).unlink()
        shutil.rmtree(folder / "exports", ignore_errors=True)
        place = cls(folder)
        with os.fdopen(os.open(place.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as key:
            key.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        return place

    @property
    def key_file(self) -> Path:
        return self.folder / "key"

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock"

    @property
    def log(self) -> Path:
        return self.folder / "bot.log"

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder.resolve() / 'aftercare.db'}"

    def open_database(self) -> Database:
        vault = Vault([base64.b64decode(self.key_file.read_text())])
        db = Database.open(self.database_url, vault, create=True)
        db.migrate()
        return db

    def environment(self, address: str) -> dict[str, str]:
        """Return the settings the real bot runs with."""
        return {
            "AFTERCARE_TOKEN": CARE_TOKEN,
            "AFTERCARE_API_URL": address,
            "AFTERCARE_DATABASE_URL": self.database_url,
            "AFTERCARE_KEY_FILE": str(self.key_file.resolve()),
            "AFTERCARE_CLOCK_FILE": str(self.clock_file.resolve()),
            "AFTERCARE_HTTP_PORT": "0",
        }


def run_demo(folder: Path, port: int, open_seconds: float | None = None) -> int:
    """Run the demonstration until Ctrl-C, or for `open_seconds` once it is ready; return the exit code.

    Raises:
        ContentError, StorageError: it cannot start, with every problem of its kind.
    """
    try:
        place = Place.fresh(folder)
    except OSError as error:
        print(f"{folder}: {error.strerror}; take another folder: aftercare demo --folder DIRECTORY")
        return 4
    return asyncio.run(_run(place, port, open_seconds))


async def _run(place: Place, port: int, open_seconds: float | None) -> int:
    board = open_board(place.folder / "sandbox.json", place.clock_file)
    board.clock.set_to(_opening_time(_clinic_zone()))
    with closing(place.open_database()) as db:
        routes = DemoRoutes(board, place.folder / "exports")
        try:
            runner, port = await start(build_app(board, routes.add_to), port)
        except OSError as error:
            print(f"port {port}: {error.strerror}; take another: aftercare demo --port {port + 1}")
            return 2
        try:
            return await _open(place, routes, db, f"http://127.0.0.1:{port}", open_seconds)
        finally:
            await runner.cleanup()


async def _open(
    place: Place, routes: DemoRoutes, db: Database, address: str, open_seconds: float | None
) -> int:
    """Start the bot, bring the people in, and stay open; the content is read while the bot starts."""
    began = time.monotonic()
    stop = _stop_at_signals()
    child = routes.child = Child(place.environment(address), place.log)
    child.start()
    try:
        clinic = routes.clinic = Clinic(db, await asyncio.to_thread(load_content))
        await _settle_in(clinic, routes.board, address)
        print(f"\n  Aftercare is running. Open  {address}\n", flush=True)
        print(f"  Ready after {time.monotonic() - began:.1f} s. Stop with Ctrl-C.\n", flush=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), open_seconds)
    except SandboxError as error:
        print(f"The demonstration could not start: {error}\n{child.last_words()}\nThe bot's log: {place.log}")
        return 1
    finally:
        await asyncio.to_thread(child.stop)
    return 0


async def _settle_in(clinic: Clinic, board: Switchboard, address: str) -> None:
    now: Callable[[], datetime] = board.clock.moment
    async with Sandbox(address) as sandbox:
        await cast.until(lambda: _introduced(clinic), "the bot does not start", INTRODUCED_WITHIN_S)
        await cast.enter(clinic, sandbox, now)


def _introduced(clinic: Clinic) -> bool:
    with clinic.db.reading() as tx:
        return mark(tx, "bot:care") is not None


def _clinic_zone() -> str:
    """Return the clinic's time zone without reading all content: the bot's clock is set before it starts."""
    with (prompts_folder() / "sites" / f"{cast.SITE}.toml").open("rb") as file:
        return str(tomllib.load(file)["zone"])


def _opening_time(zone: str) -> datetime:
    """Return today's opening moment at the clinic, as an instant."""
    today = datetime.now(ZoneInfo(zone))
    return today.replace(hour=OPENING_HOUR, minute=OPENING_MINUTE, second=0, microsecond=0).astimezone(UTC)


def _stop_at_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
