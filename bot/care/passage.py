"""The words of a text as sets of places: a number for each word, a bit for each place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bot.care.nodes import Choice, Node, Words

Place = tuple[str, ...]
"""What stands at a place: every word of a pattern that it may be taken for, if any."""

Unit = tuple[Place, ...]
"""What a written word is read as; it may stand for several words."""

SENTENCE_ENDS = frozenset(".?!")
COMMA = ","


class Frame(NamedTuple):
    """Words that matter to every pattern."""

    filler: frozenset[str] = frozenset()
    """may stand between any two words"""
    negations: frozenset[str] = frozenset()
    """no gap runs over them"""


class _Standing(dict["Words", int]):
    """Where a word of a set stands; looked up once a passage."""

    def __init__(self, words: dict[str, int]) -> None:
        super().__init__()
        self._words = words
        self.heard = frozenset(words)

    def __missing__(self, words: Words) -> int:
        places = self[words] = self.of(words.any_of)
        return places

    def of(self, any_of: frozenset[str]) -> int:
        places = 0
        for word in any_of & self.heard:
            places |= self._words[word]
        return places


class Passage:
    """A text, ready for patterns to be tried on."""

    __slots__ = (
        "commas", "end", "everywhere", "filler", "heard", "inside", "live", "standing", "stops",
    )  # fmt: skip

    def __init__(self, units: Iterable[Unit], frame: Frame) -> None:
        words: dict[str, int] = {}
        bit = 1
        for place in chain.from_iterable(units):
            for word in place:
                words[word] = words.get(word, 0) | bit
            bit <<= 1
        self.standing = standing = _Standing(words)
        self.heard = standing.heard
        self.live: dict[Choice, Sequence[Node]] = {}
        self.end = bit
        self.everywhere = 2 * bit - 1
        self.filler = standing.of(frame.filler)
        self.stops = standing.of(SENTENCE_ENDS)
        self.commas = words.get(COMMA, 0)
        self.inside = (bit - 1) & ~(standing.of(frame.negations) | self.stops | self.commas)
