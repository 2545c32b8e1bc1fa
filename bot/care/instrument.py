"""Items: what can be asked, when it is asked, and what an answer may be."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

REFUSE_UNKNOWN: dict[str, object] = {"extra": "forbid"}


class ItemKind(StrEnum):
    SCALE = "scale"  # whole numbers lowest..highest, shown as a keypad with direction words
    COUNT = "count"  # 0,1,2..highest, the last meaning "or more"
    HOURS = "hours"  # lowest..highest in steps of half an hour
    CHOICE = "choice"  # one option
    MULTI = "multi"  # any options, then done; the option "none" excludes the others
    GRADE = "grade"  # none, mild, moderate, severe = 0..3
    PRESSURE = "pressure"  # blood pressure: systolic as value, "138/90" as code
    NUMBER = "number"  # a typed number between lowest and highest
    TEXT = "text"  # free words


GRADES = ("none", "mild", "moderate", "severe")
NONE = "none"  # the option of a multi-select that excludes all others


@dataclass(frozen=True)
class Option:
    """A choice. `code` is stored; the words shown are wording. `value` is its score, None for none."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    code: str
    value: float | None = None
    loinc: str = ""
    system: str = ""  # the code system it was published in, "" for our own
    published: str = ""  # the code as published, where `code` had to be changed


@dataclass(frozen=True)
class AskedWhen:
    """A condition on an earlier answer; every part that is given must hold.

    A question left out or skipped meets `answered = false`, and what only says which answers it must
    not be: `none_of`, `differs`.
    """

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    item_id: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    equals: float | None = None
    differs: float | None = None
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    answered: bool | None = None


@dataclass(frozen=True)
class Item:
    """One question. Its words are wording, under its id.

    `higher_is` is "worse", "better" or "" and is shown on every keypad. The item is asked when any
    condition of `asked_when` is met (all of them with `asked_when_all`), or when there is none.
    `follow_ups` maps a picked option of a MULTI item to the item asked about it.
    `about_night` marks questions about the night that just ended, stored under that night.
    `loinc` is empty where no code is confirmed.
    """

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    id: str
    kind: ItemKind
    lowest: float = 0
    highest: float = 10
    step: float = 1
    unit: str = ""
    higher_is: str = ""
    options: tuple[Option, ...] = ()
    asked_when: tuple[AskedWhen, ...] = ()
    asked_when_all: bool = False
    follow_ups: tuple[tuple[str, str], ...] = ()
    about_night: bool = False
    unknown_allowed: bool = False  # a "don't know" button
    required: bool = False  # as published; every question of ours may be skipped all the same
    loinc: str = ""
    instrument: str = ""  # the instrument it belongs to
    link_id: str = ""  # its id in the questionnaire it was imported from

    def option(self, code: str) -> Option | None:
        return next((each for each in self.options if each.code == code), None)


@dataclass(frozen=True)
class Answer:
    """What was answered to one item. `status` is a storage.tables.ResponseStatus value."""

    status: str
    value: float | None = None
    code: str = ""

    @property
    def picks(self) -> tuple[str, ...]:
        """The options picked in a multi-select, in the item's order."""
        return tuple(each for each in self.code.split("+") if each)

    @property
    def given(self) -> bool:
        """True unless the question was skipped or answered "don't know"."""
        return self.status == "answered"


def is_asked(item: Item, answers: Mapping[str, Answer]) -> bool:
    """Return whether the answers so far make `item` worth asking."""
    if not item.asked_when:
        return True
    met = (meets(condition, answers.get(condition.item_id)) for condition in item.asked_when)
    return all(met) if item.asked_when_all else any(met)


def meets(condition: AskedWhen, answer: Answer | None) -> bool:
    """Return whether one answer (None: not asked, or skipped) meets a condition."""
    given = answer is not None and answer.given
    if condition.answered is not None and condition.answered != given:
        return False
    if answer is None or not given:
        return not _needs_answer(condition)
    return _meets_codes(condition, answer) and _meets_numbers(condition, answer.value)


def _needs_answer(condition: AskedWhen) -> bool:
    limits = (getattr(condition, name) for name, _ in COMPARISONS if name != "differs")
    return condition.answered is True or bool(condition.any_of) or any(each is not None for each in limits)


def _meets_codes(condition: AskedWhen, answer: Answer) -> bool:
    picked = set(answer.picks) | {answer.code}
    if condition.any_of and not picked & set(condition.any_of):
        return False
    return not picked & set(condition.none_of)


COMPARISONS: tuple[tuple[str, Callable[[float, float], bool]], ...] = (
    ("at_least", operator.ge),
    ("at_most", operator.le),
    ("above", operator.gt),
    ("below", operator.lt),
    ("equals", operator.eq),
    ("differs", operator.ne),
)


def _meets_numbers(condition: AskedWhen, value: float | None) -> bool:
    given = [(getattr(condition, name), holds) for name, holds in COMPARISONS]
    return all(limit is None or (value is not None and holds(value, limit)) for limit, holds in given)
