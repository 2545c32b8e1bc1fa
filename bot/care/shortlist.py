"""Which patterns a text may hold: one quick look at its words, before any pattern is tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from bot.care.nodes import Needs
from bot.care.passage import numbers_of

T = TypeVar("T")
_RANKS = 4


class Shortlist(Generic[T]):
    """Entries, each with the sets of words of each of which a text that holds it has at least one.

    Every entry is a bit. A word has three numbers: the entries whose first, second and third need it meets.
    """

    def __init__(self, entries: Sequence[tuple[T, Needs]]) -> None:
        self._entries = [entry for entry, _ in entries]
        self._free = [0] * _RANKS  # the entries that have no such need
        needed: dict[
            int, list[int]
        ] = {}  # of each need, the entries of which it is the first, the second ...
        for number, (_, needs) in enumerate(entries):
            bit = 1 << number
            for rank in range(_RANKS):
                if rank < len(needs):
                    needed.setdefault(needs[rank][1], [0] * _RANKS)[rank] |= bit
                else:
                    self._free[rank] |= bit
        self._met = _by_word(needed)

    def of(self, words: Iterable[int]) -> Iterator[T]:
        """Return the entries that a text with these words may hold, in their order."""
        first, second, third, fourth = self._free
        for word in words:
            if word in self._met:
                a, b, c, d = self._met[word]
                first |= a
                second |= b
                third |= c
                fourth |= d
        there, entries = bin(first & second & third & fourth)[:1:-1], self._entries
        at = there.find("1")
        while at >= 0:
            yield entries[at]
            at = there.find("1", at + 1)


def _by_word(needed: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return, for each word, the entries whose first need it meets, whose second, and so on."""
    met: dict[int, list[int]] = {}
    for need, entries in needed.items():
        for word in numbers_of(need):
            if (there := met.get(word)) is None:
                met[word] = list(entries)
                continue
            for rank, bits in enumerate(entries):
                if bits:
                    there[rank] |= bits
    return met
