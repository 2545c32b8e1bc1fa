"""Calendars that are read again every few minutes: by address or from a file somebody keeps up to date."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
from sqlmodel import Session

from bot.calendars import Subscription
from bot.flows.clinic import Clinic
from bot.rota.calendar import MOST_BYTES, CalendarError
from bot.rota.importing import Place, RotaRefused, RotaReport, import_calendar, refuse
from bot.threads import InThread
from storage import marks

logger = logging.getLogger(__name__)
EVERY = timedelta(minutes=5)
TIME_LIMIT = 20.0
"""Seconds within which a calendar must be there as a whole, however slowly it trickles in."""
SAME_FOR = timedelta(minutes=30)
"""A calendar that has not changed is taken over again after this long: people may have joined or left."""
GOOD = "rota-good:"
TRIED = "rota-tried:"

Fetched = bytes | CalendarError


class Reading:
    """Keeps reading the subscribed calendars, beside everything else; what fails is read again later."""

    def __init__(
        self,
        clinic: Clinic,
        subscriptions: Sequence[Subscription],
        clock: Callable[[], datetime],
        in_thread: InThread,
    ) -> None:
        self._clinic = clinic
        self._subscriptions = subscriptions
        self._clock = clock
        self._in_thread = in_thread

    async def run(self, every: timedelta = EVERY) -> None:
        """Read all of them, every few minutes, until cancelled."""
        while True:
            try:
                await self.read()
            except Exception as error:
                logger.error("rota.failed", extra={"error": type(error).__name__})
            await asyncio.sleep(every.total_seconds())

    async def read(self, time_limit: float = TIME_LIMIT) -> tuple[RotaReport, ...]:
        """Read each once, all of them at the same time, and take them over one after another."""
        found = await asyncio.gather(*(fetch(each.source, time_limit) for each in self._subscriptions))
        fetched = dict(zip(self._subscriptions, found, strict=True)) if found else {}
        return await self._in_thread(lambda: take_over(self._clinic, fetched, self._clock()))


async def fetch(source: str, time_limit: float = TIME_LIMIT) -> Fetched:
    """Return what is at an address or in a file, cut a little over the limit, or why not."""
    try:
        async with asyncio.timeout(time_limit):
            return await (_download(source) if "://" in source else asyncio.to_thread(_read_file, source))
    except TimeoutError:
        return CalendarError(f"it was not there as a whole within {time_limit:g} seconds")
    except OSError as error:
        return CalendarError(f"it cannot be read: {error.strerror or 'no connection'}")
    except (aiohttp.ClientError, ValueError):
        return CalendarError("its address cannot be reached")


async def _download(address: str) -> Fetched:
    async with (
        aiohttp.ClientSession() as session,
        session.get(address.replace("webcal://", "https://", 1)) as answer,
    ):
        if answer.status != 200:
            return CalendarError(f"its address answers {answer.status}; is it still the right one?")
        raw = bytearray()
        async for piece in answer.content.iter_any():
            raw += piece
            if len(raw) > MOST_BYTES:
                break
        return bytes(raw)


def _read_file(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def take_over(
    clinic: Clinic, fetched: Mapping[Subscription, Fetched], now: datetime
) -> tuple[RotaReport, ...]:
    """Put what was fetched into the rota; one that cannot be used changes nothing and stops no other."""
    clinic.db.run(lambda tx: _forget_others(tx, fetched))
    reports = (_take_over(clinic, subscription, found, now) for subscription, found in fetched.items())
    return tuple(each for each in reports if each is not None)


def _forget_others(tx: Session, subscriptions: Collection[Subscription]) -> None:
    """Calendars nobody subscribes to any more have no age to be watched."""
    names = {_name(each) for each in subscriptions}
    for family in (GOOD, TRIED):
        for row in marks.beginning_with(tx, family):
            if row.name.removeprefix(family) not in names:
                marks.forget(tx, row.name)


def _take_over(
    clinic: Clinic, subscription: Subscription, found: Fetched, now: datetime
) -> RotaReport | None:
    """Return what came of it, None when the calendar is as it was the last time."""
    name = _name(subscription)
    place = Place(subscription.site_id, subscription.name, subscription.tier)
    clinic.db.run(lambda tx: marks.set_mark(tx, f"{TRIED}{name}", now))
    if isinstance(found, CalendarError):
        return _told(refuse(clinic, place, found, now))
    content = hashlib.sha256(found).hexdigest()
    if not _is_new(clinic, name, content, now):
        return None
    try:
        report = import_calendar(
            clinic, found, place.site_id, place.tier, now, name=place.label, aliases=subscription.aliases
        )
    except RotaRefused as refusal:
        return _told(refusal.report)
    clinic.db.run(lambda tx: marks.set_mark(tx, f"{GOOD}{name}", now, f"{content} {now.isoformat()}"))
    return _told(report)


def _is_new(clinic: Clinic, name: str, content: str, now: datetime) -> bool:
    """Whether the calendar has changed; when not, note that it was read well all the same."""

    def look(tx: Session) -> bool:
        good = marks.mark(tx, f"{GOOD}{name}")
        if good is None:
            return True
        known, _, taken_at = good.value.partition(" ")
        if known != content or not timedelta() <= now - datetime.fromisoformat(taken_at) < SAME_FOR:
            return True
        marks.set_mark(tx, good.name, now, good.value)
        return False

    return clinic.db.run(look)


def _told(report: RotaReport) -> RotaReport:
    logger.info("rota.read", extra={"imported": report.imported, "shifts": report.shifts})
    return report


def _name(subscription: Subscription) -> str:
    return f"{subscription.site_id}:{subscription.name}"
