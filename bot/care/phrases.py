"""Finding crisis in short free text: phrases in English and Spanish, each with the context that may lower it.

A phrase is a pattern over words (see `patterns.py`) that leads to a rule. A guard is context bound to the
phrase: "no thoughts of" before it, "lol" after it. A guard lowers what the phrase found, it never takes it
away, and a phrase of intent, plan, means or preparation undoes every lowering in the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bot.care.judgement import Guard, Hit, Judgement, Phrase, Together, bound, findings_of, restored
from bot.care.language import Languages
from bot.care.level import Finding, Level
from bot.care.normalise import Reader, Reading
from bot.care.patterns import Needs, Node, Writer, names
from bot.care.search import NOWHERE, Span, compiled
from bot.care.vocabulary import SYMBOL_BYTES, Vocabulary

WINDOW = 120  # words looked at together in a long text
OVERLAP = 40
_WHOLE = 1_600  # words always looked at; beyond them, until an emergency was found
_REACH = 12  # words before and after a phrase that its guards look at
_MOST_PLACES = 8  # of one pattern in one stretch of a text
_MOST_WORDS = 160  # characters of the patient's words kept with a finding


@dataclass(slots=True)
class _Line:
    """One pattern of a phrase, ready to search with. Compiled when first needed."""

    phrase: Phrase
    written: str
    node: Node
    writer: Writer
    need: int
    lists: tuple[str, ...]  # word lists the text must hold an entry of
    span: Span | None = None

    def compiled(self) -> Span:
        self.span = compiled(self.writer.write(self.node))
        return self.span


@dataclass(frozen=True)
class _Context:
    """A guard, ready to search with."""

    guard: Guard
    before: Span | None
    after: Span | None
    anywhere: Span | None


@dataclass
class PhraseBook:
    """Every phrase the clinic listens for, in both languages at once; the same text gives the same answer."""

    phrases: Sequence[Phrase]
    guards: Mapping[str, Guard]
    vocabulary: Vocabulary
    reader: Reader
    languages: Languages
    together: Together | None = None
    filler: frozenset[str] = frozenset()
    negations: frozenset[str] = frozenset()
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bits: dict[frozenset[str], int] = {}
        self._lines_by_symbol: dict[bytes, list[tuple[int, _Line]]] = {}
        self._bits_by_symbol: dict[bytes, int] = {}
        self._weights: dict[frozenset[str], float] = {}
        self._frequent = frozenset(self.vocabulary.frequent)
        self._needs = Needs(self._weigh)
        self._writer = Writer(
            self.vocabulary.class_of,
            self.vocabulary.every,
            self.vocabulary.ends,
            self.vocabulary.class_of(self.filler),
            self.vocabulary.comma,
            self.vocabulary.class_but(self.negations | {".", "?", "!", ","}),
        )
        self._list_nodes: dict[str, Node] = {}
        self._list_spans: dict[str, Span] = {}
        for phrase in self.phrases:
            for node, written in zip(phrase.say, phrase.written, strict=True):
                self._add_line(phrase, node, written)
        for words, bit in self._bits.items():
            for symbol in self.vocabulary.symbols_of(words):
                key = symbol.encode()
                self._bits_by_symbol[key] = self._bits_by_symbol.get(key, 0) | bit
        self._contexts = {guard.id: self._context(guard) for guard in self.guards.values()}

    def judge(self, text: str) -> tuple[Finding, ...]:
        """Return what `text` says, most urgent first. Never raises, whatever the text."""
        return self.examine(text).findings

    def reads_as(self, text: str) -> str:
        """Read a typed answer to the direct question: "yes", "no", "unsure", or "" for none of these."""
        units = " ".join(unit for unit in self.reader.read(text).units if unit not in ".,?!")
        return next((answer for answer, ways in self.answers.items() if units in ways), "")

    def examine(self, text: str) -> Judgement:
        """Return everything seen in `text`, with what lowered it."""
        reading = self.reader.read(text)
        encoded = self.vocabulary.encode(reading.units)
        hits = self._hits(reading, encoded)
        hits, undone = restored(bound(hits))
        findings = findings_of(hits, self.together)
        if not findings and (found := self.languages.unreadable(text, reading.units, self.vocabulary)):
            findings = (found,)
        return Judgement(tuple(hits), findings, undone)

    def near(self, text: str) -> list[str]:
        """Return patterns of which every word but one kind is in `text`: what nearly fired."""
        symbols = _symbols_of(b"".join(self.vocabulary.encode(self.reader.read(text).units)))
        have = self._have(symbols)
        fired = {hit.pattern for hit in self.examine(text).hits}
        lines = {id(line): line for lines in self._lines_by_symbol.values() for _, line in lines}
        close = [
            line
            for line in lines.values()
            if 2 <= line.need.bit_count() <= (line.need & have).bit_count() + 1
        ]
        return sorted(f"{line.phrase.id}: {line.written}" for line in close if line.written not in fired)

    def _add_line(self, phrase: Phrase, node: Node, written: str) -> None:
        required = self._needs.of(node)
        need = 0
        for words in required[:6]:
            need |= self._bits.setdefault(words, 1 << len(self._bits))
        lists = names(node)
        self._list_nodes.update(lists)
        line = _Line(phrase, written, node, self._writer, need, tuple(lists))
        first = required[0] if required else frozenset[str]()
        for symbol in dict.fromkeys(self._symbols(first)):
            self._lines_by_symbol.setdefault(symbol.encode(), []).append((need, line))

    def _weigh(self, words: frozenset[str]) -> float:
        if words not in self._weights:
            self._weights[words] = len(words) + 29 * len(words & self._frequent)
        return self._weights[words]

    def _symbols(self, words: frozenset[str]) -> str:
        return self.vocabulary.symbols_of(words)

    def _holds(self, name: str, text: bytes, known: dict[str, bool]) -> bool:
        """Tell whether the text holds an entry of a word list; each list is looked for once per text."""
        if name not in known:
            span = self._list_spans.get(name)
            if span is None:
                span = self._list_spans[name] = compiled(self._writer.write(self._list_nodes[name]))
            known[name] = span(text) != NOWHERE
        return known[name]

    def _context(self, guard: Guard) -> _Context:
        return _Context(
            guard,
            self._any(guard.before, self._before) if guard.before else None,
            self._any(guard.after, self._after) if guard.after else None,
            self._any(guard.anywhere, "{}") if guard.anywhere else None,
        )

    @property
    def _before(self) -> str:
        return "(?:{})" + self.vocabulary.class_of(self.filler) + "{{0,3}}$"

    @property
    def _after(self) -> str:
        return "^" + self.vocabulary.class_of(self.filler) + "{{0,3}}(?:{})"

    def _any(self, nodes: Sequence[Node], frame: str) -> Span:
        """Compile alternatives; none at all match nothing."""
        if not nodes:
            return compiled(r"[^\x00-\x{10FFFF}]")
        return compiled(frame.format("|".join(self._writer.write(node) for node in nodes)))

    def _have(self, symbols: Iterable[bytes]) -> int:
        have = 0
        bits = self._bits_by_symbol
        for symbol in symbols:
            have |= bits.get(symbol, 0)
        return have

    def _hits(self, reading: Reading, encoded: list[bytes]) -> list[Hit]:
        found: list[_Found] = []
        settled: set[int] = set()
        for start in range(0, max(len(encoded), 1), WINDOW - OVERLAP):
            stretch = _Stretch(encoded[start : start + WINDOW], start, start + WINDOW >= len(encoded))
            self._search(stretch, settled, found)
            if stretch.last or (start > _WHOLE and any(_is_emergency(each) for each in found)):
                break
        if not found:
            return []
        places = self.reader.places(reading)
        hits = [self._hit(each, reading.text, places) for each in found]
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.phrase.id, hit.pattern))

    def _hit(self, found: _Found, text: str, places: Sequence[tuple[int, int]]) -> Hit:
        line, first, last, guard = found
        start, end = places[first][0], places[last][1]
        level = self.guards[guard].to if guard else line.phrase.level
        return Hit(line.phrase, line.written, text[start:end][:_MOST_WORDS], level, start, end, guard)

    def _search(self, stretch: _Stretch, settled: set[int], found: list[_Found]) -> None:
        """Add what is found in one stretch; lines in `settled` were found before, unlowered."""
        text, symbols = stretch.text, stretch.symbols()
        missing = ~self._have(symbols)
        known: dict[str, bool] = {}
        by_symbol = self._lines_by_symbol
        for symbol in symbols:
            for need, line in by_symbol.get(symbol, ()):
                if need & missing or id(line) in settled:
                    continue
                for name in line.lists:
                    if not (known[name] if name in known else self._holds(name, text, known)):
                        break
                else:
                    span = (line.span or line.compiled())(text)
                    if span != NOWHERE and self._take(line, span, stretch, found):
                        settled.add(id(line))

    def _take(self, line: _Line, span: tuple[int, int], stretch: _Stretch, found: list[_Found]) -> bool:
        """Add the places of a line, the first of which is known; return whether any is unlowered."""
        text, settled = stretch.text, False
        for _ in range(_MOST_PLACES):
            start, end = span
            if start != end and not stretch.cut(start, end):
                guard = self._lowered_by(line.phrase, stretch, start, end)
                settled = settled or not guard
                first, last = stretch.unit_at(start), stretch.unit_at(end - SYMBOL_BYTES)
                found.append((line, stretch.offset + first, stretch.offset + last, guard))
            if end >= len(text) or line.span is None:
                break
            span = line.span(text, end + (start == end))
            if span == NOWHERE:
                break
        return settled

    def _lowered_by(self, phrase: Phrase, stretch: _Stretch, start: int, end: int) -> str:
        """Return the guard that lowers a phrase found here the most, "" for none."""
        if not (self._stands_before(stretch, start) or self._stands_after(stretch, end)) and not (
            self._anywhere(stretch)
        ):
            return ""
        before, after = stretch.before(start), stretch.after(end)
        lowest = ""
        for name in phrase.guards:
            context = self._contexts[name]
            if context.guard.to < (self.guards[lowest].to if lowest else phrase.level) and (
                (context.before and context.before(before) != NOWHERE)
                or (context.after and context.after(after) != NOWHERE)
                or (context.anywhere and context.anywhere(stretch.text) != NOWHERE)
            ):
                lowest = name
        return lowest

    def _stands_before(self, stretch: _Stretch, start: int) -> bool:
        if start not in stretch.guarded_before:
            stretch.guarded_before[start] = self._stands.before(stretch.before(start)) != NOWHERE
        return stretch.guarded_before[start]

    def _stands_after(self, stretch: _Stretch, end: int) -> bool:
        if end not in stretch.guarded_after:
            stretch.guarded_after[end] = self._stands.after(stretch.after(end)) != NOWHERE
        return stretch.guarded_after[end]

    def _anywhere(self, stretch: _Stretch) -> bool:
        if stretch.guarded is None:
            stretch.guarded = self._stands.anywhere(stretch.text) != NOWHERE
        return stretch.guarded

    @cached_property
    def _stands(self) -> _Stands:
        """Whether any guard at all stands before, after or anywhere: nearly always none does."""
        guards = self.guards.values()
        return _Stands(
            self._any([node for guard in guards for node in guard.before], self._before),
            self._any([node for guard in guards for node in guard.after], self._after),
            self._any([node for guard in guards for node in guard.anywhere], "{}"),
        )


# A line found: the line, its first and last unit, and the guard that lowers it, "" for none.
_Found = tuple[_Line, int, int, str]


@dataclass(frozen=True)
class _Stands:
    """Every guard in one: a quick look before each is asked."""

    before: Span
    after: Span
    anywhere: Span


class _Stretch:
    """Some units of a text, looked at together. `offset` is the first unit's place in the text."""

    def __init__(self, units: list[bytes], offset: int, last: bool) -> None:
        self.units = units
        self.offset = offset
        self.last = last
        self.text = b"".join(units)
        self.plain = len(self.text) == len(units) * SYMBOL_BYTES  # one symbol to every unit
        self.guarded: bool | None = None
        self.guarded_before: dict[int, bool] = {}
        self.guarded_after: dict[int, bool] = {}

    def symbols(self) -> set[bytes]:
        return set(self.units) if self.plain else _symbols_of(self.text)

    def before(self, start: int) -> bytes:
        return self.text[max(0, start - _REACH * SYMBOL_BYTES) : start]

    def after(self, end: int) -> bytes:
        return self.text[end : end + _REACH * SYMBOL_BYTES]

    def cut(self, start: int, end: int) -> bool:
        """Tell whether a match touches an edge inside the text: the next stretch sees it whole."""
        return (start == 0 and self.offset > 0) or (end == len(self.text) and not self.last)

    def unit_at(self, place: int) -> int:
        """Return which unit holds the symbol at a byte place."""
        if self.plain:
            return place // SYMBOL_BYTES
        at = 0
        for number, symbols in enumerate(self.units):
            at += len(symbols)
            if place < at:
                return number
        return len(self.units) - 1


def _is_emergency(found: _Found) -> bool:
    return not found[3] and found[0].phrase.level == Level.EMERGENCY


def _symbols_of(text: bytes) -> set[bytes]:
    return {text[at : at + SYMBOL_BYTES] for at in range(0, len(text), SYMBOL_BYTES)}
