"""Logging: an event's name, ids, counts and durations. Secrets and people's words never get out."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OURS = ("bot", "storage", "aftercare")
NOISY = (
    "httpx",
    "httpcore",
    "aiohttp",
    "apscheduler",
    "telegram",
    "apprise",
    "alembic",
    "sqlalchemy",
    "matplotlib",
)
TOKEN = re.compile(r"\d{3,}(?::|%3A)[A-Za-z0-9_-]{8,}")
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
HIDDEN = "[hidden]"


class SafeFormatter(logging.Formatter):
    """One line an event.

    Redacts inside the formatter, because an error raised here is met by the handler, while one
    raised by a filter would stop the program. Of an exception only its type and place are shown,
    of other libraries' lines only the template: their arguments may hold what a patient wrote.
    """

    def __init__(self, secrets: Iterable[str] = (), *, as_json: bool = False) -> None:
        super().__init__()
        self._secrets = tuple(each for each in secrets if each)
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        line = _line(_event_of(record), self._as_json)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return TOKEN.sub(HIDDEN, line)


def _event_of(record: logging.LogRecord) -> dict[str, Any]:
    ours = record.name.partition(".")[0] in OURS
    event = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage() if ours else f"{record.name}: {record.msg}",
    }
    if ours:
        event |= {key: value for key, value in vars(record).items() if key not in STANDARD}
    if record.exc_info and record.exc_info[1] is not None:
        event["error"] = place_of(record.exc_info[1])
    return event


def _line(event: Mapping[str, Any], as_json: bool) -> str:
    if as_json:
        return json.dumps(event, default=str)
    at, level, name, *more = event.values()
    words = [f"{key}={value}" for key, value in list(event.items())[3:]] if more else []
    return " ".join([str(at), str(level).upper(), " ".join(str(name).split()), *words])


def place_of(error: BaseException) -> str:
    """Return an exception's type and where it was raised, never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def set_up_logging(level: str = "INFO", *, as_json: bool = False, secrets: Iterable[str] = ()) -> None:
    """Send every log line through `SafeFormatter` to standard error, and to nowhere else."""
    logging.raiseExceptions = False  # a full disk under the log must not stop a page
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter(secrets, as_json=as_json))
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # our own tick reports what fails
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines hold whole addresses
