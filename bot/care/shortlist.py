"""Which patterns a text may hold: one quick look at its words, before any pattern is tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from bot.care.nodes import Needs
from bot.care.passage import numbers_of

T = TypeVar("T")
_RANKS = 3


class Shortlist(Generic[T]):
    """Entries, each with the sets of words of each of which a text that holds it has at least one.

    Every entry is a bit. A word has three numbers: the entries whose first, second and third need it meets.
    """

    def __init__(self, entries: Sequence[tuple[T, Needs]]) -> None:
        self._entries = [entry for entry, _ in entries]
        self._free = [0] * _RANKS  # the entries that have no such need
        needed: list[dict[int, int]] = [{} for _ in range(_RANKS)]  # of each need, the entries
        for number, (_, needs) in enumerate(entries):
            for rank in range(_RANKS):
                if rank < len(needs):
                    needed[rank][needs[rank]] = needed[rank].get(needs[rank], 0) | 1 << number
                else:
                    self._free[rank] |= 1 << number
        self._met = _by_word(needed)

    def of(self, words: Iterable[int]) -> Iterator[T]:
        """Return the entries that a text with these words may hold, in their order."""
        first, second, third = self._free
        for word in words:
            if word in self._met:
                a, b, c = self._met[word]
                first |= a
                second |= b
                third |= c
        there, entries = bin(first & second & third)[:1:-1], self._entries
        at = there.find("1")
        while at >= 0:
            yield entries[at]
            at = there.find("1", at + 1)


def _by_word(needed: Sequence[Mapping[int, int]]) -> dict[int, list[int]]:
    """Return, for each word, the entries whose first need it meets, whose second and whose third."""
    met: dict[int, list[int]] = {}
    for rank, entries_of in enumerate(needed):
        for need, entries in entries_of.items():
            for word in numbers_of(need):
                if word not in met:
                    met[word] = [0] * _RANKS
                met[word][rank] |= entries
    return met
