"""The data dictionary: every column of every table, and every question with its words and codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from bot.care.instrument import Item
from bot.export.columns import Column
from bot.export.guard import clean
from bot.export.tables import Stream


@dataclass(frozen=True)
class ItemWords:
    """The words of a question in the language of the export."""

    question: str
    low: str = ""
    high: str = ""
    options: Mapping[str, str] | None = None
    short: str = ""


DICTIONARY = ("table", "column", "type", "unit", "meaning")
ITEMS = (
    "item", "kind", "question", "lowest", "highest", "step", "unit", "lowest_means", "highest_means",
    "higher_is", "options", "loinc", "instrument",
)  # fmt: skip


def dictionary(tables: Mapping[str, Iterable[Column]]) -> Stream:
    """Return one row for every column of every table."""
    rows: list[tuple[str, ...]] = [
        (table, each.name, str(each.kind), each.unit, each.meaning)
        for table, columns in tables.items()
        for each in columns
    ]
    return _stream(DICTIONARY, rows)


def items_table(items: Mapping[str, Item], words: Mapping[str, ItemWords]) -> Stream:
    """Return one row for every question."""
    return _stream(ITEMS, [_item_row(item, words.get(item.id)) for item in items.values()])


def _item_row(item: Item, words: ItemWords | None) -> tuple[str, ...]:
    words = words or ItemWords("")
    shown = words.options or {}
    options = "; ".join(
        f"{each.code}{'' if each.value is None else f' ({each.value:g})'} = {shown.get(each.code, each.code)}"
        for each in item.options
    )
    row = (
        item.id, str(item.kind), words.question, f"{item.lowest:g}", f"{item.highest:g}", f"{item.step:g}",
        item.unit, words.low, words.high, item.higher_is, options, item.loinc, item.instrument,
    )  # fmt: skip
    return tuple(clean(each) for each in row)


def _stream(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Stream:
    schema = pa.schema([pa.field(each, pa.string()) for each in names])
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(names))]
    return Stream(schema, [pa.record_batch(columns, schema=schema)])
