"""Writing an instrument as the TOML a clinician edits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from bot.care.instrument import AskedWhen, Item, Option
from bot.care.scoring import Instrument, Score
from bot.questionnaire.drafting import Words

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LEAVE_OUT = {"id", "instrument"}


def instrument_toml(
    instrument: Instrument, items: list[Item], words: Mapping[str, Mapping[str, Words]], head: str
) -> str:
    """Return the file of an instrument: what it is, its scores, its items, its words by language."""
    parts = [head, "[instrument]", *_header(instrument)]
    for score in instrument.scores:
        parts += ["", "[[instrument.scores]]", *_score(score)]
    for item in items:
        parts += ["", f"[items.{_key(item.id)}]", *_item(item)]
    for language, given in words.items():
        for item_id, each in given.items():
            parts += ["", f"[words.{_key(language)}.{_key(item_id)}]", *_words(each)]
    return "\n".join(parts) + "\n"


def _header(instrument: Instrument) -> Iterator[str]:
    for name in ("id", "title", "licence", "source", "credit", "version", "url", "loinc"):
        if getattr(instrument, name):
            yield f"{name} = {_value(getattr(instrument, name))}"
    for language, status in instrument.language_status.items():
        yield f"language_status.{_key(language)} = {_value(status)}"


def _score(score: Score) -> Iterator[str]:
    for name in ("key", "items", "lowest", "highest", "loinc"):
        if getattr(score, name) not in ("", ()):
            yield f"{name} = {_value(getattr(score, name))}"


def _item(item: Item) -> Iterator[str]:
    plain = Item(item.id, item.kind)
    for each in fields(Item):
        given = getattr(item, each.name)
        if each.name == "kind":
            yield f"kind = {_value(given.value)}"
        elif each.name == "options" and given:
            yield "options = ["
            yield from (f"  {_inline(option)}," for option in given)
            yield "]"
        elif each.name not in _LEAVE_OUT and given != getattr(plain, each.name):
            yield f"{each.name} = {_value(given)}"


def _words(words: Words) -> Iterator[str]:
    if words.stem:
        yield f"stem = {_value(words.stem)}"
    yield f"question = {_value(words.question)}"
    for code, text in words.options.items():
        yield f"options.{_key(code)} = {_value(text)}"


def _inline(given: Option | AskedWhen) -> str:
    pairs = [(each.name, getattr(given, each.name)) for each in fields(given)]
    shown = [f"{name} = {_value(value)}" for name, value in pairs if value not in ("", None, ())]
    return "{ " + ", ".join(shown) + " }"


def _value(given: Any) -> str:
    if isinstance(given, (Option, AskedWhen)):
        return _inline(given)
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, (int, float)):
        return f"{given:g}" if float(given) == float(f"{given:g}") else repr(float(given))
    if isinstance(given, (tuple, list)):
        return "[" + ", ".join(_value(each) for each in given) + "]"
    return _string(str(given))


def _string(text: str) -> str:
    """Return a TOML basic string: JSON's, but for the one control character JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _string(text)
