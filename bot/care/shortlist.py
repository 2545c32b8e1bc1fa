"""Which patterns a text may hold: one quick look at its words, before any pattern is tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from bot.care.nodes import Needs

T = TypeVar("T")
_RANKS = 4


class Shortlist(Generic[T]):
    """Entries, each with the sets of words of each of which a text that holds it has at least one.

    Every entry is a bit. A word has four numbers: the entries whose first need it meets, whose second, third
    and fourth; a text holds only entries that are met in all four.
    """

    def __init__(self, entries: Sequence[tuple[T, Needs]]) -> None:
        self._entries = [entry for entry, _ in entries]
        self._free = [0] * _RANKS  # the entries that have no such need
        needed: dict[frozenset[str], list[int]] = {}
        for number, (_, needs) in enumerate(entries):
            bit = 1 << number
            for rank in range(_RANKS):
                if rank < len(needs):
                    needed.setdefault(needs[rank].any_of, [0] * _RANKS)[rank] |= bit
                else:
                    self._free[rank] |= bit
        self._met = _Met(needed)

    def of(self, heard: frozenset[str]) -> Iterator[T]:
        """Return the entries that a text with these words may hold, in their order."""
        first, second, third, fourth = self._free
        met = self._met
        for word in heard & met.words:
            a, b, c, d = met[word]
            first |= a
            second |= b
            third |= c
            fourth |= d
        there, entries = bin(first & second & third & fourth)[:1:-1], self._entries
        at = there.find("1")
        while at >= 0:
            yield entries[at]
            at = there.find("1", at + 1)


class _Met(dict[str, list[int]]):
    """The entries a word meets, by rank. Joined when the word is first heard."""

    def __init__(self, needed: Mapping[frozenset[str], list[int]]) -> None:
        super().__init__()
        self._parts: dict[str, list[list[int]]] = {}
        for any_of, entries in needed.items():
            for word in any_of:
                if word in self._parts:
                    self._parts[word].append(entries)
                else:
                    self._parts[word] = [entries]
        self.words = frozenset(self._parts)

    def __missing__(self, word: str) -> list[int]:
        joined = self[word] = [0] * _RANKS
        for entries in self._parts[word]:
            for rank, bits in enumerate(entries):
                joined[rank] |= bits
        return joined
