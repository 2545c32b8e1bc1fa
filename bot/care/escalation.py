"""The structured rules: which recorded answers, scores and silences a human must see, and how soon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from bot.care.condition import Condition
from bot.care.course import Answered, Course, Earlier
from bot.care.level import Finding, Level

Alternatives = tuple[tuple[Condition, ...], ...]


@dataclass(frozen=True)
class Raised:
    """The same rule, more urgent: when any of its alternatives holds."""

    level: Level
    when: Alternatives
    told: str = ""
    asks: bool = False


@dataclass(frozen=True)
class Rule:
    """A rule fires when every condition of any one alternative holds. `says` is its sentence."""

    id: str
    level: Level
    says: str
    when: Alternatives
    told: str = ""
    asks: bool = False
    raised: tuple[Raised, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        alternatives = (*self.when, *(each for raised in self.raised for each in raised.when))
        return tuple(condition for alternative in alternatives for condition in alternative)

    def concerns(self, course: Course) -> bool:
        """Whether what was just learned is something this rule looks at."""
        if any(each.about_silence for each in self.conditions):
            return course.closed is not None or not course.changed
        return any((each.item or each.score) in course.changed for each in self.conditions)

    def find(self, course: Course) -> Finding | None:
        """Return the finding at the most urgent level whose conditions hold."""
        for raised in sorted(self.raised, key=lambda each: -each.level):
            if (facts := _met(raised.when, course)) is not None:
                asks = raised.asks or self.asks
                return Finding(self.id, raised.level, facts=facts, told=raised.told or self.told, asks=asks)
        facts = _met(self.when, course)
        if facts is None:
            return None
        return Finding(self.id, self.level, facts=facts, told=self.told, asks=self.asks)


def _met(alternatives: Alternatives, course: Course) -> tuple[str, ...] | None:
    """Return the evidence of every alternative that holds, None when none does."""
    facts: list[str] = []
    for alternative in alternatives:
        evidence = [condition.evidence(course) for condition in alternative]
        if all(each is not None for each in evidence):
            facts.extend(each for each in evidence if each and each not in facts)
    return tuple(facts) or None


@dataclass(frozen=True)
class Together:
    """Several different findings of one level in a while that are more urgent together than alone."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: str
    of_level: str
    count: int
    within_hours: float
    including: tuple[str, ...]  # at least one of the rules must be among these
    raises_to: str
    told: str = ""
    says: str = ""
    basis: str = ""
    status: str = "draft"

    def find(self, earlier: Iterable[Earlier], now: datetime) -> Finding | None:
        since = now - timedelta(hours=self.within_hours)
        level = Level.from_key(self.of_level)
        recent = sorted({each.rule_id for each in earlier if each.level == level and each.at > since})
        if len(recent) < self.count or not set(recent) & set(self.including):
            return None
        return Finding(self.id, Level.from_key(self.raises_to), facts=tuple(recent), told=self.told)


@dataclass(frozen=True)
class Implied:
    """An answer that makes another question pointless and says its answer: no dreams, no distress."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    item: str
    value: float
    when_item: str
    equals: float


@dataclass(frozen=True)
class RuleBook:
    """Every structured rule of the clinic."""

    rules: tuple[Rule, ...] = ()
    together: tuple[Together, ...] = ()
    implied: tuple[Implied, ...] = ()

    def assess(self, course: Course) -> tuple[Finding, ...]:
        """Return what the course calls for now, most urgent first. All rules that fire are listed."""
        full = replace(course, answers=self.with_implied(course.answers))
        changed = full.changed | {each.item for each in self.implied if each.when_item in full.changed}
        full = replace(full, changed=changed)
        findings = [found for rule in self.rules if rule.concerns(full) and (found := rule.find(full))]
        return tuple(sorted(findings, key=lambda finding: -finding.level))

    def assess_together(self, earlier: Sequence[Earlier], now: datetime) -> tuple[Finding, ...]:
        """Return what recent findings mean together; asked after each new finding is recorded."""
        return tuple(found for each in self.together if (found := each.find(earlier, now)))

    def with_implied(self, answers: Iterable[Answered]) -> tuple[Answered, ...]:
        """Return the answers with the implied ones in their places."""
        complete: list[Answered] = []
        for answer in answers:
            complete.append(answer)
            complete.extend(
                Answered(each.item, answer.at, each.value, check_in_id=answer.check_in_id)
                for each in self.implied
                if each.when_item == answer.item_id and each.equals == answer.value
            )
        return tuple(complete)
