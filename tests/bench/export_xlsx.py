"""Answers to XLSX, against XlsxWriter in constant memory with the same typed cells."""

from __future__ import annotations

import sys
import tempfile
from datetime import date, datetime
from pathlib import Path

import xlsxwriter

from bot.export.book import Book
from bot.export.tables import SHEET_ROWS, Sheet, write_xlsx
from storage.exports import snapshot
from tests.bench.export_data import answers_wanted, book_of, make_clinic, say, side_by_side

MEASURES = ("export_xlsx",)


def with_xlsxwriter(book: Book, file: Path) -> None:
    stream = book.stream("answers")
    workbook = xlsxwriter.Workbook(
        str(file), {"constant_memory": True, "strings_to_formulas": False, "remove_timezone": True}
    )
    formats = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd"}
    made = {kind: workbook.add_format({"num_format": form}) for kind, form in formats.items()}
    sheet = workbook.add_worksheet("answers")
    sheet.freeze_panes(1, 1)
    sheet.write_row(0, 0, stream.schema.names)
    line = 1
    for batch in stream:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            for place, value in enumerate(row):
                if value is not None:
                    sheet.write(line, place, value, made.get(type(value)))
            line += 1
            if line > SHEET_ROWS:
                line = 1
                sheet = workbook.add_worksheet()
    workbook.close()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name:
        folder = Path(name)
        clinic = make_clinic(folder, answers_wanted(50_000))
        with snapshot(clinic.db) as source:
            book = book_of(clinic, source)
            rows = book.tables["answers"]
            ours, against, ratio = side_by_side(
                lambda: write_xlsx([Sheet("answers", book.stream("answers"), rows)], folder / "ours.xlsx"),
                lambda: with_xlsxwriter(book, folder / "theirs.xlsx"),
            )
        say(name="export_xlsx", ours=ours, against=against, ratio=ratio, limit=1.0, unit="s", rows=rows)
        clinic.db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
