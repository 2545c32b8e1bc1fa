"""The clinic's day: when it is open, when it closes, and by when a same-day matter must be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

_LOOK_AHEAD = 400  # days; a clinic closed for longer has no next day


@dataclass(frozen=True)
class ClinicHours:
    """Opening hours by weekday (0 = Monday) and the days the clinic stays closed.

    A weekday that is missing is a closed day. No hours at all means always open, so that a site that
    forgot to enter them hears of things too early rather than never.
    """

    zone: str
    hours: Mapping[int, tuple[time, time]]
    holidays: frozenset[date] = frozenset()

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """Return the instants the clinic opens and closes on `day`, None when it does not open."""
        zone = ZoneInfo(self.zone)
        if not self.hours:
            return _at(day, time.min, zone), _at(day + timedelta(days=1), time.min, zone)
        if day in self.holidays or day.weekday() not in self.hours:
            return None
        opens, closes = self.hours[day.weekday()]
        return _at(day, opens, zone), _at(day, closes, zone)

    def is_open(self, now: datetime) -> bool:
        span = self.on(self.local_day(now))
        return span is not None and span[0] <= now < span[1]

    def local_day(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.zone)).date()

    def next_open(self, now: datetime) -> datetime:
        """Return `now` when open, else the next opening; a clinic that never opens is treated as open."""
        if self.is_open(now):
            return now
        for ahead in range(_LOOK_AHEAD):
            span = self.on(self.local_day(now) + timedelta(days=ahead))
            if span is not None and span[0] > now:
                return span[0]
        return now

    def noon_of_next_day(self, now: datetime) -> datetime:
        """Return 12:00 of the first clinic day after today."""
        for ahead in range(1, _LOOK_AHEAD):
            day = self.local_day(now) + timedelta(days=ahead)
            if self.on(day) is not None:
                return _at(day, time(12), ZoneInfo(self.zone))
        return now + timedelta(days=1)

    def same_day_deadline(self, now: datetime, before_close: timedelta) -> datetime:
        """Return by when something raised `now` must be read: by close, or 12:00 next clinic day.

        What comes within `before_close` of closing, or when the clinic is closed, has until noon of the
        next clinic day; that is today when the clinic has yet to open.
        """
        span = self.on(self.local_day(now))
        if span is not None and now < span[0]:
            return _at(self.local_day(now), time(12), ZoneInfo(self.zone))
        if span is not None and now < span[1] - before_close:
            return span[1]
        return self.noon_of_next_day(now)

    def after_clinic_days(self, now: datetime, days: int) -> datetime:
        """Return noon of the clinic day `days` clinic days from now."""
        at = now
        for _ in range(max(1, days)):
            at = self.noon_of_next_day(at)
        return at

    def frozen(self) -> dict[str, Any]:
        """Return this as JSON keeps it."""
        return {
            "zone": self.zone,
            "hours": {str(day): [_text(opens), _text(closes)] for day, (opens, closes) in self.hours.items()},
            "holidays": sorted(day.isoformat() for day in self.holidays),
        }

    @classmethod
    def thawed(cls, data: Mapping[str, Any]) -> ClinicHours:
        hours = {
            int(day): (time.fromisoformat(opens), time.fromisoformat(closes))
            for day, (opens, closes) in data["hours"].items()
        }
        return cls(data["zone"], hours, frozenset(date.fromisoformat(day) for day in data["holidays"]))


def _text(at: time) -> str:
    return at.isoformat("minutes")


def _at(day: date, at: time, zone: tzinfo) -> datetime:
    """Return the instant in UTC, so that later arithmetic is safe on the nights the clocks change."""
    from_zone = datetime.combine(day, at, zone)
    return from_zone.astimezone(ZoneInfo("UTC"))
