"""The context of a phrase: which guards stand before it, after it or anywhere in the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.care.judgement import Guard, Phrase
from bot.care.patterns import Node
from bot.care.search import NOWHERE, Span, compiled
from bot.care.stretch import Stretch


@dataclass(slots=True, eq=False)
class _Side:
    """Patterns looked for on one side of a phrase. Compiled when first needed."""

    nodes: Sequence[Node]
    frame: str
    write: Callable[[Node], str]
    span: Span | None = None

    def stands_in(self, text: bytes) -> bool:
        if not self.nodes:
            return False
        if self.span is None:
            written = "|".join(self.write(node) for node in self.nodes)
            self.span = compiled(self.frame.format(written))
        return self.span(text) != NOWHERE


@dataclass(slots=True, eq=False)
class _Around:
    """What is looked for before a phrase, after it and anywhere."""

    before: _Side
    after: _Side
    anywhere: _Side


class Contexts:
    """Every guard, ready to be looked for around a phrase.

    `write` translates a pattern; `filler` is what may stand between a guard and its phrase.
    """

    def __init__(self, guards: Mapping[str, Guard], write: Callable[[Node], str], filler: str) -> None:
        self._guards = guards
        self._before = f"(?:{{}}){filler}{{{{0,3}}}}$"
        self._after = f"^{filler}{{{{0,3}}}}(?:{{}})"
        self._around = {name: self._sides([guard], write) for name, guard in guards.items()}
        self._any = self._sides(list(guards.values()), write)  # a quick look: nearly always none stands there

    def _sides(self, guards: Sequence[Guard], write: Callable[[Node], str]) -> _Around:
        return _Around(
            _Side([node for guard in guards for node in guard.before], self._before, write),
            _Side([node for guard in guards for node in guard.after], self._after, write),
            _Side([node for guard in guards for node in guard.anywhere], "{}", write),
        )

    def lowering(self, phrase: Phrase, stretch: Stretch, start: int, end: int) -> str:
        """Return the guard that lowers a phrase found here the most, "" for none."""
        before, after, whole = stretch.guarded
        if start not in before:
            before[start] = self._any.before.stands_in(stretch.before(start))
        if end not in after:
            after[end] = self._any.after.stands_in(stretch.after(end))
        if 0 not in whole:
            whole[0] = self._any.anywhere.stands_in(stretch.text)
        if not (before[start] or after[end] or whole[0]):
            return ""
        return self._lowest(phrase, stretch, start if before[start] else None, end if after[end] else None)

    def _lowest(self, phrase: Phrase, stretch: Stretch, start: int | None, end: int | None) -> str:
        """Return that guard, with None for a side on which no guard at all stands."""
        lowest, level = "", phrase.level
        before = stretch.before(start) if start is not None else b""
        after = stretch.after(end) if end is not None else b""
        whole = stretch.guarded[2][0]
        for name in phrase.guards:
            around, to = self._around[name], self._guards[name].to
            if to < level and (
                (start is not None and around.before.stands_in(before))
                or (end is not None and around.after.stands_in(after))
                or (whole and around.anywhere.stands_in(stretch.text))
            ):
                lowest, level = name, to
        return lowest
