"""One condition of a structured rule: what it looks at, what must hold, how often and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from bot.care.course import Answered, Course, Score

ANY = "any"  # a check-in of whatever kind


@dataclass(frozen=True)
class Condition:
    """A line of a rule. Exactly one of the first six says what it looks at.

    An item is looked at in the check-in being answered, unless `within_hours` looks back or `running`
    asks that the latest so many answers all hold (`out_of`: so many out of the latest). Hours and nights
    are counted from the latest treatment before the answer; `from_hours` and `from_night` include their
    bound, `until_hours` and `until_night` too.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    item: str = ""
    score: str = ""
    missed: tuple[str, ...] = ()  # kinds of the latest windows, all unanswered, the newest last
    missed_running: int | None = None  # so many windows in a row, whatever their kind
    silent_days: float | None = None
    found: tuple[str, ...] = ()  # rules, one of which fired within `within_hours`

    at_least: float | None = None
    at_most: float | None = None
    any_of: tuple[str, ...] = ()
    systolic_at_least: float | None = None
    systolic_below: float | None = None
    diastolic_at_least: float | None = None
    above_baseline: float | None = None
    up: float | None = None  # a score: risen so much from its best, or the first when there is no other
    up_less_than: float | None = None
    had_fallen: float | None = None  # a score: at some time this far under its first ...
    lost_half: bool = False  # ... and half of that lost again, twice running

    running: int = 1
    out_of: int = 0
    spanning_days: int = 0
    within_hours: float = 0
    from_hours: float | None = None
    until_hours: float | None = None
    from_night: int | None = None
    until_night: int | None = None
    at_home: bool | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The kinds of thing this looks at; a condition is sound when there is exactly one."""
        given = {
            "item": self.item, "score": self.score, "missed": self.missed, "found": self.found,
            "missed_running": self.missed_running, "silent_days": self.silent_days,
        }  # fmt: skip
        return tuple(name for name, value in given.items() if value)

    @property
    def about_silence(self) -> bool:
        return bool(self.missed or self.missed_running or self.silent_days)

    def evidence(self, course: Course) -> str | None:
        """Return what was seen, in ids and numbers, when this holds; None when it does not."""
        if self.item:
            return _of_item(self, course)
        if self.score:
            return _of_score(self, course)
        if self.found:
            return _of_earlier(self, course)
        if self.silent_days:
            return _of_quiet(self, course)
        return _of_windows(self, course)


def _of_item(condition: Condition, course: Course) -> str | None:
    answers = [each for each in course.answers if each.item_id == condition.item]
    if condition.within_hours:
        since = course.now - timedelta(hours=condition.within_hours)
        seen = [each for each in answers if each.at > since and _holds(condition, each, course)]
        enough = len(seen) >= condition.running
    elif max(condition.running, condition.out_of) > 1:
        latest = answers[-max(condition.running, condition.out_of) :]
        seen = [each for each in latest if _holds(condition, each, course)]
        enough = len(seen) >= condition.running and bool(answers) and seen[-1] == answers[-1]
    else:
        seen = [each for each in answers if _is_current(each, course) and _holds(condition, each, course)]
        enough = bool(seen)
    if not enough or not _spans(condition, seen, course.zone):
        return None
    return _fact(condition, seen, course)


def _is_current(answer: Answered, course: Course) -> bool:
    if course.check_in_id:
        return answer.check_in_id == course.check_in_id
    return answer.at == course.now


def _holds(condition: Condition, answer: Answered, course: Course) -> bool:
    return (
        _in_range(condition, answer.value)
        and (not condition.any_of or bool(set(condition.any_of) & set(answer.picks)))
        and _pressure_holds(condition, answer)
        and _above_baseline(condition, answer, course)
        and _in_time(condition, answer.at, course)
    )


def _in_range(condition: Condition, value: float | None) -> bool:
    if condition.at_least is None and condition.at_most is None:
        return True
    if value is None:
        return False
    return (condition.at_least is None or value >= condition.at_least) and (
        condition.at_most is None or value <= condition.at_most
    )


def _pressure_holds(condition: Condition, answer: Answered) -> bool:
    """A reading counts when any of the limits given is met."""
    limits = (condition.systolic_at_least, condition.diastolic_at_least, condition.systolic_below)
    if all(limit is None for limit in limits):
        return True
    if answer.pressure is None:
        return False
    systolic, diastolic = answer.pressure
    high_systolic, high_diastolic, low = limits
    return (
        (high_systolic is not None and systolic >= high_systolic)
        or (high_diastolic is not None and diastolic >= high_diastolic)
        or (low is not None and systolic < low)
    )


def _above_baseline(condition: Condition, answer: Answered, course: Course) -> bool:
    if condition.above_baseline is None:
        return True
    baseline = course.baselines.get(condition.item)
    if baseline is None or answer.value is None:
        return False
    return answer.value >= baseline + condition.above_baseline


def _in_time(condition: Condition, at: datetime, course: Course) -> bool:
    if condition.at_home is not None:
        dose = course.dose_before(at)
        if dose is None or dose.at_home is not condition.at_home:
            return False
    return _in_hours(condition, at, course) and _in_nights(condition, at, course)


def _in_hours(condition: Condition, at: datetime, course: Course) -> bool:
    if condition.from_hours is None and condition.until_hours is None:
        return True
    since = course.since_dose(at)
    if since is None:
        return False
    hours = since / timedelta(hours=1)
    return (condition.from_hours is None or hours >= condition.from_hours) and (
        condition.until_hours is None or hours <= condition.until_hours
    )


def _in_nights(condition: Condition, at: datetime, course: Course) -> bool:
    if condition.from_night is None and condition.until_night is None:
        return True
    night = course.night(at)
    if night is None or night < 1:
        return False
    return (condition.from_night is None or night >= condition.from_night) and (
        condition.until_night is None or night <= condition.until_night
    )


def _spans(condition: Condition, seen: Sequence[Answered], zone: str) -> bool:
    if not condition.spanning_days:
        return True
    days = [each.at.astimezone(ZoneInfo(zone)).date() for each in seen]
    return (days[-1] - days[0]).days + 1 >= condition.spanning_days


def _fact(condition: Condition, seen: Sequence[Answered], course: Course) -> str:
    shown = ", ".join(_shown(each) for each in seen[-7:])
    baseline = course.baselines.get(condition.item) if condition.above_baseline is not None else None
    return f"{condition.item} {shown}" + (f" (baseline {baseline:g})" if baseline is not None else "")


def _shown(answer: Answered) -> str:
    return answer.code or ("" if answer.value is None else f"{answer.value:g}")


def _of_score(condition: Condition, course: Course) -> str | None:
    scores = [each for each in course.scores if each.instrument == condition.score]
    if not scores:
        return None
    latest = scores[-1]
    if not _in_range(condition, latest.total):
        return None
    before = scores[:-1]
    fact = f"{condition.score} {', '.join(f'{each.total:g}' for each in scores[-4:])}"
    if condition.up is not None:
        risen = latest.total - min((each.total for each in before), default=latest.total)
        limit = condition.up_less_than
        return fact if risen >= condition.up and (limit is None or risen < limit) else None
    if condition.had_fallen is not None:
        return fact if _lost_again(condition.had_fallen, scores) else None
    return fact


def _lost_again(fall: float, scores: Sequence[Score]) -> bool:
    """Whether the total had fallen by `fall` from the first, and the two latest lost half of the gain."""
    if len(scores) < 4:
        return False
    first, best = scores[0].total, min(each.total for each in scores[1:-2])
    gained = first - best
    return gained >= fall and all(each.total - best >= gained / 2 for each in scores[-2:])


def _of_earlier(condition: Condition, course: Course) -> str | None:
    since = course.now - timedelta(hours=condition.within_hours)
    for each in reversed(course.earlier):
        if each.rule_id in condition.found and each.at > since:
            hours = (course.now - each.at) / timedelta(hours=1)
            return f"{each.rule_id} {hours:.0f} h ago"
    return None


def _of_windows(condition: Condition, course: Course) -> str | None:
    """The latest windows were all unanswered, in order; the last is the one that just ended."""
    if course.closed is None or course.closed.answered:
        return None
    if condition.at_home is not None and course.closed.at_home is not condition.at_home:
        return None
    if condition.missed_running:
        latest = course.windows[-condition.missed_running :]
        enough = len(latest) == condition.missed_running
    else:
        latest = course.windows[-len(condition.missed) :]
        enough = len(latest) == len(condition.missed) and all(
            kind == ANY or kind in window.kinds for kind, window in zip(condition.missed, latest, strict=True)
        )
    if not enough or any(each.answered for each in latest):
        return None
    return "unanswered: " + ", ".join(each.kind for each in latest)


def _of_quiet(condition: Condition, course: Course) -> str | None:
    if course.quiet_since is None or condition.silent_days is None:
        return None
    quiet = course.now - course.quiet_since
    return f"nothing heard for {quiet.days} days" if quiet >= timedelta(days=condition.silent_days) else None
