"""One million answers to Parquet, against the bare ADBC and pyarrow pair on the same SELECT."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import adbc_driver_sqlite.dbapi as sqlite
from pyarrow import parquet

from bot.export.book import Book
from bot.export.tables import write_parquet
from storage.exports import snapshot
from tests.bench.export_data import answers_wanted, book_of, make_clinic, say, side_by_side

MEASURES = ("export_parquet",)


def bare(database: Path, book: Book, file: Path) -> None:
    """Stream what the engine gives, as it gives it, into a file."""
    with sqlite.connect(f"file:{database}?mode=ro") as connection:
        for number, select in enumerate(book.builder.table("answers", False)):
            with connection.cursor() as cursor:
                cursor.execute(select.sql)
                reader = cursor.fetch_record_batch()
                with parquet.ParquetWriter(f"{file}.{number}", reader.schema) as writer:
                    for batch in reader:
                        writer.write_batch(batch)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name:
        folder = Path(name)
        clinic = make_clinic(folder, answers_wanted())
        with snapshot(clinic.db) as source:
            book = book_of(clinic, source)
            ours, against, ratio = side_by_side(
                lambda: write_parquet(book.stream("answers"), folder / "ours.parquet"),
                lambda: bare(folder / "bench.db", book, folder / "bare.parquet"),
            )
            rows = book.tables["answers"]
        say(name="export_parquet", ours=ours, against=against, ratio=ratio, limit=1.5, unit="s", rows=rows)
        clinic.db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
