"""One million answers to CSV, against the sqlite3 shell's own `.mode csv` on the same SELECT."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bot.export.book import Book
from bot.export.tables import write_csv
from bot.flows.exports import Wanted, export
from storage.exports import snapshot
from tests.bench.export_data import NOW, answers_wanted, book_of, make_clinic, say, seconds, side_by_side

MEASURES = ("export_csv", "export_csv_whole")


def with_the_shell(database: Path, book: Book, file: Path) -> None:
    queries = "".join(f"{select.sql};\n" for select in book.builder.table("answers", False))
    with file.open("wb") as out:
        command = ["sqlite3", "-readonly", "-header", "-csv", str(database)]
        subprocess.run(command, input=queries.encode(), stdout=out, check=True)


def main() -> int:
    if shutil.which("sqlite3") is None:
        print("export_csv: the sqlite3 shell is not installed; install the package sqlite3", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name:
        folder = Path(name)
        clinic = make_clinic(folder, answers_wanted())
        with snapshot(clinic.db) as source:
            book = book_of(clinic, source)
            ours, shell, ratio = side_by_side(
                lambda: write_csv(book.stream("answers"), folder / "ours.csv"),
                lambda: with_the_shell(folder / "bench.db", book, folder / "shell.csv"),
            )
            rows = book.tables["answers"]
        say(name="export_csv", ours=ours, against=shell, ratio=ratio, limit=1.5, unit="s", rows=rows)
        whole = seconds(lambda: export(clinic, folder / "whole", Wanted(), NOW))
        say(
            name="export_csv_whole",
            ours=whole,
            against=shell,
            ratio=whole / shell,
            limit=None,
            unit="s",
            rows=rows,
        )
        clinic.db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
