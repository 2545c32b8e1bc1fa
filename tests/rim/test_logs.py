"""The log: event names, ids and counts; no secret, no word of a patient, and it stops nothing."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from bot.logs import SafeFormatter, set_up_logging

TOKEN = "123456789:AAexample-of-no-real-bot-at-all"


@pytest.fixture
def _own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], logging.raiseExceptions = before, raising
    root.setLevel(level)
    logging.captureWarnings(False)


def line(name: str, message: str, *arguments: object, **extra: object) -> str:
    record = logging.getLogger(name).makeRecord(
        name, logging.ERROR, "file", 1, message, arguments, None, extra=extra
    )
    return SafeFormatter(["hunter2"]).format(record)


def test_an_event_is_its_name_and_its_numbers() -> None:
    assert line("bot.intake", "reply.stored", checkin="01m7", took_ms=12).endswith(
        "ERROR reply.stored checkin=01m7 took_ms=12"
    )


@pytest.mark.parametrize(
    "text", [f"/bot{TOKEN}/getMe", f"file/bot{TOKEN.replace(':', '%3A')}/x", "pw=hunter2"]
)
def test_tokens_and_known_secrets_are_hidden(text: str) -> None:
    shown = line("bot.app", "event", address=text)
    assert "AAexample" not in shown
    assert "hunter2" not in shown
    assert "[hidden]" in shown


def test_of_other_peoples_lines_only_the_template_is_kept() -> None:
    shown = line("telegram.Bot", "could not read %s", "I want to die")
    assert "could not read %s" in shown
    assert "die" not in shown


def test_an_exception_is_its_type_and_place_never_its_text() -> None:
    try:
        raise ValueError("I want to die")
    except ValueError:
        record = logging.getLogger("bot").makeRecord(
            "bot", logging.ERROR, "file", 1, "broke", (), sys.exc_info()
        )
    shown = SafeFormatter().format(record)
    assert "error=ValueError at test_logs.py:" in shown
    assert "die" not in shown


def test_one_event_is_one_line() -> None:
    assert "\n" not in line("bot", "first\nCRITICAL second")


def test_json_lines_can_be_read_back() -> None:
    record = logging.getLogger("bot").makeRecord(
        "bot", logging.INFO, "file", 1, "reply.stored", (), None, extra={"checkin": "01m7"}
    )
    event = json.loads(SafeFormatter(as_json=True).format(record))
    assert (event["event"], event["level"], event["checkin"]) == ("reply.stored", "info", "01m7")


class FullDisk:
    """Where the log goes when there is no room for it."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("_own_logging")
def test_fault_74_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    set_up_logging()
    logging.getLogger("bot").error("page.sent", extra={"page": "01m7"})


@pytest.mark.usefixtures("_own_logging")
def test_the_http_libraries_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    logging.getLogger("httpx").info("HTTP Request: POST https://api.telegram.org/bot%s/getMe", TOKEN)
    logging.getLogger("bot.app").info("app.started")
    shown = capsys.readouterr().err
    assert "app.started" in shown
    assert "getMe" not in shown
