"""Which patterns a text may hold: one quick look at what words follow which, before any is searched for.

Every match of a pattern holds certain words one after the other. Such a pair is a joint: a word of one set,
then one of another, next to each other or farther on. The sieve goes over a text once, with a bit for each
joint, and tells which joints the text holds; only patterns that have all of theirs are searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from bot.care.patterns import Choice, Edge, Gap, Named, Node, Optional_, Sequence_, Words

T = TypeVar("T")
SENTENCE_ENDS = frozenset(".?!")
_NO_WORDS: frozenset[str] = frozenset()
_ANYTHING = None  # what stands at the edge of a pattern that begins or ends with a gap
_Edge = frozenset[str] | None
_MOST_JOINTS = 2  # looked for, of one pattern
_COST = itemgetter(0)


# How far the second word of a joint may stand from the first.
_ALONE = 0  # there is no first word
_ACROSS = 1  # anywhere after it
_GAP = 2  # in the same sentence, with no negation between
_NEXT = 3  # after fillers alone
# How much rarer a joint is than its second word alone, in units of the weight of its first words.
_RARITY = (1, 150, 500, 2000)


class Joint(NamedTuple):
    """A word of `first`, then one of `then`."""

    first: frozenset[str]
    then: frozenset[str]
    reach: int


_Weighed = tuple[float, Joint]  # how often a joint is likely to be met, and the joint


@dataclass
class Joiner:
    """Works out the joints of patterns. `weigh` says how common the words of a set are in messages."""

    weigh: Callable[[frozenset[str]], float]
    _found: dict[int, list[_Weighed]] = field(default_factory=dict)  # by the id of a node
    _edges: dict[tuple[int, bool], _Edge] = field(default_factory=dict)
    _sure: dict[int, bool] = field(default_factory=dict)

    def joints(self, node: Node) -> list[_Weighed]:
        """Return joints that every match of a pattern holds, the rarest first; none when none is certain."""
        return sorted(self._of(node), key=_COST)[:_MOST_JOINTS]

    def _of(self, node: Node) -> list[_Weighed]:
        known = self._found.get(id(node))
        if known is None:
            known = self._found[id(node)] = self._in(node)
        return known

    def _in(self, node: Node) -> list[_Weighed]:
        if isinstance(node, Words):
            return [self._alone(node.any_of)]
        if isinstance(node, Named):
            return self._of(node.part)
        if isinstance(node, Choice):
            rarest = [min(each, key=_COST) for part in node.parts if (each := self._of(part))]
            return [self._either(rarest)] if len(rarest) == len(node.parts) else []
        return self._in_sequence(node) if isinstance(node, Sequence_) else []

    def _in_sequence(self, node: Sequence_) -> list[_Weighed]:
        found: list[_Weighed] = []
        before: Node | None = None
        between: list[Node] = []
        for part in node.parts:
            if not self._is_sure(part):
                between.append(part)
                continue
            if starts := self._edge(part):
                found.append(self._alone(starts))
            if before is not None and (joint := self._between(before, between, part)):
                found.append(joint)
            before, between = part, []
        return self._of(before) if len(found) < 2 and before is not None else found

    def _alone(self, words: frozenset[str]) -> _Weighed:
        return self.weigh(words), Joint(_NO_WORDS, words, _ALONE)

    def _pair(self, first: frozenset[str], then: frozenset[str], reach: int) -> _Weighed:
        return self.weigh(then) * self.weigh(first) / _RARITY[reach], Joint(first, then, reach)

    def _either(self, joints: list[_Weighed]) -> _Weighed:
        """Return one joint that is met whenever one of these is."""
        if len(joints) == 1:
            return joints[0]
        then = _NO_WORDS.union(*[joint.then for _, joint in joints])
        reach = min(joint.reach for _, joint in joints)
        if not reach:
            return self._alone(then)
        return self._pair(_NO_WORDS.union(*[joint.first for _, joint in joints]), then, reach)

    def _between(self, before: Node, between: list[Node], after: Node) -> _Weighed | None:
        """Return the joint of two parts that every match holds, with what may stand between them."""
        first, then = self._edge(before, last=True), self._edge(after)
        if first is _ANYTHING or then is _ANYTHING:
            return None
        if not between:
            return self._pair(first, then, _NEXT)
        gaps = [part for part in between if isinstance(part, Gap)]
        if not gaps:
            starts = [self._edge(part) for part in between]
            known = [start for start in starts if start is not _ANYTHING]
            if len(known) == len(starts):
                return self._pair(first, then.union(*known), _NEXT)
        elif len(gaps) == len(between) and not any(gap.across for gap in gaps):
            return self._pair(first, then, _GAP)
        return self._pair(first, then, _ACROSS)

    def _edge(self, node: Node, last: bool = False) -> _Edge:
        """Return the words a match of a part may begin or end with."""
        if isinstance(node, Words):
            return node.any_of
        key = (id(node), last)
        if key not in self._edges:
            self._edges[key] = self._edge_of(node, last)
        return self._edges[key]

    def _edge_of(self, node: Node, last: bool) -> _Edge:
        if isinstance(node, Edge):
            return _NO_WORDS if node.message else SENTENCE_ENDS
        if isinstance(node, Named | Optional_):
            return self._edge(node.part, last)
        if isinstance(node, Gap | Words):
            return _ANYTHING
        words: list[frozenset[str]] = []
        for part in reversed(node.parts) if last else node.parts:
            edge = self._edge(part, last)
            if edge is _ANYTHING:
                return _ANYTHING
            words.append(edge)
            if isinstance(node, Sequence_) and self._is_sure(part):
                break
        return words[0] if len(words) == 1 else _NO_WORDS.union(*words)

    def _is_sure(self, node: Node) -> bool:
        """Tell whether every match of a part holds a word."""
        if isinstance(node, Words):
            return True
        known = self._sure.get(id(node))
        if known is None:
            if isinstance(node, Choice):
                known = all(self._is_sure(part) for part in node.parts)
            elif isinstance(node, Sequence_):
                known = any(self._is_sure(part) for part in node.parts)
            else:
                known = isinstance(node, Named) and self._is_sure(node.part)
            self._sure[id(node)] = known
        return known


class Sieve(Generic[T]):
    """Patterns with their joints, rarest first, and the way a text is looked over for all of them at once."""

    def __init__(self, patterns: Sequence[tuple[T, Sequence[_Weighed]]]) -> None:
        # The rarest joint of each pattern has a low bit. Joints often begun come before others: the numbers
        # a text is looked over with stay short.
        costs = {joint: cost for _, joints in patterns for cost, joint in joints}
        rarest = {joints[0][1] for _, joints in patterns}
        ordered = sorted(costs, key=lambda each: (each not in rarest, each.reach, -costs[each]))
        places = {joint: place for place, joint in enumerate(ordered)}
        self._all = len(places)
        self._patterns: list[list[tuple[T, int]]] = [[] for _ in rarest]
        for pattern, joints in patterns:
            self._patterns[places[joints[0][1]]].append((pattern, places[joints[-1][1]]))
        self._steps = _Steps({joint: 1 << place for joint, place in places.items()})
        self._alone = self._steps.of_reach[_ALONE]

    def settle(self, symbols: Mapping[str, Iterable[str]], fillers: str, breaks: str) -> None:
        """Make the sieve ready.

        `symbols` are those each word may be read as, `fillers` those that may stand between any two words,
        `breaks` those that no gap runs over.
        """
        self._steps.settle(symbols, fillers, breaks)

    def held(self, text: str) -> tuple[list[tuple[T, int]], int]:
        """Return the patterns that a text of symbols may hold, each with the place of its rarest joint.

        The number is the bits of the joints met more than once: only there may a pattern stand twice.
        """
        begun, seen, again = self._alone, 1 << self._all, 0
        for ends, keeps, begins in map(self._steps.__getitem__, text):
            met = begun & ends
            if met:
                again |= seen & met
                seen |= met
            begun = begun & keeps | begins
        there, least, found = bin(seen)[:1:-1], len(self._patterns), []
        at = there.find("1", 0, least)
        while at >= 0:
            for pattern, other in self._patterns[at]:
                if there[other] == "1":
                    found.append((pattern, at))
            at = there.find("1", at + 1, least)
        return found, again


class _Steps(dict[str, tuple[int, int, int]]):
    """What each symbol does to the joints begun: the bits it ends, keeps and begins. Made when first met."""

    def __init__(self, bits: Mapping[Joint, int]) -> None:
        super().__init__()
        self._bits = bits
        self._begun: dict[str, list[int]] = {}
        self._ended: dict[str, list[int]] = {}
        self._fillers = self._breaks = ""
        self.of_reach = [
            _joined(bit for joint, bit in bits.items() if joint.reach == reach) for reach in range(4)
        ]

    def settle(self, symbols: Mapping[str, Iterable[str]], fillers: str, breaks: str) -> None:
        self._fillers, self._breaks = fillers, breaks
        for joint, bit in self._bits.items():
            for words, into in ((joint.first, self._begun), (joint.then, self._ended)):
                for word in words:
                    for symbol in symbols[word]:
                        if symbol in into:
                            into[symbol].append(bit)
                        else:
                            into[symbol] = [bit]

    def __missing__(self, symbol: str) -> tuple[int, int, int]:
        filler = symbol in self._fillers
        kept = self.of_reach[_ALONE] | self.of_reach[_ACROSS]
        kept |= self.of_reach[_GAP] if filler or symbol not in self._breaks else 0
        kept |= self.of_reach[_NEXT] if filler else 0
        step = _joined(self._ended.get(symbol, ())), kept, _joined(self._begun.get(symbol, ()))
        self[symbol] = step
        return step


def _joined(bits: Iterable[int]) -> int:
    joined = 0
    for bit in bits:
        joined |= bit
    return joined
