"""A protocol: which check-ins follow a treatment, when they open, how long, and when they remind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.care.unasked import Unasked


@dataclass(frozen=True)
class ElapsedTime:
    """So long after the treatment ended (or, for a window or a reminder, after the check-in is due)."""

    after: timedelta


@dataclass(frozen=True)
class ClockTime:
    """A local clock time, `day` calendar days after the treatment's day (or the check-in's day)."""

    at: time
    day: int = 0


Moment = ElapsedTime | ClockTime


@dataclass(frozen=True)
class Weeks:
    """Course weeks, counted from 1. `last` None goes on for as long as treatments do, and
    `Protocol.follows_for` beyond the last one.
    """

    first: int = 1
    last: int | None = None
    every: int = 1
    weekdays: tuple[int, ...] = ()  # 0 = Monday; empty: every day


@dataclass(frozen=True)
class Slot:
    """One line of a protocol's table.

    Without `weeks` it follows every treatment; with `weeks` it belongs to the course and is asked
    however many treatments there were. `open_for` None closes at the treatment (baselines).
    `from_enrolment` asks at enrolment when that comes after the due time but before the treatment.
    `only_first` limits it to the first so many treatments, `after_increase` adds those that raised
    the dose. `unless_treatments` drops it in a week with at least so many treatments.
    """

    key: str
    asks: tuple[str, ...]
    due: Moment
    open_for: Moment | None
    reminders: tuple[Moment, ...] = ()
    weeks: Weeks | None = None
    from_enrolment: bool = False
    only_first: int | None = None
    after_increase: bool = False
    unless_treatments: int | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of check-in ("AM"): its items in the order asked.

    `questions` is how many it counts as in the burden figures, follow-ups included. `asks_again`
    names a multi-select whose unfinished follow-ups are asked once more. `about_night` is true when
    it asks about the night that just ended. It is not asked twice within `days_between`.
    """

    key: str
    items: tuple[str, ...]
    questions: int
    asks_again: str = ""
    about_night: bool = False
    days_between: int = 0


@dataclass(frozen=True)
class Protocol:
    """A follow-up programme.

    Week 1 begins with day `week_begins` after the first treatment: 1 where day 7 closes the first
    week (a single treatment), 0 where it opens the second (a course). For `spare_after_dose` after a
    treatment only what is timed from that treatment is asked: a person may still be impaired.
    `before_dose` is the kind the patient may start before a home dose, "" for none. `typical_days` are
    treatment days, counted from the first, as they usually fall: for showing what a protocol asks.
    """

    id: str
    name: str
    slots: tuple[Slot, ...]
    kinds: Mapping[str, Kind]
    at_home: bool = False
    before_dose: str = ""
    week_begins: int = 0
    follows_for: timedelta = timedelta(weeks=4)
    spare_after_dose: timedelta = timedelta(hours=3)
    most_messages_a_day: int = 6
    typical_days: tuple[int, ...] = (0,)
    status: str = "draft"
    basis: str = ""
    approved_by: str = ""


@dataclass(frozen=True)
class QuietHours:
    """Local times between which nothing routine is sent; `start == end` means never quiet.

    A check-in due in the evening part moves to `early` before the start, one due after midnight to
    `late` after the end.
    """

    start: time = time(21, 30)
    end: time = time(7, 30)
    early: timedelta = timedelta(minutes=30)
    late: timedelta = timedelta(minutes=30)

    def holds(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True)
class Dose:
    """A treatment as scheduling sees it. `zone` is where it was given; `id` is echoed on its check-ins."""

    ended_at: datetime
    id: str = ""
    increased: bool = False
    zone: str = ""


@dataclass(frozen=True)
class PlannedCheckIn:
    """A check-in to be sent. `reason` says why it will not be: then it is kept as skipped."""

    treatment_id: str
    key: str
    kind: str  # "AM", or several joined: "DAY+PCL+SAFE"
    due_at: datetime
    closes_at: datetime
    reminders: tuple[datetime, ...]
    items: tuple[str, ...]
    night_on: date | None = None  # the night asked about, named by the day it began
    reason: Unasked = Unasked.NOTHING
    merged: tuple[str, ...] = ()  # keys of check-ins that were joined into this one
