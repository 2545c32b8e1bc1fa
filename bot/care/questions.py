"""How much a protocol asks of a person: questions per check-in and per week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.care.protocol import Dose, PlannedCheckIn, Protocol, QuietHours
from bot.care.schedule import expand


@dataclass(frozen=True)
class Course:
    """A course of treatment as it usually runs, and what it asks."""

    doses: tuple[Dose, ...]
    planned: tuple[PlannedCheckIn, ...]
    week_of: dict[datetime, int]  # instant -> week of the course; 0 is before the first treatment


def questions(check_in: PlannedCheckIn, protocol: Protocol) -> int:
    """Return the most questions a check-in asks; what two of its kinds share is asked once."""
    kinds = [protocol.kinds[key] for key in check_in.kind.split("+")]
    return len(check_in.items) + sum(kind.questions - len(kind.items) for kind in kinds)


def typical_course(
    protocol: Protocol,
    treated_at: datetime,
    zone: ZoneInfo,
    quiet: QuietHours | None = None,
    raised_on: Collection[int] = (),
) -> Course:
    """Return the course that begins with a treatment at `treated_at` and runs as it usually does.

    `raised_on` are the days of the course, the first treatment's being 0, on which the dose is raised.
    """
    local = treated_at.astimezone(zone)
    doses = tuple(
        Dose((local + timedelta(days=day)).astimezone(local.tzinfo), str(day), day in raised_on)
        for day in protocol.typical_days
    )
    planned = tuple(expand(protocol, doses, zone, quiet or QuietHours()))
    instants = [each.due_at for each in planned] + [dose.ended_at for dose in doses]
    return Course(doses, planned, {at: week_of(at, treated_at, protocol, zone) for at in instants})


def week_of(at: datetime, treated_at: datetime, protocol: Protocol, zone: ZoneInfo) -> int:
    """Return the week of the course an instant falls in, 0 before the first treatment."""
    if at < treated_at:
        return 0
    day = (at.astimezone(zone).date() - treated_at.astimezone(zone).date()).days
    return max(1, (day - protocol.week_begins) // 7 + 1)


def questions_per_week(protocol: Protocol, course: Course) -> dict[int, int]:
    """Return questions by week of the course; those before a home dose count, where they are on."""
    asked: Counter[int] = Counter()
    for each in course.planned:
        if not each.reason:
            asked[course.week_of[each.due_at]] += questions(each, protocol)
    if protocol.before_dose:
        for dose in course.doses:
            asked[course.week_of[dose.ended_at]] += protocol.kinds[protocol.before_dose].questions
    return dict(sorted(asked.items()))


def weekly(per_week: dict[int, int], weeks: Sequence[int]) -> float:
    """Return the mean of some weeks; one in which nothing is asked counts as none."""
    return sum(per_week.get(week, 0) for week in weeks) / len(weeks)
