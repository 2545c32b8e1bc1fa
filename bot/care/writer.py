"""Patterns as regular expressions over word symbols."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.care.patterns import Choice, Edge, Gap, Named, Node, Optional_, Sequence_, Words


@dataclass
class Writer:
    """Translates patterns to regular expressions over symbols."""

    symbols: Callable[[frozenset[str]], str]  # the character class of a set of words
    every: str  # range of all symbols
    ends: str  # character class of sentence ends
    filler: str  # character class of fillers
    comma: str  # the symbol of a comma: a gap runs over it without counting it
    inside: str  # character class of what a gap runs over: all but sentence ends, commas and negations
    _written: dict[int, str] = field(default_factory=dict)  # by the id of a node

    def write(self, node: Node) -> str:
        """Return the regular expression."""
        written = self._written.get(id(node))
        if written is None:
            written = self._written[id(node)] = self._new(node)
        return written

    def _new(self, node: Node) -> str:
        if isinstance(node, Words):
            return self.symbols(node.any_of)
        if isinstance(node, Named):
            return self.write(node.part)
        if isinstance(node, Gap | Edge):
            return self._between(node)
        if isinstance(node, Optional_):
            return f"(?:{self.write(node.part)})?"
        return self._choice(node) if isinstance(node, Choice) else self._sequence(node)

    def _choice(self, node: Choice) -> str:
        return "(?:" + "|".join(self.write(part) for part in node.parts) + ")"

    def _between(self, node: Gap | Edge) -> str:
        if isinstance(node, Gap):
            if node.across:
                return f"[{self.every}]{{{node.least},{node.most}}}"
            return f"{self.comma}?(?:{self.inside}{self.comma}?){{{node.least},{node.most}}}"
        edge = "^" if node.start else "$"
        return edge if node.message else f"(?:{edge}|{self.ends})"

    def _sequence(self, node: Sequence_) -> str:
        out = ""
        for at, part in enumerate(node.parts):
            written = self.write(part)
            before = node.parts[at - 1] if at else None
            if before is not None and not isinstance(part, Gap | Edge) and not isinstance(before, Gap | Edge):
                filler = f"{self.filler}{{0,2}}"
                if isinstance(part, Optional_):
                    written = f"(?:{filler}{self.write(part.part)})?"
                    out += written
                    continue
                out += filler
            out += written
        return out
