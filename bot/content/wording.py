"""Words in a language: sentences with placeholders, and the words of every item."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, ClassVar

from bot.care.instrument import REFUSE_UNKNOWN, Item, ItemKind
from bot.content.source import Document, Problem, checked

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
    by_language: Mapping[str, Sequence[Document]],
    items: Mapping[str, Item],
    brought: Mapping[str, Mapping[str, Any]],
    problems: list[Problem],
) -> Mapping[str, Wording]:
    """Return the wording of every language folder; `brought` are the words instruments carry."""
    return {
        code: _one_language(code, documents, items, brought.get(code, {}), problems)
        for code, documents in by_language.items()
    }


def _one_language(
    code: str,
    documents: Sequence[Document],
    items: Mapping[str, Item],
    brought: Mapping[str, Any],
    problems: list[Problem],
) -> Wording:
    language = Language(code, code)
    sentences: dict[str, str] = {}
    written: dict[str, Any] = {}
    grades: dict[str, str] = {}
    places: dict[str, Document] = {}
    for document in documents:
        data = dict(document.data)
        if document.file.endswith("/language.toml"):
            given = {"code": code} | data
            language = checked(Language, given, document, ("language", code), problems) or language
            continue
        grades |= data.pop("grades", {})
        for item_id, words in data.pop("items", {}).items():
            written[item_id], places[item_id] = words, document
        for key, sentence in _flat(data, document, problems):
            if key in sentences:
                problems.append(document.problem(f"{key!r} is given twice", key.rsplit(".", 1)[-1]))
            sentences[key] = sentence
    for item_id in written.keys() - items.keys():
        problems.append(places[item_id].problem(f"there is no item {item_id!r}", item_id))
    worded = dict(_item_words(code, items, dict(brought) | written, grades, places, problems=problems))
    return Wording(language, sentences, worded)


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


def _item_words(
    code: str,
    items: Mapping[str, Item],
    written: Mapping[str, Any],
    grades: Mapping[str, str],
    places: Mapping[str, Document],
    *,
    problems: list[Problem],
) -> Iterator[tuple[str, ItemWording]]:
    for item_id, item in items.items():
        document = places.get(item_id) or Document(f"wording/{code}/items.toml", {}, "")
        if item_id not in written:
            problems.append(document.problem(f"item {item_id!r} has no words in {code!r}"))
            continue
        words = checked(ItemWording, written[item_id], document, ("item", item_id), problems)
        if words is None:
            continue
        if item.kind is ItemKind.GRADE:
            words = ItemWording(**{**vars(words), "options": {**grades, **words.options}})
        problems.extend(_missing_words(code, item, words, document))
        yield item_id, words


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
