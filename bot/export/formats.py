"""The file formats an export comes in, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.export.book import Book, Writer
from bot.export.fhir import write_bundle, write_ndjson
from bot.export.redcap import write_redcap
from bot.export.tables import Sheet, write_csv, write_parquet, write_xlsx

Written = Iterator[tuple[Path, Mapping[str, int]]]
REFERENCE = ("dictionary", "items")


def write_csv_files(book: Book, folder: Path) -> Written:
    for name in (*book.tables, "scores", *REFERENCE):
        path = folder / f"{name}.csv"
        yield path, {name: write_csv(book.stream(name), path)}


def write_parquet_files(book: Book, folder: Path) -> Written:
    for name in (*book.tables, "scores"):
        path = folder / f"{name}.parquet"
        yield path, {name: write_parquet(book.stream(name), path)}


def write_workbook(book: Book, folder: Path) -> Written:
    path = folder / "aftercare.xlsx"
    sheets = [Sheet(name, book.stream(name), book.tables[name]) for name in book.tables]
    sheets += [Sheet(name, book.stream(name), 0) for name in ("scores", *REFERENCE)]
    yield path, write_xlsx(sheets, path)


FORMATS: Mapping[str, Writer] = {
    "csv": write_csv_files,
    "xlsx": write_workbook,
    "parquet": write_parquet_files,
    "fhir": write_bundle,
    "ndjson": write_ndjson,
    "redcap": write_redcap,
}
