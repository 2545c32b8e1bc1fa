"""Updates on their way: confirmed by a later question, never lost, to one reader at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.running import RunningSandbox
from tests.sandbox.people import MAYA, api, control, look

LONG_POLL_S = 20


def texts(answer: dict[str, Any]) -> list[str]:
    return [each["message"]["text"] for each in answer["result"]]


def test_an_update_comes_again_until_a_higher_offset_confirms_it(sandbox: RunningSandbox) -> None:
    for words in ("one", "two", "three"):
        control(sandbox, "say", person=MAYA, text=words)
    first = api(sandbox, "getUpdates")
    assert texts(first) == ["one", "two", "three"]
    assert texts(api(sandbox, "getUpdates", limit=1)) == ["one"]
    offset = first["result"][0]["update_id"] + 1
    assert texts(api(sandbox, "getUpdates", offset=offset)) == ["two", "three"]
    assert texts(api(sandbox, "getUpdates")) == ["two", "three"]
    assert texts(api(sandbox, "getUpdates", offset=-1)) == ["three"]


def test_a_waiting_poll_is_answered_as_soon_as_somebody_writes(sandbox: RunningSandbox) -> None:
    found: list[dict[str, Any]] = []
    poll = threading.Thread(target=lambda: found.append(api(sandbox, "getUpdates", timeout=LONG_POLL_S)))
    began = time.monotonic()
    poll.start()
    _until_asked(sandbox, 1)
    control(sandbox, "say", person=MAYA, text="are you there")
    poll.join(LONG_POLL_S)
    assert texts(found[0]) == ["are you there"]
    assert time.monotonic() - began < LONG_POLL_S / 2


def _until_asked(sandbox: RunningSandbox, times: int) -> None:
    after = 0
    for _ in range(times):
        after = look(sandbox, "requests", method="getUpdates", after=after, wait=10)["requests"][0]["number"]


def test_a_second_reader_ends_the_first_with_a_conflict(sandbox: RunningSandbox) -> None:
    found: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: found.append(api(sandbox, "getUpdates", timeout=LONG_POLL_S)))
    first.start()
    _until_asked(sandbox, 1)
    api(sandbox, "getUpdates", timeout=0)
    first.join(LONG_POLL_S)
    assert found[0]["error_code"] == 409
    assert "terminated by other getUpdates request" in found[0]["description"]


def test_only_the_kinds_asked_for_are_delivered(sandbox: RunningSandbox) -> None:
    api(sandbox, "getUpdates", allowed_updates=["callback_query"])
    assert control(sandbox, "say", person=MAYA, text="unheard")["update_id"] is None
    api(sandbox, "getUpdates", allowed_updates=[])
    assert control(sandbox, "say", person=MAYA, text="heard")["update_id"] is not None


def test_an_old_update_can_be_delivered_again(sandbox: RunningSandbox) -> None:
    update_id = control(sandbox, "say", person=MAYA, text="one")["update_id"]
    assert api(sandbox, "getUpdates", offset=update_id + 1)["result"] == []
    control(sandbox, "redeliver", update_id=update_id)
    assert texts(api(sandbox, "getUpdates")) == ["one"]


class Hook:
    """A webhook that refuses the first few deliveries."""

    def __init__(self, refusals: int) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.refused = 0
        self.arrived = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                secret = self.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
                if hook.refused < refusals:
                    hook.refused += 1
                    self.send_response(500)
                else:
                    hook.taken.append((secret, body))
                    self.send_response(200)
                    hook.arrived.set()
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook(refusals=2)
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join(5)
    made.server.server_close()


def test_a_webhook_is_tried_again_until_it_takes_the_update(sandbox: RunningSandbox, hook: Hook) -> None:
    api(sandbox, "setWebhook", url=hook.address, secret_token="s3cret")
    control(sandbox, "say", person=MAYA, text="one")
    assert hook.arrived.wait(10)
    assert hook.refused == 2
    secret, body = hook.taken[0]
    assert secret == "s3cret"
    assert b'"one"' in body
    assert "500" in api(sandbox, "getWebhookInfo")["result"]["last_error_message"]
    assert api(sandbox, "getUpdates")["error_code"] == 409
    api(sandbox, "deleteWebhook")
    assert api(sandbox, "getUpdates")["ok"]


def test_everything_survives_a_restart_of_the_sandbox(tmp_path: Path) -> None:
    state, clock = tmp_path / "state.json", tmp_path / "clock"
    with RunningSandbox(state=state, clock_file=clock) as before:
        control(before, "person", id=MAYA, first_name="Maya")
        control(before, "say", person=MAYA, text="one")
        sent = api(before, "sendMessage", chat_id=MAYA, text="two")["result"]
        control(before, "photo", person=MAYA)
        control(before, "block", person=MAYA)
        control(before, "clock", move=7200)
    with RunningSandbox(state=state, clock_file=clock) as after:
        said = [each["text"] for each in look(after, "transcript", person=MAYA)["messages"]]
        assert said == ["one", "two", ""]
        assert len(api(after, "getUpdates")["result"]) == 3
        assert api(after, "sendMessage", chat_id=MAYA, text="x")["error_code"] == 403
        assert look(after, "clock")["offset"] == pytest.approx(7200, abs=1)
        control(after, "unblock", person=MAYA)
        assert api(after, "sendMessage", chat_id=MAYA, text="x")["result"]["message_id"] > sent["message_id"]
