"""A FHIR Questionnaire taken apart: its items in order, each checked on its own.

Published files lack much that the standard demands (a status, a system, an enableBehavior), so the
model library checks one item at a time: what it does not know is named and left out, and only what
makes an item useless stops the import.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir.resources.R4B.questionnaire import QuestionnaireItem
from pydantic import ValidationError

from bot.content.source import Problem
from bot.questionnaire.extensions import CARRIED, extensions

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
MOST_BYTES = 5_000_000
DEEPEST = 20
MOST_OPTIONS = 100
ASKED_TYPES = {"boolean", "decimal", "integer", "string", "text", "choice", "open-choice"}
AS_WORDS = {"date", "dateTime", "time", "url", "quantity"}
LEFT_OUT = {"attachment", "reference", "question"}
TYPES = {"group", "display"} | ASKED_TYPES | AS_WORDS | LEFT_OUT
NEWER_TYPES = {"coding"}
READ_KEYS = {
    "linkId", "_linkId", "text", "_text", "type", "_type", "item", "required", "repeats", "readOnly", "code",
    "enableWhen", "enableBehavior", "answerOption", "answerValueSet", "extension", "id",
}  # fmt: skip


@dataclass(frozen=True)
class RawItem:
    """One item as published, without those inside it. `above` are the items it stands in."""

    data: Mapping[str, Any]
    above: tuple[RawItem, ...] = ()

    @property
    def link_id(self) -> str:
        return str(self.data.get("linkId", "")).strip()

    @property
    def type(self) -> str:
        return str(self.data.get("type", ""))

    @property
    def text(self) -> str:
        return str(self.data.get("text") or "").strip()


@dataclass
class Sheet:
    """A questionnaire read: its header, its items in order, and what could not be carried."""

    header: Mapping[str, Any]
    items: list[RawItem] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


class Findings:
    """What is wrong with a file, gathered so that all of it can be said at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def add(self, what: str) -> None:
        self.problems.append(Problem(self.file, what, folder=""))


def parsed(text: str, findings: Findings) -> Any:
    """Return the JSON of a file, or None with the reason among the findings."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        findings.add(f"is larger than {MOST_BYTES} bytes")
        return None
    try:
        data = json.loads(text.removeprefix("\ufeff"))
        return json.loads(_mended(json.dumps(data, ensure_ascii=False))) if _SURROGATE.search(text) else data
    except json.JSONDecodeError as error:
        findings.add(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}")
    except RecursionError:
        findings.add(f"is nested deeper than {DEEPEST} groups")
    return None


def _mended(text: str) -> str:
    """Return the text with half surrogate pairs, which no file can hold, as U+FFFD."""
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)


def read_sheet(text: str, findings: Findings) -> Sheet | None:
    """Return a questionnaire taken apart, or None when it is none; problems go to the findings."""
    data = parsed(text, findings)
    if findings.problems:
        return None
    kind = data.get("resourceType") if isinstance(data, Mapping) else None
    if kind != "Questionnaire":
        findings.add(f"is a {kind or type(data).__name__}, not a FHIR Questionnaire")
        return None
    sheet = Sheet({key: value for key, value in data.items() if key != "item"})
    if not isinstance(data.get("item"), list) or not data["item"]:
        findings.add("has no items")
        return sheet
    sheet.items.extend(_walk(data["item"], (), sheet.notes, findings))
    _check_link_ids(sheet, findings)
    return sheet


def _walk(
    entries: list[Any], above: tuple[RawItem, ...], notes: Counter[str], findings: Findings
) -> Iterator[RawItem]:
    if len(above) >= DEEPEST:
        findings.add(f"item {_place(above[0].data, 0)} is nested deeper than {DEEPEST} groups")
        return
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            findings.add(f"item {number} is not an object")
            continue
        item = RawItem(_checked(entry, number, notes, findings), above)
        yield item
        inner = entry.get("item")
        if isinstance(inner, list):
            yield from _walk(inner, (*above, item), notes, findings)


def _checked(
    entry: Mapping[str, Any], number: int, notes: Counter[str], findings: Findings
) -> Mapping[str, Any]:
    """Return one item without its inner items and without what R4 does not know."""
    data = {key: value for key, value in entry.items() if key != "item" and value not in ("", [], None)}
    place = _place(entry, number)
    options = data.get("answerOption")
    if isinstance(options, list) and len(options) > MOST_OPTIONS:
        findings.add(f"item {place} has {len(options)} answers; {MOST_OPTIONS} at most fit a keypad")
        data["answerOption"] = options[:1]
    _check_type(data, place, findings)
    probe = {"linkId": "missing", **data}
    try:
        QuestionnaireItem.model_validate(probe)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            where = ".".join(str(part) for part in each["loc"])
            if each["type"] == "extra_forbidden" and len(each["loc"]) == 1:
                notes[f"{where} (item {place})"] += 1
                data.pop(where, None)
            elif each["type"] == "extra_forbidden" or each["loc"][0] == "extension":
                notes[f"{where} (item {place})"] += 1
            elif where != "type":
                findings.add(f"item {place}: {where}: {each['msg']}")
    for key in data.keys() - READ_KEYS:
        notes[f"{key} (item {place})"] += 1
    for extension in extensions(data):
        if extension["url"] not in CARRIED:
            notes[f"extension {extension['url'].rsplit('/', 1)[-1]}"] += 1
    return data


def _check_type(data: Mapping[str, Any], place: str, findings: Findings) -> None:
    given = data.get("type")
    kind = given if isinstance(given, str) else ""
    if not kind:
        findings.add(f"item {place} has no type; known are {', '.join(sorted(TYPES))}")
    elif kind in NEWER_TYPES:
        findings.add(f"item {place} has type {kind!r}, which is FHIR R5; this reads R4 (choice, open-choice)")
    elif kind not in TYPES:
        findings.add(f"item {place} has type {kind!r}; known are {', '.join(sorted(TYPES))}")


def _place(entry: Mapping[str, Any], number: int) -> str:
    words = str(entry.get("text") or "")[:40]
    return repr(entry["linkId"]) if entry.get("linkId") else f"number {number} {words!r}"


def _check_link_ids(sheet: Sheet, findings: Findings) -> None:
    for number, item in enumerate(sheet.items, start=1):
        if not item.link_id:
            findings.add(f"item {_place(item.data, number)} has no linkId")
    counted = Counter(item.link_id for item in sheet.items if item.link_id)
    for link_id, times in counted.items():
        if times > 1:
            findings.add(f"linkId {link_id!r} is used {times} times")
