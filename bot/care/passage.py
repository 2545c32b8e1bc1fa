"""The words of a text as sets of places: a number for each word, a bit for each place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bot.care.nodes import Choice, Node, Words

SIGNS = (".", "?", "!", ",")
"""The signs that are read as words; a lexicon numbers them first."""

MOST_FREQUENT = 256
"""So many numbers of a lexicon are for signs and for words in nearly every message."""

FREQUENT = (1 << MOST_FREQUENT) - 1
_ENDS = 0b0111  # the first three signs end a sentence
_COMMA = 0b1000


class Unit(NamedTuple):
    """What a written word is read as: at each of its places the words it may be taken for.

    Words are the numbers of a lexicon; `heard` has the bit of every one of them.
    """

    places: tuple[tuple[int, ...], ...]
    heard: int


class Frame(NamedTuple):
    """Words that matter to every pattern, as bits."""

    filler: int
    """may stand between any two words"""
    breaks: int
    """no gap runs over them"""


NO_FRAME = Frame(0, 0)


def numbers_of(bits: int) -> list[int]:
    """Return the numbers of the bits of a set, from the highest down."""
    numbers = []
    while bits:
        number = bits.bit_length() - 1
        numbers.append(number)
        bits ^= 1 << number
    return numbers


class _Standing(dict["Words", int]):
    """Where a word of a set stands; looked up once a passage."""

    def __init__(self, heard: int, words: dict[int, int]) -> None:
        super().__init__()
        self._heard = heard
        self._words = words

    def __missing__(self, words: Words) -> int:
        places = self[words] = self.of(words.any_of)
        return places

    def of(self, any_of: int) -> int:
        places = 0
        for number in numbers_of(any_of & self._heard):
            places |= self._words[number]
        return places


class Passage:
    """A text, ready for patterns to be tried on."""

    __slots__ = (
        "commas", "end", "everywhere", "filler", "heard", "inside", "live", "standing", "stops", "words",
    )  # fmt: skip

    def __init__(self, units: Iterable[Unit], frame: Frame) -> None:
        words: dict[int, int] = {}
        bit, heard = 1, 0
        for places, each in units:
            heard |= each
            for place in places:
                for word in place:
                    words[word] = words.get(word, 0) | bit
                bit <<= 1
        self.words = words
        self.heard = heard
        self.standing = standing = _Standing(heard, words)
        self.live: dict[Choice, Sequence[Node]] = {}
        self.end = bit
        self.everywhere = 2 * bit - 1
        self.filler = standing.of(frame.filler)
        self.stops = standing.of(_ENDS)
        self.commas = words.get(len(SIGNS) - 1, 0)
        self.inside = (bit - 1) & ~standing.of(frame.breaks | _ENDS | _COMMA)
