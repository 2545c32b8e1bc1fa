"""The cases a rule carries: one line of what happened, run through the rule when content is loaded.

    baseline nightmare_distress 6; m4 nightmare_distress 9; m5 nightmare_distress 9; m6 nightmare_distress 10
    +26h confusion moderate => urgent
    home dose; +3h missed home
    +2h found SUI-3; +30h missed day

Steps are separated by ";", answers given together by ",". `+26h` is so long after the treatment,
`m4` the fourth morning after it, `m-2` two mornings before. Everything up to the last step is
history; the last step is what was just learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.care.course import Answered, Course, Dose, Earlier, Score, Window
from bot.care.escalation import Rule, RuleBook
from bot.care.instrument import GRADES
from bot.care.level import Finding, Level

TREATED_AT = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
_TIME = re.compile(r"\+(?P<hours>\d+(?:\.\d+)?)h|m(?P<morning>-?\d+)")
_ANSWER = re.compile(r"(?P<item>[A-Za-z0-9_.-]+) (?P<value>[A-Za-z0-9_.+/-]+)")


@dataclass
class _Story:
    """The course a line describes, while it is being read."""

    instruments: frozenset[str]
    now: datetime = TREATED_AT
    answers: list[Answered] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=lambda: [Dose(TREATED_AT)])
    windows: list[Window] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    earlier: list[Earlier] = field(default_factory=list)
    baselines: dict[str, float] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    closed: Window | None = None
    quiet_since: datetime | None = None

    def course(self) -> Course:
        return Course(
            self.now, "UTC", frozenset(self.changed), check_in_id=self.now.isoformat(), closed=self.closed,
            quiet_since=self.quiet_since, answers=tuple(self.answers), doses=tuple(self.doses),
            windows=tuple(self.windows), scores=tuple(self.scores), earlier=tuple(self.earlier),
            baselines=self.baselines,
        )  # fmt: skip


def problems_of_cases(
    rule: Rule, fires: Iterable[str], spares: Iterable[str], book: RuleBook, instruments: frozenset[str]
) -> Iterable[str]:
    """Yield a line for every case that does not come out as it says, or cannot be read."""
    alone = RuleBook((rule,), (), book.implied)
    for line in fires:
        case, _, expected = (part.strip() for part in line.partition("=>"))
        try:
            found = alone.assess(read_case(case, instruments))
            level = Level.from_key(expected) if expected else rule.level
        except ValueError as error:
            yield f'case "{line}": {error}'
            continue
        if not found or found[0].level != level:
            yield f'case "{line}" must raise {level.key}, but raised {_level_of(found)}'
    for line in spares:
        try:
            found = alone.assess(read_case(line, instruments))
        except ValueError as error:
            yield f'case "{line}": {error}'
            continue
        if found:
            yield f'case "{line}" must raise nothing, but raised {_level_of(found)}'


def _level_of(found: tuple[Finding, ...]) -> str:
    return found[0].level.key if found else "nothing"


def read_case(line: str, instruments: frozenset[str] = frozenset()) -> Course:
    """Return the course a line describes.

    Raises:
        ValueError: a step cannot be read; the message names it.
    """
    story = _Story(instruments)
    for step in (each.strip() for each in line.split(";")):
        _read_step(story, step)
    return story.course()


def _read_step(story: _Story, step: str) -> None:
    head, _, rest = step.partition(" ")
    time = _TIME.fullmatch(head)
    if step == "home dose":
        story.doses = [Dose(TREATED_AT, at_home=True)]
    elif step == "no dose":
        story.doses = []
    elif head == "baseline" and (match := _ANSWER.fullmatch(rest)):
        story.baselines[match["item"]] = float(match["value"])
    elif time and rest:
        _read_event(story, _at(time), rest, step)
    else:
        raise ValueError(f'"{step}" is no step; write "+26h item value" or "m4 item value"')


def _at(time: re.Match[str]) -> datetime:
    if time["hours"]:
        return TREATED_AT + timedelta(hours=float(time["hours"]))
    return TREATED_AT.replace(hour=8) + timedelta(days=int(time["morning"]))


def _read_event(story: _Story, at: datetime, rest: str, step: str) -> None:
    story.now, story.closed = at, None
    story.changed.clear()
    word, _, what = rest.partition(" ")
    if word in ("missed", "met"):
        home = any(dose.at_home for dose in story.doses)
        story.closed = Window(what, at, word == "met", home)
        story.windows.append(story.closed)
    elif word == "found":
        story.earlier.append(Earlier(what, Level.URGENT, at))
        story.changed.add("")
    elif word == "quiet":
        story.quiet_since = at - timedelta(days=float(what))
    elif word == "dose":
        story.doses.append(Dose(at))
    else:
        for each in rest.split(","):
            _read_answer(story, at, each.strip(), step)


def _read_answer(story: _Story, at: datetime, text: str, step: str) -> None:
    match = _ANSWER.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" in "{step}" is no answer; write "item value"')
    item, value = match["item"], match["value"]
    story.changed.add(item)
    if item in story.instruments:
        story.scores.append(Score(item, at, float(value)))
        return
    number, code = _value_of(value)
    story.answers.append(Answered(item, at, number, code, check_in_id=at.isoformat()))


def _value_of(text: str) -> tuple[float | None, str]:
    if text in GRADES:
        return float(GRADES.index(text)), text
    if "/" in text:
        return float(text.partition("/")[0]), text
    try:
        return float(text), ""
    except ValueError:
        return None, text
