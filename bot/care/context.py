"""The context of a phrase: which guards stand before it, after it or near it in the message."""

from __future__ import annotations

from collections.abc import Mapping

from bot.care.judgement import Guard, Phrase
from bot.care.nodes import Node
from bot.care.passage import Passage
from bot.care.shortlist import Shortlist

NEAR = 120  # words on either side of a phrase in which a guard "anywhere" is looked for
_LOOSE = 3  # fillers that may stand between a guard and its phrase


class Contexts:
    """Every guard, ready to be looked for around the phrases of a passage."""

    def __init__(self, guards: Mapping[str, Guard]) -> None:
        self.level = {name: guard.to for name, guard in guards.items()}
        self.sought = Shortlist(
            [
                ((name, side, node), node.needs())
                for name, guard in guards.items()
                for side, nodes in enumerate((guard.before, guard.after, guard.anywhere))
                for node in nodes
            ]
        )


_BEFORE, _AFTER, _ANYWHERE = range(3)
_Stand = tuple[int, int, list[Node]]


class Surroundings:
    """The guards that may stand in one passage, each looked for when first asked about."""

    def __init__(self, contexts: Contexts, passage: Passage) -> None:
        self._level = contexts.level
        self._passage = passage
        self._sought: dict[str, list[tuple[int, Node]]] = {}
        for guard, side, node in contexts.sought.of(passage.heard):
            self._sought.setdefault(guard, []).append((side, node))
        self._stand: dict[str, _Stand] = {}

    def lowering(self, phrase: Phrase, start: int, end: int) -> str:
        """Return the guard that lowers a phrase found between two places the most, "" for none."""
        lowest, level = "", phrase.level
        for name in phrase.guards:
            if name in self._sought and self._level[name] < level and self._stands(name, start, end):
                lowest, level = name, self._level[name]
        return lowest

    def _stands(self, guard: str, start: int, end: int) -> bool:
        before, near, after = self._stand.get(guard) or self._look_for(guard)
        if before >> start & 1:
            return True
        if near and near >> max(0, start - NEAR) & ((1 << end - start + 2 * NEAR) - 1):
            return True
        if not after:
            return False
        behind = self._loosened(1 << end)
        return any(node.reach(self._passage, behind) for node in after)

    def _look_for(self, guard: str) -> _Stand:
        """Return where a guard ends, before a phrase and anywhere, and what of it may stand after one."""
        passage, ends = self._passage, [0, 0, 0]
        after: list[Node] = []
        for side, node in self._sought[guard]:
            if not node.likely(passage):
                continue
            if side == _AFTER:
                after.append(node)
            else:
                ends[side] |= node.reach(passage, passage.everywhere)
        stand = self._stand[guard] = self._loosened(ends[_BEFORE]), ends[_ANYWHERE], after
        return stand

    def _loosened(self, places: int) -> int:
        step, filler = places, self._passage.filler
        for _ in range(_LOOSE):
            step = (step & filler) << 1
            if not step:
                break
            places |= step
        return places
