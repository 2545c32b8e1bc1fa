"""A patient's course as pictures and summaries need it: plain numbers, times and finished words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

Say = Callable[..., str]


@dataclass(frozen=True)
class Usual:
    """What was usual before treatment: the lowest, the middle and the highest."""

    lowest: float
    middle: float
    highest: float


@dataclass(frozen=True)
class Line:
    """One thing rated over time. `higher_is` is "worse", "better" or ""."""

    key: str
    title: str
    lowest: float
    highest: float
    higher_is: str = ""
    unit: str = ""
    points: tuple[tuple[datetime, float], ...] = ()
    gaps: tuple[datetime, ...] = ()  # when it was asked and not answered
    usual: Usual | None = None


@dataclass(frozen=True)
class TreatmentMark:
    at: datetime
    number: int


@dataclass(frozen=True)
class AlertMark:
    at: datetime
    level: str
    rule: str = ""


@dataclass(frozen=True)
class CourseData:
    """A course to be drawn. `code` is empty when it is drawn for the patient themselves.

    `say` gives the words of `record.chart.*` in the reader's language.
    """

    code: str
    zone: str
    start: datetime
    end: datetime
    lines: tuple[Line, ...]
    say: Say
    treatments: tuple[TreatmentMark, ...] = ()
    alerts: tuple[AlertMark, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)  # level -> its word

    def local(self, at: datetime) -> datetime:
        """Return an instant by the clock of the patient, without its zone: plots have one clock."""
        return at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def day(self, at: datetime) -> str:
        """Return a day as written in the reader's language: "27 Mar"."""
        local = self.local(at)
        months = self.say("record.chart.months").split("|")
        return f"{local.day} {months[local.month - 1]}"

    def direction(self, line: Line) -> str:
        return self.say(f"record.chart.higher_{line.higher_is}") if line.higher_is else ""


def runs(line: Line) -> list[list[tuple[datetime, float]]]:
    """Return the points in runs: a line is not drawn across a question left unanswered."""
    found: list[list[tuple[datetime, float]]] = []
    before: datetime | None = None
    for at, value in sorted(line.points):
        broken = before is None or any(before < gap < at for gap in line.gaps)
        if broken:
            found.append([])
        found[-1].append((at, value))
        before = at
    return found


def alternative(course: CourseData) -> str:
    """Return the chart in words, for those who do not see it."""
    say = course.say
    parts = [
        say("record.chart.alt", code=course.code, start=course.day(course.start), end=course.day(course.end))
    ]
    if course.treatments:
        days = ", ".join(course.day(each.at) for each in course.treatments)
        parts.append(say("record.chart.alt_treatments", days=days))
    parts += [_line_in_words(course, line) for line in course.lines]
    if course.alerts:
        told = ", ".join(
            f"{course.levels.get(each.level, each.level)} {course.day(each.at)}" for each in course.alerts
        )
        parts.append(say("record.chart.alt_alerts", alerts=told))
    return " ".join(parts)


def _line_in_words(course: CourseData, line: Line) -> str:
    say = course.say
    title = f"{line.title} ({course.direction(line)})" if line.higher_is else line.title
    if not line.points:
        return say("record.chart.alt_nothing", title=title)
    values = [value for _, value in line.points]
    last_at, last = max(line.points)
    told = say(
        "record.chart.alt_line", title=title, count=len(values), lowest=f"{min(values):g}",
        highest=f"{max(values):g}", last=f"{last:g}", day=course.day(last_at),
    )  # fmt: skip
    if line.usual:
        told += " " + say("record.chart.alt_usual", usual=f"{line.usual.middle:g}")
    if line.gaps:
        told += " " + say("record.chart.alt_gaps", count=len(line.gaps))
    return told
