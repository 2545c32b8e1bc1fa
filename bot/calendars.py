"""Which calendars are read again and again into the rota, as the settings name them: one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

TIERS = ("1", "2", "3")
ENCRYPTED = ("https://", "webcal://")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHAPE = "SITE TIER ADDRESS, like: demo 1 https://calendar.example/oncall.ics"


@dataclass(frozen=True)
class Subscription:
    """A calendar to keep reading. `source` is an address, which is a secret, or the path of a file."""

    name: str
    source: str = field(repr=False)
    site_id: str
    tier: int
    aliases: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_address(self) -> bool:
        return "://" in self.source


def read_subscriptions(lines: Iterable[str], aliases: Mapping[str, str]) -> tuple[Subscription, ...]:
    """Return the calendars that lines without problems stand for.

    A calendar is named after its tier, not its address: one that moves to another address replaces what
    the old one brought.
    """
    found: list[Subscription] = []
    taken: set[tuple[str, str]] = set()
    for line in lines:
        site, tier, source = line.split(maxsplit=2)
        names = (f"subscribed-{tier}{f'-{number}' if number > 1 else ''}" for number in count(1))
        name = next(each for each in names if (site, each) not in taken)
        taken.add((site, name))
        found.append(Subscription(name, source.strip(), site, int(tier), aliases))
    return tuple(found)


def line_problems(lines: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the lines; an address is never repeated, it holds a secret."""
    for number, line in enumerate(lines, start=1):
        parts = line.split(maxsplit=2)
        if len(parts) < 3:
            yield f"entry {number}: must be {SHAPE}"
        elif parts[1] not in TIERS:
            yield f"entry {number}: the tier must be 1 (first), 2 (backup) or 3 (lead); {SHAPE}"
        elif "://" in parts[2]:
            yield from _address_problems(number, parts[2].strip())


def _address_problems(number: int, address: str) -> Iterator[str]:
    if any(each.isspace() for each in address):
        yield f"entry {number}: the address holds a space or line break"
    elif not (_host(address) and (address.startswith(ENCRYPTED) or _stays_here(address))):
        yield f"entry {number}: the address must begin with https:// or webcal://, or be the path of a file"


def _stays_here(address: str) -> bool:
    return address.startswith("http://") and _host(address) in LOOPBACK


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
