"""Which patterns a text may hold: one quick look at its words, before any pattern is tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from bot.care.nodes import Needs

T = TypeVar("T")
_RANKS = 4


class Shortlist(Generic[T]):
    """Entries, each with the sets of words of each of which a text that holds it has at least one.

    Every entry is a bit. A word has three numbers: the entries whose first, second and third need it meets.
    """

    def __init__(self, entries: Sequence[tuple[T, Needs]]) -> None:
        self._entries = [entry for entry, _ in entries]
        self._free = [0] * _RANKS  # the entries that have no such need
        self._met: dict[
            str, list[int]
        ] = {}  # of each word, the entries whose first need it meets, second ...
        needed: dict[frozenset[str], list[int]] = {}
        for number, (_, needs) in enumerate(entries):
            bit = 1 << number
            for rank in range(_RANKS):
                if rank < len(needs):
                    needed.setdefault(needs[rank].any_of, [0] * _RANKS)[rank] |= bit
                else:
                    self._free[rank] |= bit
        for any_of, bits in needed.items():
            self._note(any_of, bits)

    def _note(self, any_of: frozenset[str], bits: Sequence[int]) -> None:
        for word in any_of:
            if (there := self._met.get(word)) is None:
                self._met[word] = list(bits)
            else:
                for rank, more in enumerate(bits):
                    if more:
                        there[rank] |= more

    def of(self, heard: Iterable[str]) -> Iterator[T]:
        """Return the entries that a text with these words may hold, in their order."""
        first, second, third, fourth = self._free
        for word in heard:
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
