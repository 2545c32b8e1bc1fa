"""Reading an iCalendar file into who-from-when-to-when: recurrences, exceptions, zones, all-day shifts."""

from __future__ import annotations

import codecs
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import x_wr_timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

MOST_BYTES = 5_000_000
MOST_EVENTS = 5_000
MOST_SHIFTS = 3_000
MOST_DATES = 2_000_000
"""So many dates are gone through in about ten seconds: a rule is followed from its beginning on."""

SPARSE = {"WEEKLY": 7, "MONTHLY": 14, "YEARLY": 14}
"""How many days of such a rule take as long as one of a daily one."""

TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
LONGEST = timedelta(days=366)
LOOKS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)
"""What the libraries raise for text that is no calendar, or a calendar no program would write."""

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# A zone's name with its vendor before it is read as meant; whoever imports need not hear of that.
warnings.filterwarnings("ignore", category=icalendar.GloballyUniqueTZIDGuessed)


class CalendarError(Exception):
    """The calendar cannot be used. Carries every problem in words, never the calendar's text."""

    def __init__(self, *problems: str) -> None:
        super().__init__(f"{len(problems)} problems in the calendar")
        self.problems = problems


@dataclass(frozen=True)
class Entry:
    """One shift as the calendar has it: instants in UTC, the title, the e-mails and people it names."""

    starts_at: datetime
    ends_at: datetime
    title: str
    emails: tuple[str, ...] = ()
    attendees: tuple[str, ...] = ()
    uid: str = ""

    @property
    def problem(self) -> str:
        """What keeps it from being a shift, "" when nothing does."""
        if self.starts_at >= self.ends_at:
            return "has no end; give it one, or a duration"
        return "is longer than a year" if self.ends_at - self.starts_at > LONGEST else ""


def read_calendar(raw: bytes, start: datetime, end: datetime, zone: str) -> tuple[Entry, ...]:
    """Return the shifts that touch the time from `start` to `end`, in order of their beginning.

    Times without a zone, and whole days, are those of the calendar's own zone, or of `zone` when it
    names none. Cancelled events are left out; an entry that is no shift says so in its `problem`.

    Raises:
        CalendarError: it is no calendar, is empty, too large, or holds something that cannot be placed.
    """
    calendars = _parsed(raw)
    try:
        entries = list(_placed(calendars, start, end, zone))
    except UNREADABLE:
        raise CalendarError("it holds an event that cannot be placed in time") from None
    return tuple(sorted(entries, key=lambda each: (each.starts_at, each.ends_at, each.title)))


def _placed(
    calendars: Iterable[icalendar.Calendar], start: datetime, end: datetime, zone: str
) -> Iterator[Entry]:
    events = [event for each in calendars for event in each.walk("VEVENT")]
    problems = tuple(dict.fromkeys(problem for event in events for problem in _problems_of(event)))
    if problems:
        raise CalendarError(*problems)
    if sum(_dates(event, end) for event in events) > MOST_DATES:
        raise CalendarError("it repeats from so long ago that it cannot be gone through; begin it later")
    for each in calendars:
        yield from _entries(each, start, end, zone)


def _entries(calendar: icalendar.Calendar, start: datetime, end: datetime, zone: str) -> Iterator[Entry]:
    own = _own_zone(calendar)
    calendar.pop("X-WR-TIMEZONE", None)
    if own:
        calendar["X-WR-TIMEZONE"] = own.key
    for each in _occurrences(x_wr_timezone.to_standard(calendar), start, end):
        if str(each.get("STATUS", "")).upper() != "CANCELLED":
            yield _entry(each, own or ZoneInfo(zone))


def _occurrences(calendar: icalendar.Calendar, start: datetime, end: datetime) -> list[Any]:
    """Return every occurrence in the span; a calendar with too many is noticed after its first days."""
    query = recurring_ical_events.of(calendar)
    found: list[Any] = []
    for until in (*(start + each for each in LOOKS), end):
        found = query.between(start, min(until, end))
        if len(found) > MOST_SHIFTS:
            raise CalendarError(f"it has over {MOST_SHIFTS} shifts in the weeks ahead, which is the limit")
    return found


def _parsed(raw: bytes) -> list[icalendar.Calendar]:
    """Return what the file holds: a calendar, or several one after the other."""
    if len(raw) > MOST_BYTES:
        raise CalendarError(f"it has {len(raw)} bytes; the limit is {MOST_BYTES}")
    text = _text(raw).lstrip()
    if not text:
        raise CalendarError("it is empty")
    if text.startswith("<"):
        raise CalendarError("it is a web page, perhaps a log-in page, and no calendar; check the address")
    count = text.upper().count("BEGIN:VEVENT")
    if count > MOST_EVENTS:
        raise CalendarError(f"it has {count} events; the limit is {MOST_EVENTS}")
    if count == 0:
        raise CalendarError("it has no event")
    try:
        parsed: Any = icalendar.Calendar.from_ical(text, multiple=True)
    except UNREADABLE:
        parsed = []
    if not parsed:
        raise CalendarError("it is not an iCalendar file that can be read")
    if not all(isinstance(each, icalendar.Calendar) for each in parsed):
        raise CalendarError("it is not a calendar")
    return list(parsed)


