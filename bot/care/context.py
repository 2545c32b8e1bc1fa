"""The context of a phrase: which guards stand before it, after it or near it in the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.care.judgement import Guard, Phrase
from bot.care.nodes import Node
from bot.care.passage import Passage

NEAR = 120  # words on either side of a phrase in which a guard "anywhere" is looked for
_LOOSE = 3  # fillers that may stand between a guard and its phrase


class _Stands(NamedTuple):
    """A guard that stands somewhere in a passage."""

    guard: Guard
    before: int  # the places up to which it stands before something
    near: int  # where it ends, of what may stand anywhere


class Surroundings:
    """The guards in one passage, each looked for when first asked about."""

    def __init__(self, guards: Mapping[str, Guard], passage: Passage) -> None:
        self._guards = guards
        self._passage = passage
        self._known: dict[str, _Stands | None] = {}
        self._of_phrases: dict[Sequence[str], list[_Stands]] = {}

    def lowering(self, phrase: Phrase, start: int, end: int) -> str:
        """Return the guard that lowers a phrase found between two places the most, "" for none."""
        standing = self._of_phrases.get(phrase.guards)
        if standing is None:
            standing = self._of_phrases[phrase.guards] = self._those_of(phrase.guards)
        lowest, level = "", phrase.level
        for each in standing:
            if each.guard.to < level and self._stands(each, start, end):
                lowest, level = each.guard.id, each.guard.to
        return lowest

    def _those_of(self, names: Sequence[str]) -> list[_Stands]:
        for name in names:
            if name not in self._known:
                self._known[name] = self._look_for(self._guards[name])
        return [each for name in names if (each := self._known[name])]

    def _look_for(self, guard: Guard) -> _Stands | None:
        before, near = self._ends(guard.before), self._ends(guard.anywhere)
        if before or near or (guard.after and guard.after.likely(self._passage)):
            return _Stands(guard, self._loosened(before), near)
        return None

    def _stands(self, each: _Stands, start: int, end: int) -> bool:
        guard, before, near = each
        if before >> start & 1:
            return True
        if near and near >> max(0, start - NEAR) & ((1 << end - start + 2 * NEAR) - 1):
            return True
        return guard.after is not None and guard.after.reach(self._passage, self._loosened(1 << end)) != 0

    def _ends(self, node: Node | None) -> int:
        passage = self._passage
        return node.reach(passage, passage.everywhere) if node and node.likely(passage) else 0

    def _loosened(self, places: int) -> int:
        step, filler = places, self._passage.filler
        for _ in range(_LOOSE):
            step = (step & filler) << 1
            if not step:
                break
            places |= step
        return places
