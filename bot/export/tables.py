"""Writing tables: CSV, Parquet and XLSX, streamed, so that memory stays flat however many rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from bot.export.guarded import disarmed

SHEET_ROWS = 1_048_576 - 1  # one row is the header
CELL_CHARACTERS = 32_767  # counted in UTF-16 units
SAFE = CELL_CHARACTERS // 2
ROW_GROUP = 16_384
BATCH = 16_384
PAGE_BYTES = 1 << 18  # a page is kept for every column while a row group is written


@dataclass
class Stream:
    """The rows of one table, to be read once. `rows` counts them as they pass."""

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    rows: int = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            self.rows += batch.num_rows
            yield batch


def write_csv(stream: Stream, path: Path) -> int:
    """Write a CSV file (UTF-8, comma, every text in quotes, empty for nothing) and return its rows.

    Times are written without a zone, so that spreadsheets take them as times: the names say UTC or local.
    """
    options = csv.WriteOptions(batch_size=BATCH)
    schema = _naive(stream.schema)
    with csv.CSVWriter(str(path), schema, write_options=options) as writer:
        for batch in disarmed(stream):
            writer.write(batch.cast(schema))
    return stream.rows


def write_parquet(stream: Stream, path: Path) -> int:
    """Write a Parquet file and return its rows. Texts are not disarmed: nothing runs them there."""
    options = {"compression": "snappy", "data_page_size": PAGE_BYTES}
    with parquet.ParquetWriter(str(path), stream.schema, **options) as writer:
        for batch in _grouped(stream):
            writer.write_batch(batch, row_group_size=ROW_GROUP)
    return stream.rows


def _grouped(stream: Stream) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    for batch in stream:
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= ROW_GROUP:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook; `expected` rows decide how many sheets it needs."""

    name: str
    stream: Stream
    expected: int


def write_xlsx(sheets: Sequence[Sheet], path: Path) -> dict[str, int]:
    """Write a workbook with filters and a frozen header, and return the sheets' rows by name.

    A table too long for one sheet goes on in "name (2)" and so on.
    """
    from rustpy_xlsxwriter import write_worksheets

    parts = [part for sheet in sheets for part in _parts(sheet)]
    readers = [
        (name, pa.RecordBatchReader.from_batches(_naive(schema), rows)) for name, schema, rows in parts
    ]
    write_worksheets(
        readers,
        str(path),
        freeze_panes={"general": {"row": 1, "col": 1}},
        autofilter={name: True for name, _ in readers},
        bold_headers=True,
        datetime_format="yyyy-mm-dd hh:mm:ss",
    )
    return {sheet.name: sheet.stream.rows for sheet in sheets}


def _parts(sheet: Sheet) -> Iterator[tuple[str, pa.Schema, Iterator[pa.RecordBatch]]]:
    rows = _Rest(_for_a_sheet(sheet.stream))
    for number in range(1, max(1, -(-sheet.expected // SHEET_ROWS)) + 1):
        name = sheet.name if number == 1 else f"{sheet.name} ({number})"
        yield name, sheet.stream.schema, rows.next(SHEET_ROWS)


class _Rest:
    """Batches dealt out in portions, in order."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._left: pa.RecordBatch | None = None

    def next(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the next `rows` rows."""
        while rows > 0:
            batch = self._left if self._left is not None else next(self._batches, None)
            self._left = None
            if batch is None:
                return
            if batch.num_rows > rows:
                batch, self._left = batch.slice(0, rows), batch.slice(rows)
            rows -= batch.num_rows
            yield batch


def _naive(schema: pa.Schema) -> pa.Schema:
    """Return the schema for a workbook, whose cells know no time zone: the header says UTC."""
    return pa.schema([_naive_field(each) for each in schema])


def _naive_field(each: pa.Field) -> pa.Field:
    return pa.field(each.name, pa.timestamp("s")) if pa.types.is_timestamp(each.type) else each


def _for_a_sheet(stream: Stream) -> Iterator[pa.RecordBatch]:
    schema = _naive(stream.schema)
    for batch in disarmed(stream):
        yield pa.record_batch([_cut(each) for each in batch.cast(schema).columns], schema=schema)


def _cut(column: pa.Array) -> pa.Array:
    """Return the column with no text longer than a cell holds (characters outside the BMP count twice)."""
    if not pa.types.is_string(column.type) or not pc.any(pc.greater(pc.utf8_length(column), SAFE)).as_py():
        return column
    return pa.array([text if text is None else cut_text(text) for text in column.to_pylist()], pa.string())


def cut_text(text: str) -> str:
    """Return `text` cut to what a cell holds, the cut marked."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * CELL_CHARACTERS:
        return text
    return units[: 2 * (CELL_CHARACTERS - 1)].decode("utf-16-le", "ignore") + "…"
