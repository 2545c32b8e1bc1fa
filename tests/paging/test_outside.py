"""Outside channels: what a refusal, silence and a real service's answer come to."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

import pytest

from bot.message import Failure, Outgoing, OutgoingKind, SendError
from bot.paging.outside import HANGING_MOST, PagingSender, is_address

PAGE = "Aftercare: EMERGENCY, K-0001."
SHORT = timedelta(milliseconds=200)


def outgoing(address: str) -> Outgoing:
    return Outgoing(OutgoingKind.MESSAGE, 0, PAGE, address=address)


class Hook(http.server.BaseHTTPRequestHandler):
    """A webhook service on loopback that keeps what it was sent and answers as told."""

    bodies: ClassVar[list[bytes]] = []
    answer = 200

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[http.server.ThreadingHTTPServer]:
    Hook.bodies, Hook.answer = [], 200
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def send(sender: PagingSender, address: str) -> None:
    asyncio.run(sender.send(outgoing(address)))


def test_a_webhook_gets_level_and_code(service: http.server.ThreadingHTTPServer) -> None:
    send(PagingSender(), f"json://127.0.0.1:{service.server_port}/page")
    assert len(Hook.bodies) == 1 and b"EMERGENCY, K-0001" in Hook.bodies[0]


def test_a_service_that_refuses_is_tried_again_later(service: http.server.ThreadingHTTPServer) -> None:
    Hook.answer = 500
    with pytest.raises(SendError) as refused:
        send(PagingSender(), f"json://127.0.0.1:{service.server_port}/page")
    assert refused.value.failure is Failure.TRANSIENT


@pytest.mark.parametrize("address", ["", "nonsense", "nosuchservice://x", "tel:not-a-number", "sms://"])
def test_what_is_no_address_fails_for_good(address: str) -> None:
    assert not is_address(address)
    with pytest.raises(SendError) as refused:
        send(PagingSender(), address)
    assert refused.value.permanent


def test_a_channel_that_hangs_for_ever_is_let_go_and_holds_up_nobody() -> None:
    let_go = threading.Event()

    def notify(address: str, text: str) -> bool:
        return let_go.wait(30) if "hangs" in address else True

    async def both() -> tuple[object, object]:
        sender = PagingSender(notify, time_limit=SHORT)
        stuck = asyncio.create_task(sender.send(outgoing("json://hangs")))
        await sender.send(outgoing("json://works"))
        still_waiting = not stuck.done()
        with pytest.raises(SendError) as timed_out:
            await stuck
        return still_waiting, timed_out.value.failure

    try:
        assert asyncio.run(both()) == (True, Failure.AMBIGUOUS)
    finally:
        let_go.set()


def test_one_that_hangs_again_and_again_costs_no_more_threads() -> None:
    let_go = threading.Event()
    sender = PagingSender(lambda address, text: let_go.wait(30), time_limit=SHORT)

    async def often() -> list[Failure]:
        failures = []
        for _ in range(HANGING_MOST + 2):
            with pytest.raises(SendError) as refused:
                await sender.send(outgoing("json://hangs"))
            failures.append(refused.value.failure)
        return failures

    try:
        assert asyncio.run(often()) == [Failure.AMBIGUOUS] * HANGING_MOST + [Failure.TRANSIENT] * 2
    finally:
        let_go.set()


def test_an_error_inside_a_channel_names_no_address() -> None:
    def notify(address: str, text: str) -> bool:
        raise RuntimeError(address)

    with pytest.raises(SendError) as refused:
        send(PagingSender(notify), "json://user:secret@host")
    assert "secret" not in str(refused.value) and refused.value.__cause__ is None
