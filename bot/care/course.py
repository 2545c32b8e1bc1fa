"""A patient's course as the rules see it: plain facts, no rows, no words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.care.level import Level


@dataclass(frozen=True)
class Answered:
    """One answer that stands. `value` is the number or grade, `code` the option or options picked."""

    item_id: str
    at: datetime
    value: float | None = None
    code: str = ""
    check_in_id: str = ""

    @property
    def picks(self) -> tuple[str, ...]:
        return tuple(each for each in self.code.split("+") if each)

    @property
    def pressure(self) -> tuple[float, float] | None:
        """Systolic and diastolic of a reading written "138/90", None for anything else."""
        systolic, slash, diastolic = self.code.partition("/")
        if not slash or not systolic.isdecimal() or not diastolic.isdecimal():
            return None
        return float(systolic), float(diastolic)


@dataclass(frozen=True)
class Dose:
    """A treatment that was given. `ended_at` is T0."""

    ended_at: datetime
    at_home: bool = False


@dataclass(frozen=True)
class Window:
    """A check-in whose window is over. `answered` is true when anything at all was answered.

    `kind` may be several joined by "+": a morning that also asked a questionnaire.
    """

    kind: str
    closed_at: datetime
    answered: bool
    at_home: bool = False
    check_in_id: str = ""

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.kind.split("+"))


@dataclass(frozen=True)
class Score:
    """An instrument's total."""

    instrument: str
    at: datetime
    total: float


@dataclass(frozen=True)
class Earlier:
    """A finding already recorded."""

    rule_id: str
    level: Level
    at: datetime


@dataclass(frozen=True)
class Course:
    """Everything the structured rules may look at, oldest first, nothing later than `now`.

    `changed` names what was just learned: items answered, instruments completed. Only rules that look
    at one of those are asked, so that a rating fires once and not with every later tap. `closed` is the
    window that just ended, for the rules of silence; `quiet_since` is when anything was last heard.
    """

    now: datetime
    zone: str = "UTC"
    changed: frozenset[str] = frozenset()
    check_in_id: str = ""
    closed: Window | None = None
    quiet_since: datetime | None = None
    answers: tuple[Answered, ...] = ()
    doses: tuple[Dose, ...] = ()
    windows: tuple[Window, ...] = ()
    scores: tuple[Score, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)

    def as_of(self, at: datetime, earlier: tuple[Earlier, ...] = ()) -> Course:
        """Return the course as it stood at `at`, with these findings before it."""
        answers = tuple(each for each in self.answers if each.at <= at)
        doses = tuple(each for each in self.doses if each.ended_at <= at)
        heard = [each.at for each in answers] + [each.ended_at for each in doses]
        return replace(
            self,
            now=at,
            answers=answers,
            doses=doses,
            windows=tuple(each for each in self.windows if each.closed_at <= at),
            scores=tuple(each for each in self.scores if each.at <= at),
            earlier=earlier,
            quiet_since=max(heard, default=None),
        )

    def dose_before(self, at: datetime) -> Dose | None:
        """Return the latest treatment that had ended by `at`."""
        given = [dose for dose in self.doses if dose.ended_at <= at]
        return max(given, key=lambda dose: dose.ended_at, default=None)

    def since_dose(self, at: datetime) -> timedelta | None:
        dose = self.dose_before(at)
        return at - dose.ended_at if dose else None

    def night(self, at: datetime) -> int | None:
        """Return which night after the latest treatment the morning of `at` follows, 1 the first."""
        dose = self.dose_before(at)
        if dose is None:
            return None
        zone = ZoneInfo(self.zone)
        return (at.astimezone(zone).date() - dose.ended_at.astimezone(zone).date()).days
