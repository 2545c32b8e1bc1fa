"""Reading the phrase rules of `prompts/rules/phrases` into a PhraseBook, and running their own cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from bot.care.judgement import Guard, Phrase, Together
from bot.care.language import Languages
from bot.care.level import Finding, Level
from bot.care.nodes import Node, certain
from bot.care.normalise import Reader
from bot.care.passage import Frame
from bot.care.patterns import FILLERS, NEGATIONS, Grammar, PatternError
from bot.care.phrases import PhraseBook
from bot.care.vocabulary import Vocabulary
from bot.content.source import Document, Problem, checked

TABLES = (
    "words",
    "guard",
    "phrase",
    "spellings",
    "same",
    "slips",
    "emoji",
    "common",
    "ordinary",
    "together",
    "unreadable",
    "other_languages",
    "direct_answer",
)


@dataclass(frozen=True)
class PhraseEntry:
    """A phrase as a clinician writes it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    rule: str
    level: str
    say: list[str]
    fires: list[str]
    silent: list[str] = field(default_factory=list)
    told: str = ""
    asks: bool = False
    strong: bool = False
    cue: bool = False
    guards: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class GuardEntry:
    """A guard as a clinician writes it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    to: str
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    anywhere: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class RuleEntry:
    """A rule that is not a phrase: what two cues together, or a text we cannot read, lead to."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    rule: str
    level: str
    told: str = ""
    asks: bool = False
    note: str = ""


def load_phrases(documents: Sequence[Document], problems: list[Problem]) -> PhraseBook:
    """Return the phrase book these documents describe.

    Everything wrong with them is added to `problems`: unknown keys, patterns that cannot be read, names that
    lead nowhere, and the phrases' own cases that do not hold.
    """
    loader = _Loader(documents, problems)
    book = loader.book()
    if not any(phrase.say for phrase in book.phrases):
        problems.append(Problem("rules/phrases", "holds no phrase; the bot would hear nothing"))
    for document, entry, phrase in loader.entries:
        problems.extend(_broken_cases(book, phrase, document, entry))
    return book


