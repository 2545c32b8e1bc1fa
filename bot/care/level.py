"""How urgent a finding is, and what a finding says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """Urgency, in order: a higher level wins. Names are those of the rules in `prompts/rules`."""

    WATCH = 1
    SAME_DAY = 2
    URGENT = 3
    EMERGENCY = 4

    @property
    def key(self) -> str:
        """The level as written in content, tables and exports: "same_day"."""
        return self.name.lower()

    @classmethod
    def from_key(cls, key: str) -> Level:
        """Return the level written as `key`.

        Raises:
            ValueError: there is no such level.
        """
        for level in cls:
            if level.key == key:
                return level
        raise ValueError(f"{key!r} is no level; the levels are {', '.join(each.key for each in cls)}")

    def raised(self) -> Level:
        """Return the next level up; an emergency stays one."""
        return Level(min(self + 1, Level.EMERGENCY))


@dataclass(frozen=True)
class Finding:
    """A rule that fired: which one, how urgent, on what evidence, and what the patient is told.

    `words` are the patient's own, as written; `facts` are what a structured rule looked at
    ("nightmare distress 9, baseline 6"). Both are clinical content: never logged.
    `told` is the key of the message for the patient ("M4"), "" for none. `asks` is true when the
    text was ambiguous and the direct question (M1b) must be asked at once.
    """

    rule_id: str
    level: Level
    words: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    told: str = ""
    asks: bool = False
