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
from collections.abc import Iterable, Mapping, Sequence

from bot.care.nodes import Choice, Edge, Gap, Maybe, Node, Row, Stride, Words

NEGATIONS = "not"  # the word list no gap runs over
FILLERS = "filler"  # the word list that may stand between any two words
NUMBER = "#"
NUMBERS = "number"  # the word list of numbers written out
STARS = "*"
SHORTEST_BEGINNING = 4
_PIECE = re.compile(r"\([^()]*\)|[()|]|[^\s()|]+")  # a group without groups inside is one piece


class PatternError(ValueError):
    """A pattern cannot be read. Says what is wrong with it, in words."""


_MARKS: Mapping[str, Node] = {
    "_": Gap(1, least=1),
    "..": Gap(2),
    "...": Gap(6),
    ">>": Stride(25),
    "^": Edge(start=True, message=False),
    "$": Edge(start=False, message=False),
    "^^": Edge(start=True, message=True),
    "$$": Edge(start=False, message=True),
}


class Grammar:
    """Reads patterns, given the word lists as written and the short forms people may use for words.

    `spellings` maps a short form to the words meant, `same` a word to all the words to be taken for it.
    What stands in several patterns, a word list or a group, is one part of all of them. `frequent` are words
    in nearly every message.
    """

    def __init__(
        self,
        lists: Mapping[str, str],
        spellings: Mapping[str, str] | None = None,
        same: Mapping[str, str] | None = None,
        frequent: Iterable[str] = (),
    ) -> None:
        self.lists = lists
        self._spoken: list[frozenset[str]] = []
        self._frequent = frozenset(frequent)
        self._meant = dict(spellings or {})
        self._same = {word: each.split() for word, each in (same or {}).items()}
        self._special = frozenset((*self._meant, *self._same))  # words that stand for more than themselves
        self._read: dict[str, Node] = {}
        self._open: list[str] = []
        self._atoms: dict[str, Node] = dict(_MARKS)  # what each piece read before is

    def read(self, pattern: str) -> Node:
        """Return the pattern's tree.

        Raises:
            PatternError: it cannot be read, or names a list that is not there or contains itself.
        """
        pieces = _PIECE.findall(pattern)[::-1]  # the last is the next
        node = self._choice(pieces)
        if pieces:
            raise PatternError(f'"{pieces[-1]}" stands where nothing should')
        return node

    @property
    def words(self) -> frozenset[str]:
        """Every word that any pattern read so far speaks of."""
        return frozenset().union(*self._spoken)

    def listed(self, name: str) -> frozenset[str]:
        """Return every single word of a list, none when there is no such list."""
        node = self._list(name) if name in self.lists else None
        words = node.words if isinstance(node, Choice) else node
        return words.any_of if isinstance(words, Words) else frozenset()

    def _choice(self, pieces: list[str]) -> Node:
        parts = [self._sequence(pieces)]
        while pieces and pieces[-1] == "|":
            pieces.pop()
            parts.append(self._sequence(pieces))
        return self._chosen(parts)

    def _sequence(self, pieces: list[str]) -> Node:
        parts: list[Node] = []
        while pieces and pieces[-1] not in ("|", ")"):
            piece = pieces.pop()
            if piece == "?":
                if not parts:
                    raise PatternError('"?" stands before anything it could make optional')
                parts[-1] = Maybe(parts[-1])
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
        return parts[0] if len(parts) == 1 else Row(parts)

    def _atom(self, piece: str) -> Node:
        node = self._atoms[piece] = self._new_atom(piece)
        return node

    def _new_atom(self, piece: str) -> Node:
        if piece[0] == "(":
            return self._group(piece[1:-1])
        if piece[-1] == "?" != piece:
            return Maybe(self._atoms.get(piece[:-1]) or self._atom(piece[:-1]))
        if piece == NUMBER:
            written_out = [self._list(NUMBERS)] if NUMBERS in self.lists else []
            return self._chosen([self._of([NUMBER]), *written_out])
        if piece[0] == "{" and piece[-1] == "}":
            return self._list(piece[1:-1])
        _check(piece)
        return self._said(piece)

    def _group(self, inner: str) -> Node:
        """Read alternatives without groups inside."""
        alternatives = inner.strip().replace(" | ", "|").split("|")
        if not inner.isascii() or inner != inner.lower():
            return self._chosen([self._alternative(each) for each in alternatives])
        unlike = self._special.intersection(alternatives)
        if not unlike and all(map(str.isalnum, alternatives)):
            return self._of(alternatives)
        others = [each for each in alternatives if not each.isalnum() or each in unlike]
        plain = set(alternatives).difference(others)
        parts = [self._atoms.get(each) or self._alternative(each) for each in others]
        return self._chosen([self._of(plain), *parts] if plain else parts)

    def _alternative(self, written: str) -> Node:
        """Read words one after the other."""
        pieces = written.split()
        if not pieces or "?" in pieces:
            return self._sequence(pieces[::-1])
        parts = [self._atoms.get(piece) or self._atom(piece) for piece in pieces]
        node = self._atoms[written] = parts[0] if len(parts) == 1 else Row(parts)
        return node

    def _chosen(self, parts: Sequence[Node]) -> Node:
        """Merge alternatives that are single words into one set."""
        if len(parts) == 1:
            return parts[0]
        others = [part for part in parts if not isinstance(part, Words)]
        single = [part for part in parts if isinstance(part, Words)]
        if len(single) > 1:
            single = [self._of(frozenset().union(*[part.any_of for part in single]))]
        return Choice(single[0] if single else None, others) if others else single[0]

    def _said(self, word: str) -> Node:
        words = [self._of({each, *self._same.get(each, ())}) for each in self._meant.get(word, word).split()]
        return words[0] if len(words) == 1 else Row(words)

    def _of(self, words: Iterable[str]) -> Words:
        any_of = frozenset(words)
        self._spoken.append(any_of)
        return Words(any_of, self._frequent)

    def _list(self, name: str) -> Node:
        if name not in self._read:
            if name not in self.lists:
                raise PatternError(f"there is no word list {{{name}}}")
            if name in self._open:
                raise PatternError(f"the word list {{{name}}} contains itself")
            self._open.append(name)
            try:
                self._read[name] = self.read(self.lists[name])
            finally:
                self._open.pop()
        return self._read[name]


def _check(word: str) -> None:
    if word in (",", "!"):
        return
    name = word.rstrip(STARS)
    if word.endswith(STARS) and len(name) < SHORTEST_BEGINNING:
        raise PatternError(f'"{word}" stands for too many words: write {SHORTEST_BEGINNING} letters or more')
    if not (name.isascii() and name.isalnum() and name == name.lower()):
        raise PatternError(
            f'"{word}" is no word: lower case letters and digits only, no accents or apostrophes'
        )
