"""Reading where somebody is and when they want quiet, as people type it."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_TIME = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)
# A few places people name that the zone database does not.
PLACES = {
    "new york city": "America/New_York",
    "nyc": "America/New_York",
    "nueva york": "America/New_York",
    "boston": "America/New_York",
    "miami": "America/New_York",
    "atlanta": "America/New_York",
    "washington": "America/New_York",
    "houston": "America/Chicago",
    "dallas": "America/Chicago",
    "san antonio": "America/Chicago",
    "austin": "America/Chicago",
    "san francisco": "America/Los_Angeles",
    "san diego": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "portland": "America/Los_Angeles",
    "las vegas": "America/Los_Angeles",
    "salt lake city": "America/Denver",
    "albuquerque": "America/Denver",
    "ciudad de mexico": "America/Mexico_City",
    "barcelona": "Europe/Madrid",
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "hawaii": "Pacific/Honolulu",
    "alaska": "America/Anchorage",
}
LEGACY = ("Etc/", "SystemV/", "posix/", "right/", "US/", "Canada/", "Brazil/", "Mexico/", "Chile/")


def find_zones(text: str) -> tuple[str, ...]:
    """Return the time zones a text may name: an IANA name in any case, or its city.

    Empty when there is none; several when the city exists more than once.
    """
    wanted = _plain(text)
    if wanted in PLACES:
        return (PLACES[wanted],)
    by_name, by_city = _zones()
    if wanted in by_name:
        return (by_name[wanted],)
    return by_city.get(wanted, ())


@cache
def _zones() -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    names = [name for name in sorted(_names()) if "/" in name and not name.startswith(LEGACY)]
    cities: dict[str, tuple[str, ...]] = {}
    for name in names:
        city = _plain(name.rsplit("/", 1)[1])
        cities[city] = (*cities.get(city, ()), name)
    return {_plain(name): name for name in names}, cities


def _plain(text: str) -> str:
    flat = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in flat if not unicodedata.combining(each))
    return " ".join(letters.replace("_", " ").strip(" .!?").split())


def is_zone(name: str) -> bool:
    """Return whether `name` is exactly a time zone of the database."""
    return name in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def zones_like(zone: str, now: datetime, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return `zone` and the `known` ones, one for each clock time that differs now."""
    shown: dict[object, str] = {}
    for name in (zone, *known):
        shown.setdefault(now.astimezone(ZoneInfo(name)).utcoffset(), name)
    return tuple(shown.values())


def read_quiet_hours(text: str) -> tuple[time, time] | None:
    """Read "22:00-07:00", "9 pm to 6 am", "22 a 7"; None when it is not two clock times."""
    found = [each for each in _TIME.finditer(text.strip()) if each.group()]
    if len(found) != 2 or len(text) > 60:
        return None
    first, second = (_clock(each) for each in found)
    return (first, second) if first is not None and second is not None else None


def _clock(found: re.Match[str]) -> time | None:
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower().replace(".", "")
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