def _text(raw: bytes) -> str:
    """Return the file's text: UTF-8, or as older programs on Windows write it.

    A long line may be folded in the middle of a letter, so lines are joined before they are read.
    """
    if raw.startswith(UTF16):
        return raw.decode("utf-16", "replace")
    joined = re.sub(rb"\r?\n[ \t]", b"", raw)
    try:
        return joined.decode("utf-8-sig")
    except UnicodeDecodeError:
        return joined.decode("latin-1")


def _problems_of(event: Any) -> Iterator[str]:
    if event.errors:
        names = sorted({str(name or "line") for name, _ in event.errors})
        yield f"an event has a {', '.join(names)} that cannot be read"
        return
    if "DTSTART" not in event:
        yield "an event has no beginning (DTSTART)"
        return
    if _ends_first(event):
        yield "an event ends before it begins"
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        value = event.get(name)
        given = value.params.get("TZID", "") if value is not None and hasattr(value, "params") else ""
        if given and isinstance(value.dt, datetime) and value.dt.tzinfo is None:
            yield f'the time zone "{given[:60]}" is unknown; use a name like America/Chicago'
    for rule in _rules(event):
        frequency = _frequency(rule)
        if frequency in TOO_OFTEN:
            yield f"an event repeats {frequency.lower()}; shifts repeat daily at most"
        if not frequency or min(rule.get("INTERVAL", [1])) < 1:
            yield "an event repeats by a rule that says not how often (FREQ, INTERVAL)"


def _ends_first(event: Any) -> bool:
    begins = event["DTSTART"].dt
    local = (begins.tzinfo if isinstance(begins, datetime) else None) or UTC
    return _instant(_ends(event, begins), local) < _instant(begins, local)


def _dates(event: Any, end: datetime) -> int:
    """Return about how many dates must be gone through to find the event's occurrences up to `end`."""
    begins = _instant(event["DTSTART"].dt, UTC)
    return sum(_dates_of(rule, max(0, (end - begins).days)) for rule in _rules(event))


def _dates_of(rule: Any, days: int) -> int:
    a_day = math.prod(max(1, len(rule.get(part, []))) for part in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    return days // SPARSE.get(_frequency(rule), 1) + days * (a_day - 1)


def _frequency(rule: Any) -> str:
    return str(next(iter(rule.get("FREQ", [])), "")).upper()


def _rules(event: Any) -> Iterable[Any]:
    return _listed(event, "RRULE")


def _own_zone(calendar: icalendar.Calendar) -> ZoneInfo | None:
    name = str(calendar.get("X-WR-TIMEZONE", ""))
    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name)) if name else None
    except (ValueError, KeyError, OSError):
        raise CalendarError(
            f'the time zone "{name[:60]}" is unknown; use a name like America/Chicago'
        ) from None


def _entry(event: Any, local: ZoneInfo) -> Entry:
    begins = event["DTSTART"].dt
    return Entry(
        _instant(begins, local), _instant(_ends(event, begins), local), str(event.get("SUMMARY", "")).strip(),
        _emails(event), _attendees(event), str(event.get("UID", "")),
    )  # fmt: skip


def _ends(event: Any, begins: date) -> date:
    """Return the end an occurrence has: its own, its beginning and duration, or the day it fills."""
    if event.get("DTEND") is not None:
        end: date = event["DTEND"].dt
        return end if isinstance(end, datetime) else max(end, begins + timedelta(days=1))
    if event.get("DURATION") is not None:
        return begins + timedelta(seconds=event["DURATION"].dt.total_seconds())
    return begins if isinstance(begins, datetime) else begins + timedelta(days=1)


def _instant(at: date, local: tzinfo) -> datetime:
    moment = at if isinstance(at, datetime) else datetime.combine(at, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC)


def _emails(event: Any) -> tuple[str, ...]:
    """Return the addresses of those attending, and any in the title or description."""
    listed = map(str, _listed(event, "ATTENDEE"))
    text = " ".join([*listed, str(event.get("SUMMARY", "")), str(event.get("DESCRIPTION", ""))])
    return tuple(dict.fromkeys(each.lower() for each in re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]*\w", text)))


def _attendees(event: Any) -> tuple[str, ...]:
    """Return the names of those attending."""
    names = (str(each.params.get("CN", "")).strip() for each in _listed(event, "ATTENDEE"))
    return tuple(dict.fromkeys(each for each in names if each))


def _listed(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]
