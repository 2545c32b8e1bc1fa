"""Items and instruments: what can be asked, what an answer may be, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ItemKind(StrEnum):
    SCALE = "scale"  # whole numbers lowest..highest, shown as a keypad with direction words
    COUNT = "count"  # 0,1,2..highest, the last meaning "or more"
    HOURS = "hours"  # lowest..highest in steps of half an hour
    CHOICE = "choice"  # one option
    MULTI = "multi"  # any options, then done; the option "none" excludes the others
    GRADE = "grade"  # none, mild, moderate, severe = 0..3
    PRESSURE = "pressure"  # blood pressure: systolic as value, "138/90" as code
    TEXT = "text"  # free words


@dataclass(frozen=True)
class Option:
    """A choice. `code` is stored; the words shown are wording. `value` is its score, None for none."""

    code: str
    value: float | None = None


@dataclass(frozen=True)
class AskedWhen:
    """Ask only when `item_id` was answered with at least `at_least`, or with an option in `any_of`."""

    item_id: str
    at_least: float | None = None
    any_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One question. Its words are in `prompts/wording`, under its id.

    `higher_is` is "worse", "better" or "" and is shown on every keypad.
    `follow_ups` maps a picked option of a MULTI item to the item asked about it.
    `loinc` is empty where no code is confirmed.
    """

    id: str
    kind: ItemKind
    lowest: float = 0
    highest: float = 10
    step: float = 1
    unit: str = ""
    higher_is: str = ""
    options: tuple[Option, ...] = ()
    asked_when: AskedWhen | None = None
    follow_ups: tuple[tuple[str, str], ...] = ()
    unknown_allowed: bool = False  # a "don't know" button
    loinc: str = ""
    instrument: str = ""  # the instrument it belongs to


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
