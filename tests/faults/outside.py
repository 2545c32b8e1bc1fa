"""The world outside the clinic's machine: a dead-man switch, and a phone whose number no database holds."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.content import Content
from bot.watch import Watcher, ping, tell_outside
from storage.database import Database
from storage.vault import Vault
from tests.databases import MASTER_KEY

PERIOD = timedelta(minutes=3)


class Outside:
    """Real HTTP on loopback. `clock` says when a ping came, so that silence can be turned, not slept."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.pinged_at: list[datetime] = []
        self.told: list[str] = []
        self.address = ""

    def fired(self, now: datetime) -> bool:
        """Whether somebody outside is asking by now why nothing was heard."""
        return not self.pinged_at or now - self.pinged_at[-1] > PERIOD

    @property
    def dead_man_url(self) -> str:
        return f"http://{self.address}/ping"

    @property
    def phone(self) -> str:
        """The outside channel's address of the person on the list."""
        return f"json://{self.address}/phone"


def watcher(content: Content, database_url: str, world: Outside) -> Watcher:
    """Return the auditor of a clinic, who can reach this world."""

    def open_database() -> Database:
        return Database.open(database_url, Vault([MASTER_KEY]))

    return Watcher(content, [world.phone], open_database, lambda: ping(world.dead_man_url), tell_outside)


@contextmanager
def outside_world(clock: Callable[[], datetime]) -> Iterator[Outside]:
    world = Outside(clock)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            world.pinged_at.append(world.clock())
            self._answer()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            world.told.append(json.loads(body)["message"])
            self._answer()

        def _answer(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
