"""Which patterns a text may hold: one quick look at what words follow which, before any is searched for.

Every match of a pattern holds certain words one after the other. Such a pair is a joint: a word of one set, then
one of another, next to each other or farther on. The sieve goes over a text once, with a bit for each joint, and
tells which joints the text holds; only patterns that have all of theirs are searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from bot.care.patterns import Choice, Edge, Gap, Named, Node, Optional_, Sequence_, Words

T = TypeVar("T")
SENTENCE_ENDS = frozenset(".?!")
_NO_WORDS: frozenset[str] = frozenset()
_ANYTHING = None  # what stands at the edge of a pattern that begins or ends with a gap
_Edge = frozenset[str] | None
_MOST_JOINTS = 3  # of one pattern
_COST = itemgetter(0)


class Reach(IntEnum):
    """How far the second word of a joint may stand from the first."""

    ALONE = 0  # there is no first word
    ACROSS = 1  # anywhere after it
    GAP = 2  # in the same sentence, with no negation between
    NEXT = 3  # after fillers alone


# How much rarer a joint is than its second word alone, in units of the weight of its first words.
_RARITY = {Reach.ACROSS: 150, Reach.GAP: 500, Reach.NEXT: 2000}


class Joint(NamedTuple):
    """A word of `first`, then one of `then`."""

    first: frozenset[str]
    then: frozenset[str]
    reach: Reach


_Weighed = tuple[float, Joint]  # how often a joint is likely to be met, and the joint


@dataclass
class Joiner:
    """Works out the joints of patterns. `weigh` says how common the words of a set are in ordinary messages."""

    weigh: Callable[[frozenset[str]], float]
    _found: dict[int, list[_Weighed]] = field(default_factory=dict)  # by the id of a node
    _edges: dict[tuple[int, bool], _Edge] = field(default_factory=dict)

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
            if not _sure(part):
                between.append(part)
                continue
            if starts := self._edge(part):
                found.append(self._alone(starts))
            if before is not None and (joint := self._between(before, between, part)):
                found.append(joint)
            before, between = part, []
        return self._of(before) if len(found) < 2 and before is not None else found

    def _alone(self, words: frozenset[str]) -> _Weighed:
        return self.weigh(words), Joint(_NO_WORDS, words, Reach.ALONE)

    def _pair(self, first: frozenset[str], then: frozenset[str], reach: Reach) -> _Weighed:
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
            return self._pair(first, then, Reach.NEXT)
        gaps = [part for part in between if isinstance(part, Gap)]
        if not gaps:
            starts = [self._edge(part) for part in between]
            known = [start for start in starts if start is not _ANYTHING]
            if len(known) == len(starts):
                return self._pair(first, then.union(*known), Reach.NEXT)
        elif len(gaps) == len(between) and not any(gap.across for gap in gaps):
            return self._pair(first, then, Reach.GAP)
        return self._pair(first, then, Reach.ACROSS)

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
            if isinstance(node, Sequence_) and _sure(part):
                break
        return words[0] if len(words) == 1 else _NO_WORDS.union(*words)


def _sure(node: Node) -> bool:
    """Tell whether every match of a part holds a word."""
    if isinstance(node, Words):
        return True
    if isinstance(node, Choice):
        return all(_sure(part) for part in node.parts)
    if isinstance(node, Sequence_):
        return any(_sure(part) for part in node.parts)
    return isinstance(node, Named) and _sure(node.part)


class Sieve(Generic[T]):
    """Patterns with their joints, rarest first, and the way a text is looked over for all of them at once."""

    def __init__(self, patterns: Sequence[tuple[T, Sequence[_Weighed]]]) -> None:
        # The rarest joint of each pattern has a low bit. Joints often begun come before others: the numbers
        # a text is looked over with stay short.
        costs = {joint: cost for _, joints in patterns for cost, joint in joints}
        rarest = {joints[0][1] for _, joints in patterns}
        ordered = sorted(costs, key=lambda each: (each not in rarest, each.reach, -costs[each]))
        self._bits = {joint: 1 << at for at, joint in enumerate(ordered)}
        self._low = (1 << len(rarest)) - 1
        self._patterns: list[list[tuple[T, int]]] = [[] for _ in rarest]
        for pattern, joints in patterns:
            need = 0
            for _, joint in joints[1:]:
                need |= self._bits[joint]
            self._patterns[self._bits[joints[0][1]].bit_length() - 1].append((pattern, need))
        self._steps: dict[str, tuple[int, int, int]] = {}
        self._alone = 0

    def settle(self, symbols: Mapping[str, str], fillers: str, breaks: str) -> None:
        """Make the sieve ready.

        `symbols` are those each word may be read as, `fillers` those that may stand between any two words,
        `breaks` those that no gap runs over. The empty word stands for all symbols there are.
        """
        begun, ended = self._by_symbol(symbols)
        masks = dict.fromkeys(Reach, 0)
        for joint, bit in self._bits.items():
            masks[joint.reach] |= bit
        self._alone = masks[Reach.ALONE]
        for symbol in symbols[""]:
            kept = masks[Reach.ALONE] | masks[Reach.ACROSS]
            kept |= masks[Reach.GAP] if symbol not in breaks or symbol in fillers else 0
            kept |= masks[Reach.NEXT] if symbol in fillers else 0
            self._steps[symbol] = (ended.get(symbol, 0), kept, begun.get(symbol, 0))

    def _by_symbol(self, symbols: Mapping[str, str]) -> tuple[dict[str, int], dict[str, int]]:
        begun: dict[str, int] = {}
        ended: dict[str, int] = {}
        for joint, bit in self._bits.items():
            for words, into in ((joint.first, begun), (joint.then, ended)):
                for word in words:
                    into[word] = into.get(word, 0) | bit
        return _spread(begun, symbols), _spread(ended, symbols)

    def held(self, text: str) -> Iterator[tuple[T, bool]]:
        """Yield each pattern that a text of symbols may hold, and whether it may hold it more than once."""
        begun, seen, again = self._alone, 0, 0
        for ends, keeps, begins in map(self._steps.__getitem__, text):
            met = begun & ends
            if met:
                again |= seen & met
                seen |= met
            begun = begun & keeps | begins
        missing, repeated = ~seen, again & self._low
        places = bin(seen & self._low)[:1:-1]
        at = places.find("1")
        while at >= 0:
            for pattern, need in self._patterns[at]:
                if not need & missing:
                    yield pattern, bool(repeated >> at & 1)
            at = places.find("1", at + 1)


def _spread(by_word: Mapping[str, int], symbols: Mapping[str, str]) -> dict[str, int]:
    """Give the bits of words to all symbols the words may be read as."""
    by_symbol: dict[str, int] = {}
    for word, bits in by_word.items():
        for symbol in symbols[word]:
            by_symbol[symbol] = by_symbol.get(symbol, 0) | bits
    return by_symbol
