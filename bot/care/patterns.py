"""The little language phrases are written in, and how it is read.

    {list}      any entry of the word list of that name
    word        that word; "word*" any word beginning so; "#" any number
    (a | b c)   one of these; "?" after a word, list or group makes it optional
    _           any one word;  ..  up to two words;  ...  up to six;  >>  up to 25, across sentences
    ^  $        where a sentence begins or ends;  ^^  $$  where the message does

Between any two words up to two fillers ("really", "just") may stand without being written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NEGATIONS = "not"  # the word list no gap runs over
FILLERS = "filler"  # the word list that may stand between any two words
NUMBER = "#"
NUMBERS = "number"  # the word list of numbers written out
STARS = "*"
SHORTEST_BEGINNING = 4
_PIECE = re.compile(r"\([^()]*\)|[()|]|[^\s()|]+")  # a group without groups inside is one piece


class PatternError(ValueError):
    """A pattern cannot be read. Says what is wrong with it, in words."""


@dataclass(slots=True, eq=False)
class Words:
    """One word out of a set; an entry ending in * stands for every word that begins so."""

    any_of: frozenset[str]


@dataclass(slots=True, eq=False)
class Gap:
    most: int
    least: int = 0
    across: bool = False  # may run over the end of a sentence


@dataclass(slots=True, eq=False)
class Edge:
    start: bool
    message: bool


@dataclass(slots=True, eq=False)
class Optional_:
    part: Node


@dataclass(slots=True, eq=False)
class Sequence_:
    parts: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class Choice:
    parts: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class Named:
    """A word list used in a pattern, with its name: it is looked for once per text, whoever asks."""

    name: str
    part: Node


Node = Named | Words | Gap | Edge | Optional_ | Sequence_ | Choice
_MARKS: Mapping[str, Node] = {
    "_": Gap(1, least=1),
    "..": Gap(2),
    "...": Gap(6),
    ">>": Gap(25, across=True),
    "^": Edge(start=True, message=False),
    "$": Edge(start=False, message=False),
    "^^": Edge(start=True, message=True),
    "$$": Edge(start=False, message=True),
}


@dataclass
class Grammar:
    """Reads patterns, given the word lists as written and the short forms people may use for words."""

    lists: Mapping[str, str]
    spellings: Mapping[str, str] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)  # a word, and all the words to be taken for it
    _read: dict[str, Node] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _words: dict[str, Words] = field(default_factory=dict)
    _atoms: dict[str, Node] = field(default_factory=lambda: dict(_MARKS))  # what each piece read before is

    def read(self, pattern: str) -> Node:
        """Return the pattern's tree; what stands in several patterns is one node of all their trees.

        Raises:
            PatternError: it cannot be read, or names a list that is not there or contains itself.
        """
        pieces = _PIECE.findall(pattern)[::-1]  # the last is the next
        node = self._choice(pieces)
        if pieces:
            raise PatternError(f'"{pieces[-1]}" stands where nothing should')
        return node

    def _choice(self, pieces: list[str]) -> Node:
        parts = [self._sequence(pieces)]
        while pieces and pieces[-1] == "|":
            pieces.pop()
            parts.append(self._sequence(pieces))
        return _chosen(parts)

    def _sequence(self, pieces: list[str]) -> Node:
        parts: list[Node] = []
        while pieces and pieces[-1] not in ("|", ")"):
            piece = pieces.pop()
            if piece == "?":
                if not parts:
                    raise PatternError('"?" stands before anything it could make optional')
                parts[-1] = Optional_(parts[-1])
            elif piece == "(":
                part = self._choice(pieces)
                if not pieces:
                    raise PatternError('a "(" is never closed')
                parts.append(part)
                pieces.pop()
            else:
                parts.append(self._atoms.get(piece) or self._atom(piece))
        if not parts:
            raise PatternError("an alternative is empty")
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def _atom(self, piece: str) -> Node:
        node = self._atoms[piece] = self._new_atom(piece)
        return node

    def _new_atom(self, piece: str) -> Node:
        if piece[0] == "(":
            return self._group(piece[1:-1])
        if piece[-1] == "?" != piece:
            return Optional_(self._atoms.get(piece[:-1]) or self._atom(piece[:-1]))
        if piece == NUMBER:
            written_out = [self._list(NUMBERS)] if NUMBERS in self.lists else []
            return _chosen([Words(frozenset((NUMBER,))), *written_out])
        _check(piece)
        return self._list(piece[1:-1]) if piece[0] == "{" else self._said(piece)

    def _group(self, inner: str) -> Node:
        """Read alternatives without groups inside."""
        parts: list[Node] = []
        for alternative in inner.split("|"):
            pieces = alternative.split()
            if len(pieces) == 1 and pieces[0] != "?":
                parts.append(self._atoms.get(pieces[0]) or self._atom(pieces[0]))
            else:
                parts.append(self._sequence(pieces[::-1]))
        return _chosen(parts)

    def _said(self, word: str) -> Node:
        meant = self.spellings.get(word)
        if meant is None:
            return self._word(word)
        words = tuple(self._word(each) for each in meant.split())
        return words[0] if len(words) == 1 else Sequence_(words)

    def _word(self, word: str) -> Words:
        known = self._words.get(word)
        if known is None:
            known = self._words[word] = Words(frozenset((word, *self.same.get(word, "").split())))
        return known

    def _list(self, name: str) -> Node:
        if name not in self._read:
            if name not in self.lists:
                raise PatternError(f"there is no word list {{{name}}}")
            if name in self._open:
                raise PatternError(f"the word list {{{name}}} contains itself")
            self._open.append(name)
            try:
                node = self.read(self.lists[name])
                self._read[name] = node if isinstance(node, Words) else Named(name, node)
            finally:
                self._open.pop()
        return self._read[name]


def _check(word: str) -> None:
    if word in (",", "!"):
        return
    name = word[1:-1] if word.startswith("{") and word.endswith("}") else word.rstrip(STARS)
    if word.endswith(STARS) and len(name) < SHORTEST_BEGINNING:
        raise PatternError(f'"{word}" stands for too many words: write {SHORTEST_BEGINNING} letters or more')
    plain = name.replace("_", "").replace("-", "") if word.startswith("{") else name
    if not (plain.isascii() and plain.isalnum() and plain == plain.lower()):
        raise PatternError(
            f'"{word}" is no word: lower case letters and digits only, no accents or apostrophes'
        )


def _chosen(parts: list[Node]) -> Node:
    """Merge alternatives that are single words into one set."""
    words: set[str] = set()
    others: list[Node] = []
    for each in parts:
        part = each.part if isinstance(each, Named) and len(parts) > 1 else each
        if isinstance(part, Words):
            words |= part.any_of
        elif isinstance(part, Choice):
            for inner in part.parts:
                if isinstance(inner, Words):
                    words |= inner.any_of
                else:
                    others.append(inner)
        else:
            others.append(part)
    if words:
        others.insert(0, Words(frozenset(words)))
    return others[0] if len(others) == 1 else Choice(tuple(others))


def collect_words(node: Node, into: set[frozenset[str]], seen: set[int]) -> None:
    """Add the sets of words a pattern tells apart; nodes in `seen` are left out, those met added to it."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Words):
        into.add(node.any_of)
    elif isinstance(node, Sequence_ | Choice):
        for part in node.parts:
            collect_words(part, into, seen)
    elif isinstance(node, Optional_ | Named):
        collect_words(node.part, into, seen)


def has_words(node: Node) -> bool:
    """Tell whether a pattern speaks of any word at all."""
    if isinstance(node, Sequence_ | Choice):
        return any(has_words(part) for part in node.parts)
    return has_words(node.part) if isinstance(node, Optional_ | Named) else isinstance(node, Words)
