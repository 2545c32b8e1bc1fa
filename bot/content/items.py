"""Items and instruments from `prompts/instruments`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.care.instrument import GRADES, Item, ItemKind, Option
from bot.care.scoring import Instrument
from bot.content.source import Document, Problem, checked

GRADE_OPTIONS = tuple(Option(code, float(value)) for value, code in enumerate(GRADES))
TOP_KEYS = {"instrument", "items", "words", "answers"}


@dataclass(frozen=True)
class Asked:
    """All questions and instruments, and the words that instruments bring with them by language."""

    items: Mapping[str, Item]
    instruments: Mapping[str, Instrument]
    words: Mapping[str, Mapping[str, Any]]  # language -> item id -> words
    places: Mapping[str, Document]  # where each item stands


def load_items(documents: Sequence[Document], problems: list[Problem]) -> Asked:
    """Return every item and instrument of the documents; problems are added to the list."""
    items: dict[str, Item] = {}
    instruments: dict[str, Instrument] = {}
    words: dict[str, dict[str, Any]] = {}
    places: dict[str, Document] = {}
    for document in documents:
        for key in document.data.keys() - TOP_KEYS:
            problems.append(document.problem(f"unknown key {key!r}; {sorted(TOP_KEYS)} are known", key))
        own = list(_items(document, problems))
        for item in own:
            if item.id in items:
                problems.append(
                    document.problem(f"item {item.id!r} is also in {places[item.id].file}", item.id)
                )
            items[item.id], places[item.id] = item, document
        instrument = _instrument(document, tuple(item.id for item in own), problems)
        if instrument and instrument.id in instruments:
            problems.append(document.problem(f"instrument {instrument.id!r} appears twice", instrument.id))
        if instrument:
            instruments[instrument.id] = instrument
        for language, given in _words(document, own, problems):
            words.setdefault(language, {}).update(given)
    return Asked(items, instruments, words, places)


def _items(document: Document, problems: list[Problem]) -> Iterator[Item]:
    entries = document.data.get("items", {})
    if not isinstance(entries, dict):
        problems.append(document.problem('"items" must be tables: [items.name]', "items"))
        return
    shared = document.data.get("answers", {})
    instrument = document.data.get("instrument", {})
    owner = str(instrument.get("id", "")) if isinstance(instrument, dict) else ""
    for item_id, entry in entries.items():
        if not isinstance(entry, dict):
            problems.append(document.problem(f"item {item_id!r} must be a table", item_id))
            continue
        given = {"instrument": owner} | (shared if isinstance(shared, dict) else {}) | entry | {"id": item_id}
        follow_ups = given.get("follow_ups")
        if isinstance(follow_ups, dict):
            given["follow_ups"] = list(follow_ups.items())
        item = checked(Item, given, document, ("item", item_id), problems)
        if item:
            yield _completed(item)


def _completed(item: Item) -> Item:
    """Return the item with what its kind implies: a grade's options, a scale's direction."""
    if item.kind is ItemKind.GRADE:
        return replace(
            item,
            options=item.options or GRADE_OPTIONS,
            lowest=0,
            highest=3,
            higher_is=item.higher_is or "worse",
        )
    if item.kind in (ItemKind.CHOICE, ItemKind.MULTI) and item.options:
        values = [option.value for option in item.options if option.value is not None]
        return replace(item, lowest=min(values, default=0), highest=max(values, default=0))
    return item


def _instrument(document: Document, item_ids: tuple[str, ...], problems: list[Problem]) -> Instrument | None:
    if "instrument" not in document.data:
        return None
    entry = document.data["instrument"]
    if not isinstance(entry, dict):
        problems.append(document.problem("[instrument] must be a table", "instrument"))
        return None
    given = {"items": list(item_ids)} | entry
    return checked(Instrument, given, document, ("instrument", str(entry.get("id", ""))), problems)


def _words(
    document: Document, items: Sequence[Item], problems: list[Problem]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the words an instrument's own file brings: [words.en.<item>], shared [words.en.options]."""
    by_language = document.data.get("words", {})
    ids = {item.id for item in items}
    for language, entries in by_language.items() if isinstance(by_language, dict) else ():
        if not isinstance(entries, dict):
            problems.append(document.problem(f"[words.{language}] must be a table", f"words.{language}"))
            continue
        shared = entries.get("options", {})
        stem = entries.get("stem", "")
        for key in entries.keys() - ids - {"options", "stem"}:
            problems.append(document.problem(f"words.{language}: there is no item {key!r}", key))
        yield language, {item_id: _entry(entries[item_id], shared, stem) for item_id in entries.keys() & ids}


def _entry(given: Any, shared: Mapping[str, str], stem: str) -> Any:
    """Return one item's words; a bare string is its question."""
    words = {"question": given} if isinstance(given, str) else given
    if not isinstance(words, dict):
        return words
    return {"options": shared, "stem": stem} | words
