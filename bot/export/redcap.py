"""REDCap: a data dictionary in its 18 columns, and the records a data point a row (EAV).

Made for a classic project, empty at first, with nothing switched on: every check-in and every alert is
a record of its own, so repeating instruments are not needed; the patient's code is a field of both.
The record's name is worked out from what it is about and is the same in every export, so that a later
one changes its own records and no others. A question with several picks is a yes-or-no field for each
option, because checkboxes are written differently by the web page and by the interface for programs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bot.care.instrument import GRADES, Item, ItemKind
from bot.export.book import Book
from bot.export.columns import ALERT_ID, CHECK_IN_ID, Column, Kind
from bot.export.dictionary import ItemWords
from bot.export.guard import clean, disarm
from bot.export.manifest import DATA_POINTS
from bot.export.marks import mark
from bot.export.tables import Stream

HEADER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?",
    "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment",
    "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?", "Field Annotation",
)  # fmt: skip
EAV = ("record", "field_name", "value")
VALIDATED = {
    Kind.INSTANT: "datetime_seconds_ymd",
    Kind.LOCAL: "datetime_seconds_ymd",
    Kind.DAY: "date_ymd",
    Kind.NUMBER: "number",
    Kind.WHOLE: "integer",
}
NUMBERED = frozenset({ItemKind.SCALE, ItemKind.COUNT, ItemKind.HOURS, ItemKind.NUMBER})
LONGEST_NAME = 100
RECORD_ID = "record_id"
FORMS = {"check_ins": "check_in", "alerts": "alert"}
OWN_IDS = {"check_ins": CHECK_IN_ID.name, "alerts": ALERT_ID.name}
EMPTIED = frozenset({"reason", "reason_detail"})
"""Columns that lose their value when an answer comes late: written although they are empty."""
Written = Iterator[tuple[Path, Mapping[str, int]]]


@dataclass(frozen=True)
class Field:
    """One field of the dictionary. Its values come from `column`; `option` is the pick it is about."""

    name: str
    form: str
    type: str
    label: str
    column: str = ""
    option: str = ""
    choices: str = ""
    note: str = ""
    validation: str = ""
    lowest: str = ""
    highest: str = ""

    def row(self) -> tuple[str, ...]:
        given = (
            self.name, self.form, "", self.type, self.label, self.choices, self.note, self.validation,
            self.lowest, self.highest,
        )  # fmt: skip
        return (*(disarm(clean(each)) for each in given), *([""] * (len(HEADER) - len(given))))


def write_redcap(book: Book, folder: Path) -> Written:
    """Write the dictionary and the records."""
    fields = list(_fields(book))
    dictionary = folder / "redcap_dictionary.csv"
    with dictionary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *(each.row() for each in fields)])
    yield dictionary, {"fields": len(fields)}
    records = folder / DATA_POINTS
    rows: dict[str, int] = {}
    with records.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(EAV)
        for table, form in FORMS.items():
            mine = [each for each in fields if each.form == form and each.column]
            rows[table] = _write_records(book, table, mine, writer)
    yield records, rows


def _write_records(book: Book, table: str, fields: Sequence[Field], writer: Any) -> int:
    form, written = FORMS[table], 0
    stream = book.recorded(table)
    with closing(_rows(stream)) as rows:
        for row in rows:
            record = f"{form}-{mark(row['patient_code'], row[OWN_IDS[table]])}"
            points = ((each, _value(each, row[each.column])) for each in fields)
            writer.writerows(
                (record, each.name, value) for each, value in points if value != "" or each.column in EMPTIED
            )
            written += 1
    return written


def _rows(stream: Stream) -> Generator[dict[str, Any], None, None]:
    for batch in stream:
        texts = {name: _as_text(batch.column(name)).to_pylist() for name in batch.schema.names}
        yield from (dict(zip(texts, values, strict=True)) for values in zip(*texts.values(), strict=True))


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s")).cast(pa.string())
    return column.cast(pa.string())


def _value(field: Field, value: str | None) -> str:
    if value is None or value == "":
        return ""
    if field.option:
        return "1" if field.option in value.split("+") else "0"
    if field.type == "truefalse":
        return "1" if value == "true" else "0"
    return disarm(clean(value)) if field.type in ("text", "notes") and not field.validation else value


def _fields(book: Book) -> Iterator[Field]:
    """Yield every field; the first is the record's id."""
    taken = {RECORD_ID}
    yield Field(RECORD_ID, FORMS["check_ins"], "text", "Record: one check-in or one alert")
    for table, form in FORMS.items():
        for column in book.columns(table):
            for each in _column_fields(column, form, book.items, book.words):
                yield _named(each, form, taken)


def _column_fields(
    column: Column, form: str, items: Mapping[str, Item], words: Mapping[str, ItemWords]
) -> Iterator[Field]:
    item = items.get(column.of[0]) if column.of else None
    if item is not None and column.name in (item.id, f"{item.id}_code"):
        yield from _item_fields(column, form, item, words.get(item.id) or ItemWords(item.id))
        return
    kind = {Kind.YES_NO: "truefalse", Kind.WORDS: "notes"}.get(column.kind, "text")
    yield Field(
        column.name, form, kind, column.meaning, column.name, note=column.unit,
        validation=VALIDATED.get(column.kind, ""),
    )  # fmt: skip


def _item_fields(column: Column, form: str, item: Item, words: ItemWords) -> Iterator[Field]:
    question = words.question or item.id
    if column.kind is Kind.TEXT and item.kind is ItemKind.MULTI:
        for option in item.options:
            label = f"{question}: {(words.options or {}).get(option.code, option.code)}"
            name = f"{item.id}_{option.code}"
            yield Field(name, form, "truefalse", label, column.name, option=option.code)
    elif column.kind is Kind.TEXT and item.options:
        yield Field(column.name, form, "radio", question, column.name, choices=_choices(item, words))
    elif item.kind is ItemKind.GRADE:
        grades = " | ".join(f"{value}, {name}" for value, name in enumerate(GRADES))
        yield Field(column.name, form, "radio", question, column.name, choices=grades)
    elif column.kind is Kind.NUMBER:
        limited = item.kind in NUMBERED
        yield Field(
            column.name, form, "text", question, column.name, validation="number",
            note="; ".join(filter(None, (words.low, words.high, item.unit))),
            lowest=f"{item.lowest:g}" if limited else "", highest=f"{item.highest:g}" if limited else "",
        )  # fmt: skip
    else:
        yield Field(column.name, form, "text", question, column.name)


def _choices(item: Item, words: ItemWords) -> str:
    shown = words.options or {}
    labels = ((each.code, shown.get(each.code, each.code).replace("|", "/")) for each in item.options)
    return " | ".join(f"{code}, {label}" for code, label in labels)


def _named(field: Field, form: str, taken: set[str]) -> Field:
    """Return the field under a name REDCap takes and no other field has."""
    name = re.sub(r"[^a-z0-9]+", "_", field.name.lower()).strip("_")[: LONGEST_NAME - 4]
    name = name if name[:1].isalpha() else f"f_{name}"
    names = (name, f"{form}_{name}", *(f"{name}_{number}" for number in range(2, 99)))
    free = next(each for each in names if each not in taken)
    taken.add(free)
    return Field(**(vars(field) | {"name": free}))
