"""Reading when something happened, as staff type it. Nothing is guessed: what is unclear is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\s*(am|pm)?|(\d{1,2})\s*(am|pm)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_FIRST_OR_SECOND = {"first": 0, "primera": 0, "second": 1, "segunda": 1}
TODAY = frozenset({"today", "hoy"})
YESTERDAY = frozenset({"yesterday", "ayer"})
TOMORROW = frozenset({"tomorrow", "mañana", "manana"})
FILLER = frozenset({"at", "a", "las", "until", "till", "hasta", "el", "on"})
FARTHEST = timedelta(days=60)


class Unclear(StrEnum):
    """Why a time was not taken. Each has its own sentence."""

    NOT_READ = "not_read"
    NO_SUCH_TIME = "no_such_time"  # 25:00, or the 30th of February
    SKIPPED = "skipped"  # the clocks went forward over it
    TWICE = "twice"  # the clocks went back: which of the two
    TOO_FAR = "too_far"


@dataclass(frozen=True)
class SaidTime:
    """An instant in UTC, or why there is none."""

    at: datetime | None
    unclear: Unclear | None = None


def read_time(text: str, now: datetime, zone: str) -> SaidTime:
    """Return the instant a text like "today 14:30", "9 pm", "2026-11-02 10:00" names in `zone`.

    No text is now. A clock time alone is today's. A time the clocks skipped, or that comes twice without
    "first" or "second", is not decided here.
    """
    words = text.lower().split()
    if not words or words in (["now"], ["ahora"]):
        return SaidTime(now)
    local = now.astimezone(ZoneInfo(zone))
    fold = next((_FIRST_OR_SECOND[each] for each in words if each in _FIRST_OR_SECOND), None)
    rest = " ".join(each for each in words if each not in FILLER | _FIRST_OR_SECOND.keys())
    try:
        day, rest = _take_day(rest, local.date())
        at = _clock(rest)
    except ValueError:
        return SaidTime(None, Unclear.NO_SUCH_TIME)
    if day is None or at is None:
        return SaidTime(None, Unclear.NOT_READ)
    return _instant(datetime.combine(day, at), ZoneInfo(zone), fold, now)


def _take_day(text: str, today: date) -> tuple[date | None, str]:
    """Return the day a text begins or ends with and what is left of it.

    Raises:
        ValueError: there is no such day.
    """
    found = _DATE.search(text)
    if found:
        year, month, day = (int(each) for each in found.groups())
        return date(year, month, day), (text[: found.start()] + text[found.end() :]).strip()
    for names, days in ((TODAY, 0), (YESTERDAY, -1), (TOMORROW, 1)):
        for name in names:
            if name in text.split():
                return today + timedelta(days=days), text.replace(name, "", 1).strip()
    return today, text


def _clock(text: str) -> time | None:
    """Return the clock time that is the whole of a text, None when it is none.

    Raises:
        ValueError: it looks like one, but there is no such time.
    """
    found = _CLOCK.fullmatch(text)
    if not found:
        return None
    hour, minute = int(found[1] or found[4]), int(found[2] or 0)
    half = (found[3] or found[5] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(text)
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute)


def _instant(local: datetime, zone: ZoneInfo, fold: int | None, now: datetime) -> SaidTime:
    first, second = (local.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != local:
        return SaidTime(None, Unclear.SKIPPED)
    if first != second and fold is None:
        return SaidTime(None, Unclear.TWICE)
    at = second if fold == 1 else first
    if abs(at - now) > FARTHEST:
        return SaidTime(None, Unclear.TOO_FAR)
    return SaidTime(at)
