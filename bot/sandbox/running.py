"""A sandbox in a thread of its own: for tests, and for programs that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from bot.sandbox.client import Sandbox
from bot.sandbox.server import ALERT_TOKEN, CARE_TOKEN, build_app, open_board, start
from bot.sandbox.switchboard import Switchboard


class RunningSandbox:
    """Serves a sandbox on a loopback port until stopped. Use as a context manager.

    `board` may only be looked at between calls; change things through `client()`.
    """

    def __init__(self, *, state: Path | None = None, clock_file: Path | None = None, port: int = 0) -> None:
        self.clock_file = clock_file
        self.port = port
        self.board: Switchboard = open_board(state, clock_file)
        self.care_token = CARE_TOKEN
        self.alert_token = ALERT_TOKEN
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._error: BaseException | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The address bots use; a client puts `/bot<TOKEN>/<method>` behind it."""
        return self.address

    def client(self) -> Sandbox:
        return Sandbox(self.address)

    def __enter__(self) -> RunningSandbox:
        self._thread.start()
        self._ready.wait(20)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._error = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        runner, self.port = await start(build_app(self.board), self.port)
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()
