"""The scores of questionnaires, added up from the answers as exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from bot.care.instrument import Answer, Item
from bot.care.scoring import Instrument, Total, totals, values_of
from bot.export.columns import ANSWERS, CHECK_IN, CHECK_IN_ID, SCORES, WHO
from bot.export.shape import TYPES
from bot.export.tables import Stream

READ = (
    *WHO,
    *CHECK_IN,
    CHECK_IN_ID,
    *(ANSWERS.column(name) for name in ("answered_utc", "item", "value", "answer", "status")),
)
CHECK_IN_NAMES = tuple(each.name for each in (*WHO, *CHECK_IN, CHECK_IN_ID))
BATCH = 2_000


@dataclass(frozen=True)
class Scored:
    """One score of one check-in. `check_in` are the columns that say which."""

    check_in: Mapping[str, Any]
    completed_utc: Any
    instrument: Instrument
    total: Total


def scored_items(instruments: Mapping[str, Instrument]) -> tuple[str, ...]:
    """Return the questions that any score needs."""
    return tuple(
        dict.fromkeys(item for each in instruments.values() for s in each.scores for item in s.items)
    )


def scores(
    batches: Iterable[pa.RecordBatch], instruments: Mapping[str, Instrument], items: Mapping[str, Item]
) -> Iterator[Scored]:
    """Yield the scores of every questionnaire begun; the answers come in order of check-in."""
    rows = (row for batch in batches for row in batch.to_pylist())
    for _, group in groupby(rows, key=lambda row: row["check_in_id"]):
        yield from _of_check_in(list(group), instruments, items)


def _of_check_in(
    rows: list[dict[str, Any]], instruments: Mapping[str, Instrument], items: Mapping[str, Item]
) -> Iterator[Scored]:
    answers = {row["item"]: Answer(row["status"], row["value"], row["answer"] or "") for row in rows}
    values = values_of((items[each] for each in answers if each in items), answers)
    where = {name: rows[0][name] for name in CHECK_IN_NAMES}
    completed = max(row["answered_utc"] for row in rows)
    for instrument in instruments.values():
        for total in totals(instrument, values):
            asked = next(each.items for each in instrument.scores if each.key == total.key)
            if answers.keys() & set(asked):
                yield Scored(where, completed, instrument, total)


def scores_stream(found: Iterable[Scored]) -> Stream:
    """Return scores as a table."""
    schema = pa.schema([pa.field(each.name, TYPES[each.kind]) for each in SCORES.columns])
    return Stream(schema, _batches(found, schema))


def _batches(found: Iterable[Scored], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    for each in found:
        rows.append(_row(each))
        if len(rows) == BATCH:
            yield pa.RecordBatch.from_pylist(rows, schema=schema)
            rows = []
    yield pa.RecordBatch.from_pylist(rows, schema=schema)


def _row(each: Scored) -> dict[str, Any]:
    return {
        **each.check_in,
        "completed_utc": each.completed_utc,
        "instrument": each.instrument.id,
        "score": each.total.key,
        "value": each.total.value,
        "band": each.total.band,
        "cuts_reached": "+".join(each.total.cuts_reached),
        "missing_items": "+".join(each.total.missing),
        "loinc": each.total.loinc,
    }
