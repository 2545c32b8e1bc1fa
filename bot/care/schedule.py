"""From treatments and a protocol to check-ins at local clock times that survive a change of clocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.care.merging import Draft, joined, settled
from bot.care.protocol import (
    Dose,
    ElapsedTime,
    Moment,
    PlannedCheckIn,
    Protocol,
    QuietHours,
    Slot,
    Weeks,
)
from bot.care.unasked import Unasked

DAY = timedelta(days=1)
MERGE_WITHIN = timedelta(hours=24)


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, of a local clock time.

    A time skipped by daylight saving moves forward, so nothing is lost; one that happens twice is
    taken the first time.
    """
    return datetime.combine(day, at.replace(fold=0), tzinfo=zone).astimezone(UTC)


def expand(
    protocol: Protocol,
    doses: Sequence[Dose],
    zone: ZoneInfo,
    quiet: QuietHours,
    *,
    since: datetime | None = None,
) -> list[PlannedCheckIn]:
    """Return every check-in of a course, in the order due.

    `doses` are all treatments of the course, given or planned; `zone` is where the patient is now.
    A treatment supersedes what was still to come after the one before it: that is left out. `since`
    is when the patient enrolled or this is planned: what was over by then carries a reason.

    Raises:
        ValueError: a treatment has no time zone.
    """
    if any(dose.ended_at.tzinfo is None for dose in doses):
        raise ValueError("a treatment's time needs a time zone")
    course = _Course(protocol, tuple(sorted(doses, key=lambda each: each.ended_at)), zone, quiet, since)
    return settled(course.drafts(), protocol, zone)


