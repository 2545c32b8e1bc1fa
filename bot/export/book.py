"""One export: what was asked for, the tables it reads, and the files it writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from bot.care.instrument import Item
from bot.care.scoring import Instrument
from bot.export.columns import ALERT_ID, CHECK_IN_ID, TABLES, WIDE_FIXED, Column, Table
from bot.export.counting import counts
from bot.export.dictionary import ItemWords, dictionary, items_table
from bot.export.scores import READ, Scored, scored_items, scores, scores_stream
from bot.export.select import Builder, Chosen
from bot.export.shape import Disguise, Reveal, Shaping
from bot.export.tables import Stream
from bot.export.wide import COUNTS, Wide, wide_columns

Progress = Callable[[str, int, int], None]
REPORT_EVERY = 50_000


class Source(Protocol):
    """One moment of a database."""

    dialect: str

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]: ...
    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...
    def number(self, sql: str) -> int: ...


@dataclass(frozen=True)
class Reveals:
    """Opens the sealed words of each table that has some."""

    answers: Reveal
    alerts: Reveal
    messages: Reveal

    def of(self, table: str) -> Reveal | None:
        found: Reveal | None = getattr(self, table, None)
        return found


@dataclass
class Book:
    """The tables of one export, each readable as often as a format needs it."""

    source: Source
    chosen: Chosen
    items: Mapping[str, Item]
    words: Mapping[str, ItemWords]
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    reveals: Reveals | None = None
    disguise: Disguise | None = None
    progress: Progress | None = None
    builder: Builder = field(init=False)
    parts: dict[str, int] = field(init=False)
    tables: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.builder = Builder(self.source.dialect, self.chosen)
        queries = counts(self.builder, self.instruments)
        self.parts = {name: self.source.number(sql) for name, sql in queries.items()}
        missing = self.parts["expected"] - self.parts["covered"]
        self.parts["missing"] = missing
        answers = self.parts["answers"] + self.parts["answers_outside"] + missing
        self.tables = {"answers": answers, "check_ins": self.parts["check_ins"]}
        self.tables |= {name: self.parts[name] for name in ("alerts", "treatments")}
        if self.with_text:
            self.tables["messages"] = self.parts["messages"]

    @property
    def with_text(self) -> bool:
        return self.reveals is not None

    @property
    def empty(self) -> bool:
        return not any(self.tables.values())

    def stream(self, name: str) -> Stream:
        """Return the rows of a table, shaped, from the beginning."""
        if name == "check_ins":
            return self._wide()
        if name == "scores":
            return scores_stream(self.scores())
        if name == "items":
            return items_table(self.items, self.words)
        if name == "dictionary":
            return dictionary({each: self.columns(each) for each in (*self.tables, "scores")})
        return self._table(TABLES[name], self.columns(name))

    def narrow(self, name: str, only: Collection[str], ids: tuple[Column, ...] = ()) -> Stream:
        """Return the rows of a table with some of its columns, none of them derived, and our own ids."""
        columns = (each for each in self.columns(name) if each.name in only)
        return self._table(TABLES[name], (*columns, *ids))

    def recorded(self, name: str) -> Stream:
        """Return the rows of `check_ins` or `alerts`, each with our own id of it as its last column."""
        if name == "check_ins":
            return self._wide((CHECK_IN_ID,))
        return self._table(TABLES[name], (*self.columns(name), ALERT_ID))

    def columns(self, name: str) -> tuple[Column, ...]:
        """Return the columns a table has in this export."""
        if name == "check_ins":
            return (*WIDE_FIXED, *COUNTS, *self._wide_maker.columns)
        return TABLES[name].with_text(self.with_text)

    def scores(self) -> Iterator[Scored]:
        """Yield the scores of every questionnaire that was begun."""
        asked = scored_items(self.instruments)
        shaping = Shaping(READ, self.disguise)
        batches = self.source.batches(self.builder.scored(READ, asked).sql) if asked else ()
        return scores(shaping.all(batches), self.instruments, self.items)

    @property
    def expected(self) -> dict[str, int]:
        """What the database counts, by the name under which files report their rows."""
        answered = self.parts["check_ins_answered"]
        resources = {"observations": self.tables["answers"], "questionnaire_responses": answered}
        return {**self.tables, "scores": self.parts["scores"], **resources}

    def _table(self, table: Table, columns: tuple[Column, ...]) -> Stream:
        reveal = self.reveals.of(table.name) if self.reveals else None
        shaping = Shaping(columns, self.disguise, reveal)
        selects = self.builder.table(table.name, self.with_text, columns)
        batches = (batch for select in selects for batch in self.source.batches(select.sql))
        return Stream(shaping.schema, self._told(table.name, shaping.all(batches)))

    def _wide(self, ids: tuple[Column, ...] = ()) -> Stream:
        wide = replace(self._wide_maker, shaping=Shaping((*WIDE_FIXED, *ids), self.disguise))
        batches = self.source.batches(self.builder.wide().sql)
        return Stream(wide.schema, self._told("check_ins", wide.all(batches)))

    @cached_property
    def _wide_maker(self) -> Wide:
        asked = [row[0] for row in self.source.rows(self.builder.items())]
        known = [each for each in self.items if each in asked]
        item_ids = (*known, *(each for each in asked if each not in self.items))
        return Wide(item_ids, wide_columns(item_ids, self.items), Shaping(WIDE_FIXED, self.disguise))

    def _told(self, name: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches on and say how far it is."""
        done = told = 0
        for batch in batches:
            done += batch.num_rows
            if self.progress and done - told >= REPORT_EVERY:
                self.progress(name, done, self.tables[name])
                told = done
            yield batch
        if self.progress:
            self.progress(name, done, self.tables[name])


Writer = Callable[[Book, Path], Iterator[tuple[Path, Mapping[str, int]]]]
