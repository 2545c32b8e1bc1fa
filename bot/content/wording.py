"""Words in a language: sentences with placeholders, and the words of every item."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import Any, ClassVar

from bot.care.instrument import REFUSE_UNKNOWN, Item, ItemKind
from bot.content.items import Asked
from bot.content.source import Document, Problem, checked, table_of

MISSING = "missing"  # the language status of an instrument that has no words in a language
ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
RIGHT_TO_LEFT = {"R", "AL", "AN"}
_BLANKS = re.compile(r" {2,}")


@dataclass(frozen=True)
class Language:
    """A language as its `language.toml` describes it. A draft has no `reviewed_by`."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    code: str
    name: str
    direction: str = "ltr"
    reviewed_by: str = ""
    reviewed_on: str = ""
    note: str = ""
    am: str = ""  # empty: clock times run to 24
    pm: str = ""

    @property
    def draft(self) -> bool:
        return not self.reviewed_by


@dataclass(frozen=True)
class ItemWording:
    """The words of one item. `low` and `high` say which way its scale runs; `stem` comes before."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    question: str
    low: str = ""
    high: str = ""
    options: dict[str, str] = field(default_factory=dict)
    short: str = ""
    stem: str = ""


@dataclass(frozen=True)
class Wording:
    """Everything said in one language."""

    language: Language
    sentences: Mapping[str, str]
    items: Mapping[str, ItemWording]
    places: Mapping[str, Document] = field(default_factory=dict, repr=False, compare=False)

    def __contains__(self, key: str) -> bool:
        return key in self.sentences

    def say(self, key: str, **values: object) -> str:
        """Return a sentence with its placeholders filled.

        Values that run the other way than the sentence are set apart, so that a name or a number
        cannot turn the words around it.

        Raises:
            KeyError: there is no such sentence, or a placeholder was not given.
        """
        apart = {name: self._apart(value) for name, value in values.items()}
        filled = self.sentences[key].format_map(apart)
        return "\n".join(_BLANKS.sub(" ", line).strip() for line in filled.split("\n"))

    def item(self, item_id: str) -> ItemWording:
        """Return an item's words.

        Raises:
            KeyError: there is no such item.
        """
        return self.items[item_id]

    def _apart(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        right = any(unicodedata.bidirectional(each) in RIGHT_TO_LEFT for each in value)
        turned = right if self.language.direction == "ltr" else True
        return f"{ISOLATE}{value}{POP_ISOLATE}" if turned and value else value


def load_wording(
    by_language: Mapping[str, Sequence[Document]], asked: Asked, problems: list[Problem]
) -> Mapping[str, Wording]:
    """Return the wording of every language folder, with the words that instruments bring."""
    return {code: _one_language(code, documents, asked, problems) for code, documents in by_language.items()}


def _one_language(code: str, documents: Sequence[Document], asked: Asked, problems: list[Problem]) -> Wording:
    language = Language(code, code)
    sentences: dict[str, str] = {}
    places: dict[str, Document] = {}
    folder = _Written(code)
    for document in documents:
        data = dict(document.data)
        if document.file.endswith("/language.toml"):
            given = {"code": code} | data
            language = checked(Language, given, document, ("language", code), problems) or language
            continue
        folder.take(data, document, problems)
        for key, sentence in _flat(data, document, problems):
            if key in sentences:
                problems.append(document.problem(f"{key!r} is given twice", key.rsplit(".", 1)[-1]))
            sentences[key], places[key] = sentence, document
    if not any(document.file.endswith("/language.toml") for document in documents):
        problems.append(Problem(f"wording/{code}/language.toml", "is missing; it names the language"))
    for item_id in folder.items.keys() - asked.items.keys():
        problems.append(folder.places[item_id].problem(f"there is no item {item_id!r}", item_id))
    return Wording(language, sentences, dict(folder.worded(asked, problems)), places)


@dataclass
class _Written:
    """The item words of one language folder, and of the instruments in that language."""

    code: str
    items: dict[str, Any] = field(default_factory=dict)
    grades: dict[str, str] = field(default_factory=dict)
    places: dict[str, Document] = field(default_factory=dict)

    def take(self, data: dict[str, Any], document: Document, problems: list[Problem]) -> None:
        """Take the items and grades out of a document's data."""
        self.grades |= dict(_flat(table_of(data, "grades", document, problems), document, problems))
        for item_id, words in table_of(data, "items", document, problems).items():
            self.items[item_id], self.places[item_id] = words, document

    def _home(self, item: Item, asked: Asked) -> Document:
        """Return where the words of an item belong when nobody wrote them."""
        own = Document(f"wording/{self.code}/items.toml", {}, "")
        return asked.places[item.id] if item.instrument else own

    def worded(self, asked: Asked, problems: list[Problem]) -> Iterator[tuple[str, ItemWording]]:
        for item_id, item in asked.items.items():
            document = self.places.get(item_id) or self._home(item, asked)
            given = self.items.get(item_id) or asked.words.get(self.code, {}).get(item_id)
            if given is None:
                given = _untranslated(item, self.code, asked)
            if given is None:
                problems.append(document.problem(f"item {item_id!r} has no words in {self.code!r}", item_id))
                continue
            words = checked(ItemWording, given, document, ("item", item_id), problems)
            if words is None:
                continue
            if item.kind is ItemKind.GRADE:
                words = replace(words, options={**self.grades, **words.options})
            problems.extend(_missing_words(self.code, item, words, document))
            yield item_id, words


def _untranslated(item: Item, code: str, asked: Asked) -> Any:
    """Return an instrument's words in another language where its file says it has none in this one."""
    instrument = asked.instruments.get(item.instrument)
    if instrument is None or instrument.language_status.get(code) != MISSING:
        return None
    return next((words[item.id] for words in asked.words.values() if item.id in words), None)


def _flat(
    data: Mapping[str, Any], document: Document, problems: list[Problem], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, document, problems, f"{prefix}{key}.")
        elif isinstance(value, str):
            yield f"{prefix}{key}", value
        else:
            problems.append(document.problem(f"{prefix}{key} must be words in quotes", key))


def _missing_words(code: str, item: Item, words: ItemWording, document: Document) -> Iterator[Problem]:
    needed = [option.code for option in item.options] + (["unknown"] if item.unknown_allowed else [])
    for option in needed:
        if not words.options.get(option):
            yield document.problem(f"item {item.id!r}: option {option!r} has no words in {code!r}", item.id)
    if item.kind is ItemKind.SCALE and not (words.low and words.high):
        yield document.problem(f"item {item.id!r} needs words for both ends: low, high", item.id)
    if not words.question.strip():
        yield document.problem(f"item {item.id!r} asks nothing", item.id)


def placeholders(sentence: str) -> frozenset[str]:
    """Return the names in braces.

    Raises:
        ValueError: a brace is not closed, or a placeholder has no name.
    """
    names = [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
    if any(not name.isidentifier() for name in names):
        raise ValueError("a placeholder must be a name in braces, as in {phone}")
    return frozenset(names)