class _Loader:
    """Holds what is read on the way from documents to a phrase book."""

    def __init__(self, documents: Sequence[Document], problems: list[Problem]) -> None:
        self.documents = documents
        self.problems = problems
        self.entries: list[tuple[Document, PhraseEntry, Phrase]] = []
        self._tables: dict[str, dict[str, str]] = {}
        self._check_tables()
        self._spelled = self._spellings()
        frequent = self._merged("common").get("frequent", "").split()
        self._grammar = Grammar(self._merged("words"), self._spelled, self._merged("same"), frequent)

    def book(self) -> PhraseBook:
        guards = self._guards()
        phrases = self._phrases(guards)
        frame = Frame(self._grammar.listed(FILLERS), self._grammar.listed(NEGATIONS))
        return PhraseBook(
            phrases,
            guards,
            self._vocabulary(),
            Reader(self._merged("emoji")),
            self._languages(),
            self._together(),
            frame,
            {answer: frozenset(ways.split(" | ")) for answer, ways in self._merged("direct_answer").items()},
        )

    def _check_tables(self) -> None:
        for document in self.documents:
            for key in document.data.keys() - set(TABLES):
                self.problems.append(
                    document.problem(f"{key!r} is no table here; there are {', '.join(TABLES)}", key)
                )

    def _merged(self, table: str) -> Mapping[str, str]:
        """Return the entries of a table in all files; each fault in it is told once."""
        if table not in self._tables:
            self._tables[table] = self._merge(table)
        return self._tables[table]

    def _merge(self, table: str) -> dict[str, str]:
        merged: dict[str, str] = {}
        for document in self.documents:
            for key, value in document.data.get(table, {}).items():
                if key in merged:
                    self.problems.append(document.problem(f"{table}: {key!r} is there twice", f"{key} ="))
                elif not isinstance(value, str) or not value.strip():
                    self.problems.append(document.problem(f"{table}: {key!r} is not text", f"{key} ="))
                else:
                    merged[key] = " ".join(value.split())
        return merged

    def _guards(self) -> dict[str, Guard]:
        guards: dict[str, Guard] = {}
        for document in self.documents:
            for data in document.data.get("guard", ()):
                entry = checked(GuardEntry, data, document, ("guard", str(data.get("id"))), self.problems)
                level = self._level(document, entry.id, entry.to) if entry else None
                if entry is None or level is None:
                    continue
                if entry.id in guards:
                    self.problems.append(document.problem(f"guard {entry.id!r} is there twice", entry.id))
                guards[entry.id] = Guard(
                    entry.id,
                    level,
                    before=self._nodes(document, entry.id, entry.before),
                    after=self._nodes(document, entry.id, entry.after),
                    anywhere=self._nodes(document, entry.id, entry.anywhere),
                )
        return guards

    def _phrases(self, guards: Mapping[str, Guard]) -> list[Phrase]:
        phrases: dict[str, Phrase] = {}
        for document in self.documents:
            for data in document.data.get("phrase", ()):
                entry = checked(PhraseEntry, data, document, ("phrase", str(data.get("id"))), self.problems)
                if entry is None:
                    continue
                if entry.id in phrases:
                    self.problems.append(document.problem(f"phrase {entry.id!r} is there twice", entry.id))
                if phrase := self._phrase(document, entry, guards):
                    phrases[entry.id] = phrase
                    self.entries.append((document, entry, phrase))
        return list(phrases.values())

    def _phrase(self, document: Document, entry: PhraseEntry, guards: Mapping[str, Guard]) -> Phrase | None:
        level = self._level(document, entry.id, entry.level)
        for name in entry.guards:
            if name not in guards:
                self.problems.append(
                    document.problem(f"phrase {entry.id!r}: there is no guard {name!r}", entry.id)
                )
                return None
        if not entry.fires:
            self.problems.append(
                document.problem(f"phrase {entry.id!r} has no case that must fire", entry.id)
            )
        nodes = self._nodes(document, entry.id, entry.say)
        if level is None or len(nodes) != len(entry.say):
            return None
        return Phrase(
            id=entry.id,
            rule_id=entry.rule,
            level=level,
            told=entry.told,
            asks=entry.asks,
            strong=entry.strong,
            cue=entry.cue,
            guards=tuple(entry.guards),
            say=nodes,
            written=tuple(entry.say),
        )

    def _level(self, document: Document, name: str, key: str) -> Level | None:
        try:
            return Level.from_key(key)
        except ValueError as error:
            self.problems.append(document.problem(f"{name}: {error}", name))
            return None

    def _nodes(self, document: Document, name: str, patterns: Sequence[str]) -> tuple[Node, ...]:
        nodes = []
        for pattern in patterns:
            try:
                node = self._grammar.read(pattern)
            except PatternError as error:
                self.problems.append(document.problem(f'{name}: "{pattern}": {error}', pattern[:40]))
                continue
            if not certain(node):
                self.problems.append(
                    document.problem(f'{name}: "{pattern}" names no word that must be there', pattern[:40])
                )
                continue
            nodes.append(node)
        return tuple(nodes)

    def _vocabulary(self) -> Vocabulary:
        common = self._merged("common")
        return Vocabulary(
            self._grammar.words,
            self._spelled,
            _words_in(common),
            frozenset(common.get("frequent", "").split()),
            tuple(" ".join(self._merged("slips").values()).split()),
            _words_in(self._merged("ordinary")),
        )

    def _spellings(self) -> dict[str, str]:
        """Each short form or misspelling, with the words meant; the file lists them by the words meant."""
        spellings: dict[str, str] = {}
        for meant, forms in self._merged("spellings").items():
            for form in forms.split():
                spellings[form] = meant
        return spellings

    def _together(self) -> Together | None:
        entry = self._rule("together")
        return Together(entry.rule, Level.from_key(entry.level), entry.told) if entry else None

    def _languages(self) -> Languages:
        entry = self._rule("unreadable")
        ours = {word for words in self._merged("common").values() for word in words.split()}
        others = {
            name: frozenset(words.split()) - ours for name, words in self._merged("other_languages").items()
        }
        if entry is None:
            return Languages(None, others)
        ordinary = frozenset(self._merged("common").get("frequent", "").split())
        finding = Finding(entry.rule, Level.from_key(entry.level), told=entry.told, asks=entry.asks)
        return Languages(finding, others, ordinary)

    def _rule(self, table: str) -> RuleEntry | None:
        for document in self.documents:
            if data := document.data.get(table):
                entry: RuleEntry | None = checked(RuleEntry, data, document, (table,), self.problems)
                if entry and self._level(document, table, entry.level):
                    return entry
        return None


def _words_in(table: Mapping[str, str]) -> frozenset[str]:
    return frozenset(word for words in table.values() for word in words.split())


def _broken_cases(
    book: PhraseBook, phrase: Phrase, document: Document, entry: PhraseEntry
) -> Iterable[Problem]:
    """Yield a problem for each of the phrase's own cases that does not hold."""
    for case in entry.fires:
        if not book.fires(phrase, case):
            yield document.problem(f"phrase {entry.id!r} must fire on {case!r}, and does not", entry.id)
    for case in entry.silent:
        if book.fires(phrase, case):
            yield document.problem(f"phrase {entry.id!r} must stay silent on {case!r}, and fires", entry.id)
