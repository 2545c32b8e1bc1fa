"""From what the database gives to the rows of an export: types, local clocks, spans, disguise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bot.export.columns import Column, Kind
from bot.export.guard import clean
from bot.export.guarded import cleaned

UTC_SECONDS = pa.timestamp("s", "UTC")
LOCAL_SECONDS = pa.timestamp("s")
TYPES: Mapping[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.WORDS: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.WHOLE: pa.int64(),
    Kind.YES_NO: pa.bool_(),
    Kind.INSTANT: UTC_SECONDS,
    Kind.LOCAL: LOCAL_SECONDS,
    Kind.DAY: pa.date32(),
}
EDGES_FROM, EDGES_TO = datetime(2015, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
SECONDS = {"h": 3600.0, "min": 60.0}
DAY_SECONDS = 86_400

Reveal = Callable[[Sequence[str], Sequence[str], Sequence[bytes | None]], list[str | None]]


@dataclass(frozen=True)
class Disguise:
    """How patients are disguised: another code, and all their dates moved by the same whole weeks."""

    codes: Mapping[str, str]
    weeks: Mapping[str, int]


@dataclass(frozen=True)
class Shaping:
    """Turns batches as read into batches as exported. `reveal` opens sealed words."""

    columns: tuple[Column, ...]
    disguise: Disguise | None = None
    reveal: Reveal | None = None
    schema: pa.Schema = field(init=False)

    def __post_init__(self) -> None:
        fields = [pa.field(each.name, TYPES[each.kind]) for each in self.columns]
        object.__setattr__(self, "schema", pa.schema(fields))

    def all(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (self.one(batch) for batch in batches)

    def one(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return one batch, shaped."""
        made: dict[str, pa.Array] = {}
        for column in self.columns:
            if column.source:
                made[column.name] = self._read(column, batch)
        zones = _Zones(made["zone"]) if "zone" in made else None
        for column in self.columns:
            if not column.source:
                made[column.name] = _derived(column, made, zones)
        if self.disguise:
            made = self._disguised(made, self.disguise)
        return pa.record_batch([made[each.name] for each in self.columns], schema=self.schema)

    def _read(self, column: Column, batch: pa.RecordBatch) -> pa.Array:
        raw = batch.column(column.name)
        if column.kind is Kind.WORDS:
            return self._words(raw, batch)
        values = typed(raw, column.kind)
        return cleaned(values) if column.kind is Kind.TEXT else values

    def _words(self, sealed: pa.Array, batch: pa.RecordBatch) -> pa.Array:
        if self.reveal is None or sealed.null_count == len(sealed):
            return pa.nulls(len(sealed), pa.string())
        ids, patients = batch.column("_id").to_pylist(), batch.column("_patient_id").to_pylist()
        opened = self.reveal(ids, patients, sealed.to_pylist())
        return pa.array([None if text is None else clean(text) for text in opened], pa.string())

    def _disguised(self, made: dict[str, pa.Array], disguise: Disguise) -> dict[str, pa.Array]:
        people = made["patient_code"].dictionary_encode()
        known = people.dictionary.to_pylist()
        codes = pa.array([disguise.codes.get(each) for each in known], pa.string())
        days = pa.array([disguise.weeks.get(each, 0) * 7 for each in known], pa.int64())
        shift = pc.fill_null(days.take(people.indices), 0)
        return {
            column.name: _hidden(column, made[column.name], codes.take(people.indices), shift)
            for column in self.columns
        }


def _hidden(column: Column, values: pa.Array, codes: pa.Array, days: pa.Array) -> pa.Array:
    if column.name == "patient_code":
        return codes
    if column.private or column.kind is Kind.WORDS:
        return pa.nulls(len(values), TYPES[column.kind])
    if column.kind in (Kind.INSTANT, Kind.LOCAL):
        return pc.add(values.cast(pa.int64()), pc.multiply(days, DAY_SECONDS)).cast(values.type)
    if column.kind is Kind.DAY:
        return pc.add(values.cast(pa.int32()), days.cast(pa.int32())).cast(values.type)
    return values


def typed(raw: pa.Array, kind: Kind) -> pa.Array:
    """Return what the engine gave in the column's own type."""
    wanted = TYPES[kind]
    if raw.type == wanted:
        return raw
    if raw.null_count == len(raw):
        return pa.nulls(len(raw), wanted)
    if kind is Kind.INSTANT:
        return raw.cast(pa.timestamp("us", "UTC")).cast(wanted, safe=False)
    return raw.cast(wanted)


def _derived(column: Column, made: Mapping[str, pa.Array], zones: _Zones | None) -> pa.Array:
    if column.kind is Kind.LOCAL:
        return zones.local(made[column.of[0]]) if zones else made[column.of[0]].cast(LOCAL_SECONDS)
    *ends, begin = (made[name] for name in column.of)
    end = pc.coalesce(*ends) if len(ends) > 1 else ends[0]
    seconds = pc.subtract(end.cast(pa.int64()), begin.cast(pa.int64())).cast(pa.float64())
    return pc.round(pc.divide(seconds, SECONDS[column.unit]), 2)


class _Zones:
    """The time zone of every row of a batch."""

    def __init__(self, zones: pa.Array) -> None:
        encoded = pc.fill_null(zones, "UTC").dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        names = encoded.dictionary.to_pylist()
        self._rows = [(name, np.nonzero(codes == code)[0]) for code, name in enumerate(names)]

    def local(self, instants: pa.Array) -> pa.Array:
        """Return the clock each instant had in the zone of its row."""
        seconds = pc.fill_null(instants.cast(pa.int64()), 0).to_numpy(zero_copy_only=False).copy()
        for name, rows in self._rows:
            begins, offsets = zone_edges(name)
            here = seconds[rows]
            seconds[rows] = here + offsets[np.searchsorted(begins, here, side="right") - 1]
        empty = np.asarray(instants.is_null()) if instants.null_count else None
        return pa.array(seconds, pa.int64(), mask=empty).cast(LOCAL_SECONDS)


@lru_cache(maxsize=700)
def zone_edges(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the instants (seconds) at which a zone's offset begins to hold, and the offsets."""
    zone = ZoneInfo(name)
    begins, offsets = [-(2**62)], [_offset(EDGES_FROM, zone)]
    at = EDGES_FROM
    while at < EDGES_TO:
        after = at + timedelta(days=7)
        if (offset := _offset(after, zone)) != offsets[-1]:
            begins.append(_edge(at, after, zone))
            offsets.append(offset)
        at = after
    return np.array(begins, np.int64), np.array(offsets, np.int64)


def _offset(at: datetime, zone: ZoneInfo) -> int:
    return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds())


def _edge(before: datetime, after: datetime, zone: ZoneInfo) -> int:
    """Return the second between two instants at which the zone's offset changes."""
    low, high = int(before.timestamp()), int(after.timestamp())
    changed = _offset(after, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == changed:
            high = middle
        else:
            low = middle
    return high
