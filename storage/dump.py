"""Rows as lines and back, the same for both engines: a backup of one can be restored into the other."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, LargeBinary, Table, insert, select
from sqlalchemy import column as column_named
from sqlalchemy import table as table_named
from sqlalchemy.types import NullType, TypeEngine
from sqlmodel import Session

from storage.tables import Instant, instant_text

BATCH = 500
KINDS: dict[str, TypeEngine[Any]] = {
    "instant": Instant(),
    "day": Date(),
    "bytes": LargeBinary(),
    "document": JSON(),
    "flag": Boolean(),
    "plain": NullType(),
}
_OUT: dict[str, Callable[[Any], Any]] = {
    "instant": instant_text,
    "day": date.isoformat,
    "bytes": lambda value: base64.b64encode(value).decode(),
}
_IN: dict[str, Callable[[Any], Any]] = {
    "instant": datetime.fromisoformat,
    "day": date.fromisoformat,
    "bytes": base64.b64decode,
}


def lines_of(tx: Session, tables: Iterable[Table], counts: dict[str, int]) -> Iterator[bytes]:
    """Return every row of `tables` as lines, a heading before each table; counts the rows as it goes."""
    for table in tables:
        kinds = [_kind(each) for each in table.columns]
        names = [[each.name, kind] for each, kind in zip(table.columns, kinds, strict=True)]
        yield _line({"table": table.name, "columns": names})
        counts[table.name] = 0
        rows = tx.execute(select(table).order_by(*table.primary_key), execution_options={"yield_per": BATCH})
        for row in rows:
            counts[table.name] += 1
            yield _line([_converted(value, kind, _OUT) for value, kind in zip(row, kinds, strict=True)])


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _kind(column: Column[Any]) -> str:
    for name, kind in KINDS.items():
        if isinstance(column.type, type(kind)):
            return name
    return "plain"


def _converted(value: Any, kind: str, how: dict[str, Callable[[Any], Any]]) -> Any:
    return how[kind](value) if value is not None and kind in how else value


def load(tx: Session, lines: Iterable[bytes], wanted: Callable[[str, dict[str, Any]], bool]) -> Counter[str]:
    """Insert rows for which `wanted(table, row)` holds, and return how many by table."""
    counts: Counter[str] = Counter()
    for name, columns, rows in _tables(lines):
        target = table_named(name, *(column_named(each, KINDS[kind]) for each, kind in columns))
        chosen = (row for row in rows if wanted(name, row))
        while batch := list(islice(chosen, BATCH)):
            tx.execute(insert(target), batch)
            counts[name] += len(batch)
    return counts


Rows = Iterator[dict[str, Any]]


def _tables(lines: Iterable[bytes]) -> Iterator[tuple[str, list[tuple[str, str]], Rows]]:
    """Return the tables one after the other; each one's rows must be used before the next is asked for."""
    following: list[dict[str, Any]] = []
    parsed = (json.loads(line) for line in lines)

    def rows_until_heading(columns: list[tuple[str, str]]) -> Rows:
        for each in parsed:
            if isinstance(each, dict):
                following.append(each)
                return
            yield {
                name: _converted(value, kind, _IN) for (name, kind), value in zip(columns, each, strict=True)
            }

    heading = next(parsed, None)
    while heading is not None:
        columns = [(name, kind) for name, kind in heading["columns"]]
        yield heading["table"], columns, rows_until_heading(columns)
        heading = following.pop() if following else None
