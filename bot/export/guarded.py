"""The guard over whole columns. Looking at the distinct values is usually enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from bot.export.guard import ARMED, clean

ARMED_START = f"^[{re.escape(ARMED)}]"
UNCLEAN = r"[\x00-\x08\x0b-\x1f\x7f]|\x{FFFE}|\x{FFFF}"


def disarmed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches with every text column safe for a spreadsheet."""
    for batch in batches:
        columns = [_disarmed(each) if pa.types.is_string(each.type) else each for each in batch.columns]
        yield pa.record_batch(columns, schema=batch.schema)


def cleaned(column: pa.Array) -> pa.Array:
    """Return a text column with every text clean. A look at its distinct values is usually enough."""
    if not pc.any(pc.match_substring_regex(column.unique(), UNCLEAN)).as_py():
        return column
    return pa.array([None if text is None else clean(text) for text in column.to_pylist()], pa.string())


def _disarmed(column: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(column.unique(), ARMED_START)).as_py():
        return column
    armed = pc.match_substring_regex(column, ARMED_START)
    return pc.if_else(armed, pc.binary_join_element_wise("'", column, ""), column)
