"""Finding crisis in short free text: phrases in English and Spanish, each with the context that may lower it.

A phrase is a pattern over words (see `patterns.py`) that leads to a rule. A guard is context bound to the
phrase: "no thoughts of" before it, "lol" after it. A guard lowers what the phrase found, it never takes it
away, and a phrase of intent, plan, means or preparation undoes every lowering in the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

from bot.care.context import Contexts, Surroundings
from bot.care.judgement import Guard, Hit, Judgement, Phrase, Together, bound, findings_of, restored
from bot.care.language import Languages
from bot.care.level import Finding
from bot.care.nodes import Node, spans
from bot.care.normalise import Reader, Reading
from bot.care.passage import Frame, Passage, Unit
from bot.care.shortlist import Shortlist
from bot.care.vocabulary import Vocabulary

_MOST_PLACES = 8  # of one pattern in a text, all lowered; an unlowered one is enough
_MOST_WORDS = 160  # characters of the patient's words kept with a finding
_ORDER = attrgetter("start", "end", "phrase.id", "pattern")


class _Line(NamedTuple):
    """One pattern of a phrase."""

    phrase: Phrase
    written: str
    node: Node


class _Found(NamedTuple):
    """A line found: the first place it takes, one past the last, the guard that lowers it, "" for none."""

    line: _Line
    start: int
    end: int
    guard: str

    def within(self, wide: _Found) -> bool:
        """Tell whether it is a part of what another takes: the context of the whole holds for its parts."""
        apart = (self.start, self.end) != (wide.start, wide.end)
        return apart and wide.start <= self.start and self.end <= wide.end


@dataclass
class PhraseBook:
    """Every phrase the clinic listens for, in both languages at once; the same text gives the same answer."""

    phrases: Sequence[Phrase]
    guards: Mapping[str, Guard]
    vocabulary: Vocabulary
    reader: Reader
    languages: Languages
    together: Together | None = None
    frame: Frame = field(default_factory=Frame)
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._of_phrase = {phrase.id: _lines_of(phrase) for phrase in self.phrases}

    @cached_property
    def _lines(self) -> Shortlist[_Line]:
        return Shortlist([(line, line.node.needs()) for line in self._every_line()])

    def _every_line(self) -> Iterator[_Line]:
        return chain.from_iterable(self._of_phrase.values())

    @cached_property
    def _contexts(self) -> Contexts:
        return Contexts(self.guards)

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
        if hits := self._hits(reading):
            hits, undone = restored(bound(hits))
            return Judgement(tuple(hits), findings_of(hits, self.together), undone)
        found = self.languages.unreadable(text, reading.units, self.vocabulary)
        return Judgement(findings=(found,) if found else ())

    def fires(self, phrase: Phrase, text: str) -> bool:
        """Tell whether a phrase, for itself alone, is found in `text` and not lowered."""
        passage = Passage(self._units(self.reader.read(text)), self.frame)
        found = list(self._found(passage, self._of_phrase[phrase.id]))
        lowered = [each for each in found if each.guard]
        return any(not each.guard and not any(each.within(wide) for wide in lowered) for each in found)

    def near(self, text: str) -> list[str]:
        """Return patterns of which every word but one kind is in `text`: what nearly fired."""
        heard = Passage(self._units(self.reader.read(text)), self.frame).heard
        fired = {hit.pattern for hit in self.examine(text).hits}
        close = set()
        for line in self._every_line():
            needed = line.node.needs()[:6]
            there = sum(not heard.isdisjoint(need.any_of) for need in needed)
            if line.written not in fired and 2 <= len(needed) <= there + 1:
                close.add(f"{line.phrase.id}: {line.written}")
        return sorted(close)

    def _units(self, reading: Reading) -> list[Unit]:
        return self.vocabulary.units(reading.units)

    def _hits(self, reading: Reading) -> list[Hit]:
        units = self._units(reading)
        passage = Passage(units, self.frame)
        found = list(self._found(passage, self._lines.of(passage.heard)))
        if not found:
            return []
        places, unit_of = self.reader.places(reading), _unit_of(units)
        hits = []
        for line, first, end, guard in found:
            start, stop = places.between(unit_of[first], unit_of[end - 1])
            level = self.guards[guard].to if guard else line.phrase.level
            words = reading.text[start:stop][:_MOST_WORDS]
            hits.append(Hit(line.phrase, line.written, words, level, start, stop, guard))
        return sorted(hits, key=_ORDER)

    def _found(self, passage: Passage, lines: Iterable[_Line]) -> Iterator[_Found]:
        """Yield where each line stands: the first place where no guard lowers it, else the lowered ones."""
        around: Surroundings | None = None
        for line in lines:
            if not line.node.likely(passage):
                continue
            lowered = []
            for start, end in islice(spans(line.node, passage), _MOST_PLACES):
                guard = ""
                if line.phrase.guards:
                    around = around or Surroundings(self._contexts, passage)
                    guard = around.lowering(line.phrase, start, end)
                if not guard:
                    yield _Found(line, start, end, "")
                    break
                lowered.append(_Found(line, start, end, guard))
            else:
                yield from lowered


def _lines_of(phrase: Phrase) -> Sequence[_Line]:
    return [_Line(phrase, written, node) for node, written in zip(phrase.say, phrase.written, strict=True)]


def _unit_of(units: Sequence[Unit]) -> Sequence[int]:
    """Return, for each place of a passage, the number of the unit that stands there."""
    if all(len(unit) == 1 for unit in units):
        return range(len(units))
    return [number for number, unit in enumerate(units) for _ in unit]