@dataclass(frozen=True)
class _Course:
    protocol: Protocol
    doses: tuple[Dose, ...]
    zone: ZoneInfo
    quiet: QuietHours
    since: datetime | None

    def drafts(self) -> Iterator[Draft]:
        for slot in self.protocol.slots if self.doses else ():
            days = self._weekly_days(slot) if slot.weeks else self._treatment_days(slot)
            for dose, number, key, day in days:
                due = self._due(slot, dose, day)
                draft = due and self._draft(slot, dose, number, key, due)
                if draft:
                    yield draft

    def _local_day(self, dose: Dose) -> date:
        return dose.ended_at.astimezone(ZoneInfo(dose.zone) if dose.zone else self.zone).date()

    def _treatment_days(self, slot: Slot) -> Iterator[tuple[Dose, int, str, date]]:
        for number, dose in enumerate(self.doses, start=1):
            early = slot.only_first is None or number <= slot.only_first
            if early or (slot.after_increase and dose.increased):
                yield dose, number, slot.key, self._local_day(dose)

    def _weekly_days(self, slot: Slot) -> Iterator[tuple[Dose, int, str, date]]:
        """Yield the course days of a weekly slot; they belong to the first treatment."""
        assert slot.weeks is not None
        first, last = self._local_day(self.doses[0]), self._local_day(self.doses[-1])
        last_day = last + self.protocol.follows_for
        for week in _weeks(slot.weeks):
            begins = first + timedelta(days=7 * (week - 1) + self.protocol.week_begins)
            if slot.weeks.last is None and begins > last_day:
                return
            if slot.unless_treatments and self._treatments_in(begins) >= slot.unless_treatments:
                continue
            for day in _days_of_week(slot.weeks, begins, first):
                yield self.doses[0], 0, f"w{week:02}-{slot.key}{_suffix(slot.weeks, day)}", day

    def _treatments_in(self, begins: date) -> int:
        days = (self._local_day(dose) for dose in self.doses)
        return sum(begins <= day < begins + 7 * DAY for day in days)

    def _due(self, slot: Slot, dose: Dose, day: date) -> datetime | None:
        """Return when a slot is due before quiet hours are looked at, or None when it cannot be."""
        if isinstance(slot.due, ElapsedTime):
            return dose.ended_at.astimezone(UTC) + slot.due.after
        due = instant(day + slot.due.day * DAY, slot.due.at, self.zone)
        if slot.weeks or slot.due.day >= 0:
            return due if due > dose.ended_at else None
        if slot.from_enrolment and self.since and due < self.since < dose.ended_at:
            return self.since.astimezone(UTC)
        return due

    def _draft(self, slot: Slot, dose: Dose, number: int, key: str, due: datetime) -> Draft | None:
        moved = self._moved(slot, dose, due)
        closes = self._closes(slot, dose, moved or due)
        following = self.doses[number] if 0 < number < len(self.doses) else None
        night = any(self.protocol.kinds[each].about_night for each in slot.asks)
        if following and not self._survives(moved or due, following, night):
            return None
        if following and (moved or due) < following.ended_at:
            closes = min(closes, following.ended_at.astimezone(UTC))
        reason = Unasked.NOTHING if moved and moved < closes else Unasked.NO_ROOM
        if not reason and self.since and closes <= self.since:
            reason = Unasked.TOO_LATE
        at = moved if moved and moved < closes else due
        return Draft(
            treatment_id=dose.id,
            key=key,
            kind="+".join(slot.asks),
            due_at=at,
            closes_at=max(closes, at + timedelta(minutes=1)),
            reminders=() if reason else tuple(self._reminders(slot, at, closes)),
            items=joined(self.protocol.kinds[each].items for each in slot.asks),
            night_on=at.astimezone(self.zone).date() - DAY if night else None,
            reason=reason,
            rank=number,
            timed=isinstance(slot.due, ElapsedTime),
        )

    def _survives(self, due: datetime, following: Dose, night: bool) -> bool:
        """Return whether a check-in outlives the next treatment: a morning within a day of it does,
        and is then merged with that treatment's own.
        """
        return due < following.ended_at + (MERGE_WITHIN if night else timedelta())

    def _closes(self, slot: Slot, dose: Dose, due: datetime) -> datetime:
        if slot.open_for is None:
            return dose.ended_at.astimezone(UTC)
        return self._moment(slot.open_for, due)

    def _moment(self, moment: Moment, due: datetime) -> datetime:
        if isinstance(moment, ElapsedTime):
            return due + moment.after
        return instant(due.astimezone(self.zone).date() + moment.day * DAY, moment.at, self.zone)

    def _moved(self, slot: Slot, dose: Dose, due: datetime) -> datetime | None:
        """Return `due` moved out of the hours after a treatment and out of quiet hours."""
        if not isinstance(slot.due, ElapsedTime):
            due = self._spared(due)
        local = due.astimezone(self.zone)
        if not self.quiet.holds(local.time()):
            return due
        if self.quiet.start > self.quiet.end and local.time() >= self.quiet.start:
            early = instant(local.date(), self.quiet.start, self.zone) - self.quiet.early
            before = slot.open_for is None and early < dose.ended_at
            return early if before or early >= dose.ended_at + self.protocol.spare_after_dose else None
        late = instant(local.date(), self.quiet.end, self.zone) + self.quiet.late
        return late if isinstance(slot.due, ElapsedTime) else self._spared(late)

    def _spared(self, due: datetime) -> datetime:
        for dose in self.doses:
            if dose.ended_at <= due < dose.ended_at + self.protocol.spare_after_dose:
                due = dose.ended_at.astimezone(UTC) + self.protocol.spare_after_dose
        return due

    def _reminders(self, slot: Slot, due: datetime, closes: datetime) -> Iterator[datetime]:
        for at in sorted({self._moment(each, due) for each in slot.reminders}):
            quiet = self.quiet.holds(at.astimezone(self.zone).time())
            timed = isinstance(slot.due, ElapsedTime)
            if due < at < closes and not quiet and (timed or self._spared(at) == at):
                yield at


def _weeks(weeks: Weeks) -> Iterator[int]:
    week = weeks.first
    while weeks.last is None or week <= weeks.last:
        yield week
        week += weeks.every


def _days_of_week(weeks: Weeks, begins: date, first: date) -> Iterator[date]:
    """Yield the days of a course week that are asked about.

    A weekday that falls on the first treatment's own day is asked on the last day of that week, so
    that no week goes without.
    """
    days = [begins + number * DAY for number in range(7)]
    for day in days:
        if not weeks.weekdays or day.weekday() in weeks.weekdays:
            yield days[-1] if weeks.weekdays and day == first else day


def _suffix(weeks: Weeks, day: date) -> str:
    """Return what tells two days of one week apart in a key."""
    return (
        ""
        if len(weeks.weekdays) == 1
        else f"-{('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')[day.weekday()]}"
    )


def overlapping(planned: Sequence[PlannedCheckIn]) -> list[tuple[PlannedCheckIn, PlannedCheckIn]]:
    """Return neighbours of which the second falls due while the first, asking the same, is still open."""
    live = [each for each in planned if not each.reason]
    return [
        (one, other)
        for one, other in pairwise(live)
        if other.due_at < one.closes_at and set(one.items) & set(other.items)
    ]
