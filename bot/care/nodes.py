"""The parts of a pattern, each of which tells where in a passage it may end, given where it may begin.

Places are bits: bit 3 stands before the fourth word. A part takes a set of places as one number and answers
with another, so every part is tried at all places of a message at once. The time grows with the patterns and
the text, never with the ways in which they might fit: nothing is ever tried again.

Every part answers four questions: `reach`, at which places it ends when it may begin at some; `begins`, at
which it may begin at all; `likely`, whether all its words are in the passage, in whatever order; `needs`,
which words a text must hold before any of this is worth asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from bot.care.passage import Passage


class Need(NamedTuple):
    """A set of words of which a text that holds a part holds at least one."""

    weight: int  # how common the words are in messages, the lowest first
    any_of: frozenset[str]


Needs = Sequence[Need]
_FREQUENT_WEIGHT = 30  # a frequent word is as common as so many others


class Words:
    """One word out of a set. `frequent` are the words in nearly every message, of this set and of others."""

    __slots__ = ("_frequent", "_needs", "any_of")

    def __init__(self, any_of: frozenset[str], frequent: frozenset[str]) -> None:
        self.any_of = any_of
        self._frequent = frequent
        self._needs: Needs | None = None

    def reach(self, passage: Passage, starts: int) -> int:
        return (starts & passage.standing[self]) << 1

    def begins(self, passage: Passage) -> int:
        return passage.standing[self]

    def likely(self, passage: Passage) -> bool:
        return not self.any_of.isdisjoint(passage.heard)

    def needs(self) -> Needs:
        if self._needs is None:
            common = len(self.any_of & self._frequent)
            self._needs = (Need(len(self.any_of) + _FREQUENT_WEIGHT * common, self.any_of),)
        return self._needs


class _Unsure:
    """What need not be there at all."""

    __slots__ = ()

    def begins(self, passage: Passage) -> int:
        return passage.everywhere

    def likely(self, passage: Passage) -> bool:
        return True

    def needs(self) -> Needs:
        return ()


class _Between(_Unsure):
    """What stands between words: no filler is looked for beside it."""

    __slots__ = ()


class Gap(_Between):
    """Up to `most` words of the same sentence, none of them a negation; commas do not count."""

    __slots__ = ("least", "most")

    def __init__(self, most: int, least: int = 0) -> None:
        self.most = most
        self.least = least

    def reach(self, passage: Passage, starts: int) -> int:
        inside, commas = passage.inside, passage.commas
        reached = starts | (starts & commas) << 1
        passed = 0 if self.least else reached
        for _ in range(self.most):
            reached = (reached & inside) << 1
            if not reached:
                break
            if commas:
                reached |= (reached & commas) << 1
            passed |= reached
        return passed


class Stride(_Between):
    """Up to `most` words, across sentences."""

    __slots__ = ("most",)

    def __init__(self, most: int) -> None:
        self.most = most

    def reach(self, passage: Passage, starts: int) -> int:
        done = 0
        while done < self.most:
            step = min(done + 1, self.most - done)
            starts |= starts << step
            done += step
        return starts & passage.everywhere


class Edge(_Between):
    """Where a sentence, or the whole message, begins or ends."""

    __slots__ = ("message", "start")

    def __init__(self, start: bool, message: bool) -> None:
        self.start = start
        self.message = message

    def reach(self, passage: Passage, starts: int) -> int:
        at_edge = starts & (1 if self.start else passage.end)
        return at_edge if self.message else at_edge | (starts & passage.stops) << 1


class Maybe(_Unsure):
    """A part that may be left out."""

    __slots__ = ("part",)

    def __init__(self, part: Node) -> None:
        self.part = part

    def reach(self, passage: Passage, starts: int) -> int:
        return starts | self.part.reach(passage, starts)


class Row:
    """One part after the other; up to two fillers may stand before a part that follows another at once."""

    __slots__ = ("_needs", "_steps", "_sure", "parts")

    def __init__(self, parts: Sequence[Node]) -> None:
        self.parts = parts
        self._sure: tuple[list[frozenset[str]], list[Row | Choice]] | None = None
        self._steps: Sequence[_Step] | None = None
        self._needs: Needs | None = None

    def reach(self, passage: Passage, starts: int) -> int:
        filler, standing = passage.filler, passage.standing
        for words, part, loose, sure in self._steps or self._new_steps():
            skipped = starts
            if loose and (after := (starts & filler) << 1):
                starts |= after | (after & filler) << 1
            starts = (starts & standing[words]) << 1 if words else part.reach(passage, starts)
            if not sure:
                starts |= skipped
            elif not starts:
                return 0
        return starts

    def _new_steps(self) -> Sequence[_Step]:
        steps: list[_Step] = []
        before: Node | None = None
        for each in self.parts:
            part, sure = (each.part, False) if isinstance(each, Maybe) else (each, True)
            loose = not (before is None or isinstance(each, _Between) or isinstance(before, _Between))
            steps.append((part if isinstance(part, Words) else None, part, loose, sure))
            before = each
        self._steps = steps
        return steps

    def begins(self, passage: Passage) -> int:
        return self.parts[0].begins(passage)

    def likely(self, passage: Passage) -> bool:
        heard = passage.heard
        words, others = self._sure or self._new_sure()
        for any_of in words:
            if any_of.isdisjoint(heard):
                return False
        for part in others:  # noqa: SIM110 (a generator costs more than what it looks at)
            if not part.likely(passage):
                return False
        return True

    def _new_sure(self) -> tuple[list[frozenset[str]], list[Row | Choice]]:
        words = [part.any_of for part in self.parts if isinstance(part, Words)]
        others = [part for part in self.parts if isinstance(part, Row | Choice)]
        self._sure = words, others
        return self._sure

    def needs(self) -> Needs:
        if self._needs is None:
            found: list[Need] = []
            for part in self.parts:
                found += part.needs()
            found.sort(key=_WEIGHT)
            self._needs = found
        return self._needs


class Choice:
    """One part out of several: the alternatives that are single words, and the others."""

    __slots__ = ("_by_word", "_needed", "_needs", "_unsure", "parts", "words")

    def __init__(self, words: Words | None, parts: Sequence[Node]) -> None:
        self.words = words
        self.parts = parts
        self._needs: Needs | None = None
        self._by_word: dict[str, list[Node]] | None = None  # each part under every word of its rarest need
        self._needed: frozenset[str] = frozenset()  # the words of that
        self._unsure: list[Node] = []  # the parts that need no word at all

    def reach(self, passage: Passage, starts: int) -> int:
        reached = (starts & passage.standing[self.words]) << 1 if self.words else 0
        live = passage.live.get(self)
        for part in self._live(passage) if live is None else live:
            reached |= part.reach(passage, starts)
        return reached

    def begins(self, passage: Passage) -> int:
        begun = passage.standing[self.words] if self.words else 0
        live = passage.live.get(self)
        for part in self._live(passage) if live is None else live:
            begun |= part.begins(passage)
        return begun

    def likely(self, passage: Passage) -> bool:
        if self.words and not self.words.any_of.isdisjoint(passage.heard):
            return True
        live = passage.live.get(self)
        return bool(self._live(passage) if live is None else live)

    def _live(self, passage: Passage) -> Sequence[Node]:
        """Return the parts all words of which are in the passage; worked out once for each passage."""
        if len(self.parts) <= _FEW:
            live = passage.live[self] = [part for part in self.parts if part.likely(passage)]
            return live
        by_word = self._by_word if self._by_word is not None else self._index()
        live = [part for part in self._unsure if part.likely(passage)] if self._unsure else []
        for word in self._needed & passage.heard:
            for part in by_word[word]:
                if part.likely(passage) and part not in live:
                    live.append(part)
        passage.live[self] = live
        return live

    def _index(self) -> dict[str, list[Node]]:
        by_word: dict[str, list[Node]] = {}
        for part in self.parts:
            if needs := part.needs():
                for word in needs[0].any_of:
                    by_word.setdefault(word, []).append(part)
            else:
                self._unsure.append(part)
        self._by_word, self._needed = by_word, frozenset(by_word)
        return by_word

    def needs(self) -> Needs:
        if self._needs is None:
            each = [part.needs() for part in (self.words, *self.parts) if part]
            self._needs = (_either([needs[0] for needs in each]),) if all(each) else ()
            if self._needs and any(len(needs) > 1 for needs in each):
                self._needs = (*self._needs, _either([needs[:2][-1] for needs in each]))
        return self._needs


def _either(needs: Sequence[Need]) -> Need:
    """Return what is met whenever one of these is."""
    return Need(sum(map(_WEIGHT, needs)), frozenset().union(*[need.any_of for need in needs]))


_WEIGHT = attrgetter("weight")
_FEW = 4  # so many parts are looked at one by one
Node = Words | Gap | Stride | Edge | Maybe | Row | Choice
# The part if it is words alone, the part, whether fillers may stand before it, whether it must be there.
_Step = tuple[Words | None, Node, bool, bool]


def spans(node: Node, passage: Passage) -> Iterator[tuple[int, int]]:
    """Yield each place where a pattern stands and one past its last, from left to right, none overlapping."""
    starts = node.begins(passage)
    while starts and (ends := node.reach(passage, starts)):
        start = _first(node, passage, starts)
        if starts & (starts - 1):
            ends = node.reach(passage, 1 << start)
        end = ends.bit_length() - 1
        yield start, end
        past = max(end, start + 1)
        starts = starts >> past << past


def _first(node: Node, passage: Passage, starts: int) -> int:
    """Return the first of some places at which a pattern that stands at one of them begins."""
    while later := starts & (starts - 1):  # more than one is left
        half = _lower_half(starts)
        starts = half if node.reach(passage, half) else later & ~half
    return starts.bit_length() - 1


def _lower_half(starts: int) -> int:
    """Return the places below the middle between the first and the last."""
    first, last = (starts & -starts).bit_length() - 1, starts.bit_length() - 1
    return starts & ((1 << (first + last + 1) // 2) - 1)


def certain(node: Node) -> bool:
    """Tell whether every match of a pattern holds a word."""
    if isinstance(node, Row):
        return any(isinstance(part, Words) for part in node.parts) or any(map(certain, node.parts))
    if isinstance(node, Choice):
        return all(map(certain, node.parts))
    return isinstance(node, Words)
