"""Calendars that are read again on a schedule: by address or from a file somebody keeps up to date."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bot.flows.clinic import Clinic
from bot.rota.calendar import MOST_BYTES
from bot.rota.importing import RotaRefused, RotaReport, import_calendar
from storage import marks

logger = logging.getLogger(__name__)
EVERY = timedelta(minutes=30)
TIME_LIMIT = 20.0
SCHEMES = ("https://", "http://", "webcal://")
NOTHING = b""


@dataclass(frozen=True)
class Subscription:
    """A calendar to keep reading. `source` is an address, which is a secret, or the path of a file."""

    name: str
    source: str = field(repr=False)
    site_id: str
    tier: int
    aliases: Mapping[str, str] = field(default_factory=dict)


Fetch = Callable[[str], bytes]


def refresh(
    clinic: Clinic, subscriptions: Iterable[Subscription], now: datetime, fetch: Fetch | None = None
) -> tuple[RotaReport, ...]:
    """Read every calendar that is due again; one that fails changes nothing and stops no other.

    A calendar whose source cannot be reached is like an empty one: the last good rota stays.
    """
    reports = []
    for each in subscriptions:
        if _is_due(clinic, each, now):
            raw = (fetch or fetch_calendar)(each.source)
            report = _imported(clinic, each, raw, now)
            logger.info("rota.read", extra={"imported": report.imported, "shifts": report.shifts})
            reports.append(report)
    return tuple(reports)


def _imported(clinic: Clinic, subscription: Subscription, raw: bytes, now: datetime) -> RotaReport:
    one = subscription
    try:
        return import_calendar(clinic, raw, one.site_id, one.tier, now, name=one.name, aliases=one.aliases)
    except RotaRefused as refusal:
        return refusal.report


def _is_due(clinic: Clinic, subscription: Subscription, now: datetime) -> bool:
    name = f"rota:{subscription.name}:{subscription.tier}"
    with clinic.db.reading() as tx:
        read = marks.mark(tx, name)
        due = read is None or not timedelta() <= now - read.at < EVERY
    if due:
        clinic.db.run(lambda tx: marks.set_mark(tx, name, now))
    return due


def fetch_calendar(source: str) -> bytes:
    """Return what is at an address or in a file, at most a little over the limit; nothing when it fails."""
    try:
        if not source.startswith(SCHEMES):
            with Path(source).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        address = source.replace("webcal://", "https://", 1)
        with urllib.request.urlopen(address, timeout=TIME_LIMIT) as answer:
            body: bytes = answer.read(MOST_BYTES + 1)
            return body
    except (OSError, ValueError, urllib.error.URLError) as error:
        logger.warning("rota.not_fetched", extra={"error": type(error).__name__})
        return NOTHING
