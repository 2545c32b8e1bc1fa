"""Telling a text in neither English nor Spanish, so that a person is asked to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from bot.care.level import Finding

_LATIN_ENDS = 0x250  # letters from here on are not Latin
_LAST_LATIN = chr(_LATIN_ENDS - 1)
_WORDS_HEARD = 60
_FEWEST_FOREIGN = 3  # letters in another script before the text counts as written in it


class _Words(Protocol):
    def unknown(self, word: str) -> bool: ...


@dataclass(frozen=True)
class Languages:
    """`finding` is raised for a text we cannot read. `others` are telling little words of other languages."""

    finding: Finding | None = None
    others: Mapping[str, frozenset[str]] | None = None
    ordinary: frozenset[str] = frozenset()  # words in nearly every English or Spanish message

    def unreadable(self, text: str, units: Sequence[str], words: _Words) -> Finding | None:
        """Return the finding for a text in a language we do not judge, None for one we do."""
        if self.finding is None or not units:
            return None
        if not text.isascii() and _foreign_script(text) and not _readable(units, words):
            return self.finding
        heard = set(units[:_WORDS_HEARD])
        foreign = len(self._telling & heard) >= 2 or self.ordinary.isdisjoint(heard)
        return self.finding if foreign and self._other_language(units, words) else None

    @cached_property
    def _telling(self) -> frozenset[str]:
        return frozenset().union(*(self.others or {}).values())

    def _other_language(self, units: Sequence[str], words: _Words) -> bool:
        spoken = [unit for unit in units[:_WORDS_HEARD] if unit.isalpha() and len(unit) > 1]
        for telling in (self.others or {}).values():
            count = sum(unit in telling for unit in spoken)
            if count >= 2 and count * 5 >= len(spoken):
                unknown = sum(words.unknown(unit) or unit in telling for unit in spoken)
                if unknown * 2 >= len(spoken):
                    return True
        return len(spoken) >= 7 and sum(words.unknown(unit) for unit in spoken) * 10 >= len(spoken) * 9


def _foreign_script(text: str) -> bool:
    text = text[:400]
    if len([char for char in text if char > _LAST_LATIN]) < _FEWEST_FOREIGN:
        return False
    letters = [char for char in text if char.isalpha()]
    foreign = sum(
        ord(char) >= _LATIN_ENDS and not 0x1D400 <= ord(char) <= 0x1D7FF and not 0xFF00 <= ord(char) <= 0xFF5A
        for char in letters
    )
    return foreign >= _FEWEST_FOREIGN and foreign * 2 >= len(letters)


def _readable(units: Sequence[str], words: _Words) -> bool:
    spoken = [unit for unit in units[:60] if unit.isalpha()]
    return bool(spoken) and sum(words.unknown(unit) for unit in spoken) * 2 < len(spoken)
