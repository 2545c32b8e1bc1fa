"""Finding crisis in short free text: phrases in English and Spanish, each with the context that may lower it.

A phrase is a pattern over words (see `patterns.py`) that leads to a rule. A guard is context bound to the
phrase: "no thoughts of" before it, "lol" after it. A guard lowers what the phrase found, it never takes it
away, and a phrase of intent, plan, means or preparation undoes every lowering in the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from bot.care.context import Contexts
from bot.care.judgement import Guard, Hit, Judgement, Phrase, Together, bound, findings_of, restored
from bot.care.language import Languages
from bot.care.level import Finding, Level
from bot.care.needs import Needs
from bot.care.normalise import Reader, Reading
from bot.care.patterns import Node
from bot.care.places import Places
from bot.care.search import NOWHERE, Span, compiled
from bot.care.sieve import Joiner, Sieve
from bot.care.stretch import Stretch
from bot.care.vocabulary import Vocabulary
from bot.care.writer import Writer

WINDOW = 120  # words looked at together in a long text
OVERLAP = 40
_WHOLE = 1_600  # words always looked at; beyond them, until an emergency was found
_MOST_PLACES = 8  # of one pattern in one stretch of a text
_MOST_WORDS = 160  # characters of the patient's words kept with a finding
_SENTENCE_ENDS = frozenset(".?!")
_ORDER = attrgetter("start", "end", "phrase.id", "pattern")


@dataclass(slots=True, eq=False)
class _Line:
    """One pattern of a phrase, ready to search with. Compiled when first needed."""

    phrase: Phrase
    written: str
    node: Node
    span: Span | None = None


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
        words = self.vocabulary
        joiner = Joiner(words.weigh)
        lines = [
            (_Line(phrase, written, node), joints)
            for phrase in self.phrases
            for node, written in zip(phrase.say, phrase.written, strict=True)
            if (joints := joiner.joints(node))
        ]
        self._sieve = Sieve(lines)
        inside = self.negations | _SENTENCE_ENDS
        self._sieve.settle(words.symbols, words.symbols_of(self.filler), words.symbols_of(inside))
        filler = words.class_of(self.filler)
        self._writer = Writer(
            words.class_of, words.every, words.ends, filler, words.comma, words.class_but(inside | {","})
        )
        self._contexts = Contexts(self.guards, self._writer.write, filler)

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
        symbols = {*"".join(self.vocabulary.encode(self.reader.read(text).units))}
        fired = {hit.pattern for hit in self.examine(text).hits}
        close = set()
        for phrase in self.phrases:
            for node, written in zip(phrase.say, phrase.written, strict=True):
                needed = self._needs.of(node)[:6]
                there = sum(not symbols.isdisjoint(self.vocabulary.symbols_of(each)) for each in needed)
                if written not in fired and 2 <= len(needed) <= there + 1:
                    close.add(f"{phrase.id}: {written}")
        return sorted(close)

    @cached_property
    def _needs(self) -> Needs:
        return Needs(self.vocabulary.weigh)

    def _hits(self, reading: Reading, encoded: list[str]) -> list[Hit]:
        found: list[_Found] = []
        settled: set[_Line] = set()
        for start in range(0, max(len(encoded), 1), WINDOW - OVERLAP):
            stretch = Stretch(encoded[start : start + WINDOW], start, start + WINDOW >= len(encoded))
            self._search(stretch, settled, found)
            if stretch.last or (start > _WHOLE and any(_is_emergency(each) for each in found)):
                break
        if not found:
            return []
        places = self.reader.places(reading)
        hits = [self._hit(each, reading.text, places) for each in found]
        return sorted(hits, key=_ORDER)

    def _hit(self, found: _Found, text: str, places: Places) -> Hit:
        line, first, last, guard = found
        start, end = places.between(first, last)
        level = self.guards[guard].to if guard else line.phrase.level
        return Hit(line.phrase, line.written, text[start:end][:_MOST_WORDS], level, start, end, guard)

    def _search(self, stretch: Stretch, settled: set[_Line], found: list[_Found]) -> None:
        """Add what is found in one stretch; lines in `settled` were found before, unlowered."""
        lines, again = self._sieve.held(stretch.symbols)
        text = stretch.text if lines else b""
        for line, joint in lines:
            if line not in settled:
                span = (line.span or self._compiled(line))(text)
                if span != NOWHERE and self._take(line, span, stretch, found, bool(again >> joint & 1)):
                    settled.add(line)

    def _compiled(self, line: _Line) -> Span:
        line.span = compiled(self._writer.write(line.node))
        return line.span

    def _take(
        self, line: _Line, place: tuple[int, int], stretch: Stretch, found: list[_Found], more: bool
    ) -> bool:
        """Add the places of a line, the first of which is known; return whether any is unlowered."""
        text, settled = stretch.text, False
        for _ in range(_MOST_PLACES):
            start, end = place
            if not stretch.cut(start, end):
                guard = self._contexts.lowering(line.phrase, stretch, start, end)
                settled = settled or not guard
                found.append((line, *stretch.units_of(start, end), guard))
            if not more or line.span is None or end >= len(text):
                break
            place = line.span(text, end)
            if place == NOWHERE:
                break
        return settled


# A line found: the line, its first and last unit, and the guard that lowers it, "" for none.
_Found = tuple[_Line, int, int, str]


def _is_emergency(found: _Found) -> bool:
    return not found[3] and found[0].phrase.level == Level.EMERGENCY
