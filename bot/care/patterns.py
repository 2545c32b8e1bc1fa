"""The little language phrases are written in, and its translation to a regular expression over word symbols.

    {list}      any entry of the word list of that name
    word        that word; "word*" any word beginning so; "#" any number
    (a | b c)   one of these; "?" after a word, list or group makes it optional
    _           any one word;  ..  up to two words;  ...  up to six;  >>  up to 25, across sentences
    ^  $        where a sentence begins or ends;  ^^  $$  where the message does

Between any two words up to two fillers ("really", "just") may stand without being written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

GAPS = {"..": (2, False), "...": (6, False), ">>": (25, True)}
NEGATIONS = "not"  # the word list no gap runs over
FILLERS = "filler"  # the word list that may stand between any two words
NUMBER = "#"
NUMBERS = "number"  # the word list of numbers written out
STARS = "*"
SHORTEST_BEGINNING = 4


class PatternError(ValueError):
    """A pattern cannot be read. Says what is wrong with it, in words."""


@dataclass(frozen=True)
class Words:
    """One word out of a set; an entry ending in * stands for every word that begins so."""

    any_of: frozenset[str]


@dataclass(frozen=True)
class Gap:
    most: int
    least: int = 0
    across: bool = False  # may run over the end of a sentence


@dataclass(frozen=True)
class Edge:
    start: bool
    message: bool


@dataclass(frozen=True)
class Optional_:
    part: Node


@dataclass(frozen=True)
class Sequence_:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Named:
    """A word list used in a pattern, with its name: it is looked for once per text, whoever asks."""

    name: str
    part: Node


Node = Named | Words | Gap | Edge | Optional_ | Sequence_ | Choice


@dataclass
class Grammar:
    """Reads patterns, given the word lists as written and the short forms people may use for words."""

    lists: Mapping[str, str]
    spellings: Mapping[str, str] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)  # a word, and all the words to be taken for it
    _read: dict[str, Node] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _words: dict[str, Words] = field(default_factory=dict)
    _atoms: dict[str, Node] = field(default_factory=dict)  # what each token read before stands for

    def read(self, pattern: str) -> Node:
        """Return the pattern's tree.

        Raises:
            PatternError: it cannot be read, or names a list that is not there or contains itself.
        """
        tokens = _tokens(pattern)[::-1]  # the last is the next
        node = self._choice(tokens)
        if tokens:
            raise PatternError(f'"{tokens[-1]}" stands where nothing should')
        return node

    def _choice(self, tokens: list[str]) -> Node:
        parts = [self._sequence(tokens)]
        while tokens and tokens[-1] == "|":
            tokens.pop()
            parts.append(self._sequence(tokens))
        return _chosen(parts)

    def _sequence(self, tokens: list[str]) -> Node:
        parts: list[Node] = []
        while tokens and tokens[-1] not in ("|", ")"):
            token = tokens.pop()
            if token == "?":
                if not parts:
                    raise PatternError('"?" stands before anything it could make optional')
                parts[-1] = Optional_(parts[-1])
            elif token == "(":
                part = self._choice(tokens)
                if not tokens:
                    raise PatternError('a "(" is never closed')
                parts.append(part)
                tokens.pop()
            else:
                parts.append(self._atoms.get(token) or self._atom(token))
        if not parts:
            raise PatternError("an alternative is empty")
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def _atom(self, token: str) -> Node:
        node = self._atoms[token] = self._new_atom(token)
        return node

    def _new_atom(self, token: str) -> Node:
        if token in GAPS:
            return Gap(GAPS[token][0], across=GAPS[token][1])
        if token == "_":
            return Gap(1, least=1)
        if token in ("^", "$", "^^", "$$"):
            return Edge(start=token[0] == "^", message=len(token) == 2)
        if token.startswith("{"):
            return self._list(token[1:-1])
        if token == NUMBER:
            return _chosen(
                [Words(frozenset((NUMBER,))), *([self._list(NUMBERS)] if NUMBERS in self.lists else [])]
            )
        meant = self.spellings.get(token, token).split()
        words = tuple(self._word(word) for word in meant)
        return words[0] if len(words) == 1 else Sequence_(words)

    def _word(self, word: str) -> Node:
        if word not in self._words:
            self._words[word] = Words(frozenset((word, *self.same.get(word, "").split())))
        return self._words[word]

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


def _tokens(pattern: str) -> list[str]:
    spaced = pattern
    for sign in "()|":
        spaced = spaced.replace(sign, f" {sign} ")
    out = []
    for token in spaced.split():
        body, optional = (token[:-1], True) if token.endswith("?") else (token, False)
        if body:
            _check(body)
            out.append(body)
        if optional:
            out.append("?")
    return out


@cache
def _check(token: str) -> None:
    if token in ("(", ")", "|", "_", "#", "^", "$", "^^", "$$", ",", "!") or token in GAPS:
        return
    name = token[1:-1] if token.startswith("{") and token.endswith("}") else token.rstrip(STARS)
    if token.endswith(STARS) and len(name) < SHORTEST_BEGINNING:
        raise PatternError(f'"{token}" stands for too many words: write {SHORTEST_BEGINNING} letters or more')
    plain = name.replace("_", "").replace("-", "") if token.startswith("{") else name
    if not (plain.isascii() and plain.isalnum() and plain == plain.lower()):
        raise PatternError(
            f'"{token}" is no word: lower case letters and digits only, no accents or apostrophes'
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


def word_sets(node: Node, seen: set[str] | None = None) -> set[frozenset[str]]:
    """Every set of words the pattern tells apart; lists named in `seen` are left out and added to it."""
    found: set[frozenset[str]] = set()
    _collect(node, found, set() if seen is None else seen)
    return found


def _collect(node: Node, found: set[frozenset[str]], seen: set[str]) -> None:
    if isinstance(node, Words):
        found.add(node.any_of)
    elif isinstance(node, Sequence_ | Choice):
        for part in node.parts:
            _collect(part, found, seen)
    elif isinstance(node, Optional_) or (isinstance(node, Named) and node.name not in seen):
        if isinstance(node, Named):
            seen.add(node.name)
        _collect(node.part, found, seen)


def names(node: Node) -> dict[str, Node]:
    """The word lists of which a matching text holds an entry, by name."""
    if isinstance(node, Named):
        return {node.name: node.part}
    if isinstance(node, Sequence_):
        return {name: part for each in node.parts for name, part in names(each).items()}
    return {}


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


@dataclass
class Writer:
    """Translates patterns to regular expressions over symbols."""

    symbols: Callable[[frozenset[str]], str]  # the character class of a set of words
    every: str  # range of all symbols
    ends: str  # character class of sentence ends
    filler: str  # character class of fillers
    comma: str  # the symbol of a comma: a gap runs over it without counting it
    inside: str  # character class of what a gap runs over: all but sentence ends, commas and negations
    _named: dict[str, str] = field(default_factory=dict)

    def write(self, node: Node) -> str:
        """Return the regular expression."""
        if isinstance(node, Named):
            if node.name not in self._named:
                self._named[node.name] = self.write(node.part)
            return self._named[node.name]
        if isinstance(node, Words):
            return self.symbols(node.any_of)
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
