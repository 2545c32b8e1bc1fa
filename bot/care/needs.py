"""The words a text must hold before a pattern can be in it: for saying which patterns nearly fired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.care.patterns import Choice, Named, Node, Sequence_, Words


@dataclass
class Needs:
    """Works out sets of words of each of which a matching text holds at least one."""

    weigh: Callable[[frozenset[str]], float]  # the more common the words, the more
    _named: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    def of(self, node: Node) -> list[frozenset[str]]:
        """Return the sets a pattern needs, the rarest first."""
        if isinstance(node, Words):
            return [node.any_of]
        if isinstance(node, Named):
            if node.name not in self._named:
                self._named[node.name] = self.of(node.part)
            return self._named[node.name]
        if isinstance(node, Sequence_):
            found = {each for part in node.parts for each in self.of(part)}
            return sorted(found, key=lambda each: (self.weigh(each), sorted(each)))
        return self._of_choice(node) if isinstance(node, Choice) else []

    def _of_choice(self, node: Choice) -> list[frozenset[str]]:
        rarest = [each[0] for part in node.parts if (each := self.of(part))]
        return [frozenset().union(*rarest)] if len(rarest) == len(node.parts) else []
