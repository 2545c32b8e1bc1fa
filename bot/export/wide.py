"""The wide table: one row a check-in, a column for every question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bot.care.instrument import Item, ItemKind
from bot.export.columns import WIDE_FIXED, Column, Kind
from bot.export.shape import TYPES, Shaping, typed

COUNTS = (
    Column("items_answered", Kind.WHOLE, "How many questions were answered", of=("_status",)),
    Column("items_skipped", Kind.WHOLE, 'How many were skipped or answered "don\'t know"', of=("_status",)),
)
CODED = frozenset({ItemKind.CHOICE, ItemKind.MULTI, ItemKind.PRESSURE})
WORDED = frozenset({ItemKind.MULTI, ItemKind.TEXT})


def wide_columns(item_ids: Sequence[str], items: Mapping[str, Item]) -> tuple[Column, ...]:
    """Return the columns of the questions: a number under the item's id, the option under id_code."""
    return tuple(column for item_id in item_ids for column in _item_columns(item_id, items.get(item_id)))


def _item_columns(item_id: str, item: Item | None) -> Iterator[Column]:
    if item is None or item.kind not in WORDED:
        unit = item.unit if item else ""
        yield Column(item_id, Kind.NUMBER, f"Answer to {item_id} as a number", of=(item_id,), unit=unit)
    if item is None or item.kind in CODED or item.kind in WORDED:
        yield Column(f"{item_id}_code", Kind.TEXT, f"Option chosen for {item_id}", of=(item_id,))


@dataclass(frozen=True)
class Wide:
    """Turns answers in order of check-in into one row a check-in."""

    item_ids: tuple[str, ...]
    columns: tuple[Column, ...]  # of the questions
    shaping: Shaping

    @property
    def schema(self) -> pa.Schema:
        extra = [pa.field(each.name, TYPES[each.kind]) for each in (*COUNTS, *self.columns)]
        return pa.schema([*self.shaping.schema, *extra])

    def all(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the turned rows. A check-in that a batch cuts in two is kept for the next one."""
        kept: pa.RecordBatch | None = None
        for batch in batches:
            rows = pa.concat_batches([kept, batch]) if kept is not None and kept.num_rows else batch
            if not rows.num_rows:
                continue
            last = int(_begins(rows)[-1])
            kept = rows.slice(last)
            if last:
                yield self._turned(rows.slice(0, last))
        if kept is not None and kept.num_rows:
            yield self._turned(kept)

    def _turned(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        begins = _begins(rows)
        group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, rows.num_rows)))
        fixed = self.shaping.one(rows.take(pa.array(begins)))
        status = rows.column("_status")
        counts = [
            _count(pc.equal(status, "answered"), group, len(begins)),
            _count(pc.is_in(status, pa.array(["skipped", "unknown"])), group, len(begins)),
        ]
        asked = pc.fill_null(pc.index_in(rows.column("_item"), pa.array(self.item_ids, pa.string())), -1)
        places = self._places(asked.to_numpy(zero_copy_only=False), group, len(begins))
        answers = [self._answers(each, rows, places) for each in self.columns]
        return pa.record_batch([*fixed.columns, *counts, *answers], schema=self.schema)

    def _places(self, asked: np.ndarray, group: np.ndarray, height: int) -> np.ndarray:
        """Return, for every question and check-in, the row its answer is in; -1 for none."""
        places = np.full((len(self.item_ids) + 1, height), -1, np.int64)
        places[asked, group] = np.arange(len(group))  # -1, no question, lands in the spare last line
        return places

    def _answers(self, column: Column, rows: pa.RecordBatch, places: np.ndarray) -> pa.Array:
        where = places[self.item_ids.index(column.of[0])]
        taken = pa.array(where, pa.int64(), mask=where < 0)
        source = "_value" if column.kind is Kind.NUMBER else "_answer"
        return typed(rows.column(source), column.kind).take(taken)


def _begins(rows: pa.RecordBatch) -> np.ndarray:
    """Return the first row of every check-in."""
    ids = rows.column("check_in_id")
    changes = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1))
    return np.concatenate(([0], np.nonzero(np.asarray(changes))[0] + 1))


def _count(marked: pa.Array, group: np.ndarray, height: int) -> pa.Array:
    rows = np.asarray(pc.fill_null(marked, False))
    return pa.array(np.bincount(group[rows], minlength=height), pa.int64())


WIDE_COLUMNS = (*WIDE_FIXED, *COUNTS)
