"""Reading an iCalendar file into who-from-when-to-when: recurrences, exceptions, zones, all-day shifts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import x_wr_timezone

MOST_BYTES = 5_000_000
MOST_EVENTS = 5_000
MOST_SHIFTS = 3_000
TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
LONGEST = timedelta(days=366)
LOOKS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))


class CalendarError(Exception):
    """The calendar cannot be used. Carries every problem in words, never the calendar's text."""

    def __init__(self, *problems: str) -> None:
        super().__init__(f"{len(problems)} problems in the calendar")
        self.problems = problems


@dataclass(frozen=True)
class Entry:
    """One shift as the calendar has it: instants in UTC, the title and the e-mails it names."""

    starts_at: datetime
    ends_at: datetime
    title: str
    emails: tuple[str, ...] = ()
    uid: str = ""


def read_calendar(raw: bytes, start: datetime, end: datetime, zone: str) -> tuple[Entry, ...]:
    """Return the shifts that touch the time from `start` to `end`, in order of their beginning.

    Times without a zone, and whole days, are those of the calendar's own zone, or of `zone` when it
    names none. Cancelled events are left out.

    Raises:
        CalendarError: it is no calendar, is empty, too large, or holds something that cannot be placed.
    """
    calendar = _parsed(raw)
    events = list(calendar.walk("VEVENT"))
    problems = tuple(dict.fromkeys(problem for event in events for problem in _problems_of(event)))
    if problems:
        raise CalendarError(*problems)
    local = ZoneInfo(_own_zone(calendar) or zone)
    placed = x_wr_timezone.to_standard(calendar)
    found = _occurrences(placed, start, end)
    entries = [entry for each in found if (entry := _entry(each, local)) is not None]
    return tuple(sorted(entries, key=lambda each: (each.starts_at, each.ends_at, each.title)))


def _occurrences(calendar: icalendar.Calendar, start: datetime, end: datetime) -> list[Any]:
    """Return every occurrence in the span; a calendar with too many is noticed after its first days."""
    query = recurring_ical_events.of(calendar)
    found: list[Any] = []
    for until in (*(start + each for each in LOOKS), end):
        found = query.between(start, min(until, end))
        if len(found) > MOST_SHIFTS:
            raise CalendarError(f"it has over {MOST_SHIFTS} shifts in the weeks ahead, which is the limit")
    return found


def _parsed(raw: bytes) -> icalendar.Calendar:
    if len(raw) > MOST_BYTES:
        raise CalendarError(f"it has {len(raw)} bytes; the limit is {MOST_BYTES}")
    head = raw.lstrip()[:200].lower()
    if not head:
        raise CalendarError("it is empty")
    if head.startswith(b"<"):
        raise CalendarError("it is a web page, perhaps a log-in page, and no calendar; check the address")
    count = raw.upper().count(b"BEGIN:VEVENT")
    if count > MOST_EVENTS:
        raise CalendarError(f"it has {count} events; the limit is {MOST_EVENTS}")
    if count == 0:
        raise CalendarError("it has no event")
    try:
        parsed = icalendar.Calendar.from_ical(raw)
    except (ValueError, KeyError, IndexError, TypeError):
        raise CalendarError("it is not an iCalendar file that can be read") from None
    if not isinstance(parsed, icalendar.Calendar):
        raise CalendarError("it is not a calendar")
    return parsed


def _problems_of(event: Any) -> Iterator[str]:
    if event.errors:
        names = sorted({str(name) for name, _ in event.errors})
        yield f"an event has a {', '.join(names)} that cannot be read"
    if "DTSTART" not in event:
        yield "an event has no beginning (DTSTART)"
        return
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        value = event.get(name)
        given = value.params.get("TZID", "") if value is not None and hasattr(value, "params") else ""
        if given and isinstance(value.dt, datetime) and value.dt.tzinfo is None:
            yield f'the time zone "{given[:60]}" is unknown; use a name like America/Chicago'
    for rule in _rules(event):
        frequency = str(next(iter(rule.get("FREQ", [])), "")).upper()
        if frequency in TOO_OFTEN:
            yield f"an event repeats {frequency.lower()}; shifts repeat daily at most"


def _rules(event: Any) -> Iterable[Any]:
    rules = event.get("RRULE", [])
    return rules if isinstance(rules, list) else [rules]


def _own_zone(calendar: icalendar.Calendar) -> str:
    name = str(calendar.get("X-WR-TIMEZONE", ""))
    try:
        return name and ZoneInfo(name).key
    except (ValueError, OSError):
        raise CalendarError(
            f'the time zone "{name[:60]}" is unknown; use a name like America/Chicago'
        ) from None


def _entry(event: Any, local: ZoneInfo) -> Entry | None:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    begins = event["DTSTART"].dt
    starts_at = _instant(begins, local)
    ends_at = _instant(_ends(event, begins), local)
    if not starts_at < ends_at or ends_at - starts_at > LONGEST:
        return None
    return Entry(
        starts_at, ends_at, str(event.get("SUMMARY", "")).strip(), _emails(event), str(event.get("UID", ""))
    )


def _ends(event: Any, begins: date) -> date:
    """Return the end an occurrence has: its own, its beginning and duration, or the day it fills."""
    if event.get("DTEND") is not None:
        end: date = event["DTEND"].dt
        return end
    if event.get("DURATION") is not None:
        return begins + timedelta(seconds=event["DURATION"].dt.total_seconds())
    return begins if isinstance(begins, datetime) else begins + timedelta(days=1)


def _instant(at: date, local: ZoneInfo) -> datetime:
    moment = at if isinstance(at, datetime) else datetime.combine(at, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC)


def _emails(event: Any) -> tuple[str, ...]:
    """Return the addresses of those attending, and any in the title or description."""
    attendees = event.get("ATTENDEE", [])
    listed = attendees if isinstance(attendees, list) else [attendees]
    text = " ".join([*map(str, listed), str(event.get("SUMMARY", "")), str(event.get("DESCRIPTION", ""))])
    return tuple(dict.fromkeys(each.lower() for each in re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]*\w", text)))
