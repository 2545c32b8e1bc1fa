"""FHIR resources a second, every distinct shape validated: in CPU seconds, and against bare serialising.

A machine shared with others changes seconds of the clock, so two measures are taken that it changes
little: resources per CPU second of this process, which must be at least 50,000; and the time to read,
shape, validate and write everything over the time orjson alone takes to dump the same resources, held
in memory as dicts, in the same round. The model library's own speed is printed beside them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from bot.export.book import Book
from bot.export.fhir import resources, write_ndjson
from storage.exports import snapshot
from tests.bench.export_data import ROUNDS, answers_wanted, book_of, make_clinic, say, seconds

MEASURES = ("export_fhir", "export_fhir_cpu")
AT_LEAST = 50_000
SLOWER_THAN_BARE = 12.0
SAMPLE = 1_000
HELD = 20_000


def one_round(book: Book, folder: Path) -> tuple[float, float]:
    """Write everything; return resources per second and per CPU second."""
    rows: dict[str, int] = {}
    begun, spent = time.perf_counter(), time.process_time()
    for _, each in write_ndjson(book, folder):
        rows.update(each)
    count = sum(rows.values())
    return count / (time.perf_counter() - begun), count / (time.process_time() - spent)


def bare(held: list[dict[str, Any]], folder: Path) -> float:
    """Return how many of the same resources a second orjson dumps to a file, and nothing else is done."""

    def dump() -> None:
        with (folder / "bare.ndjson").open("wb", buffering=1 << 20) as file:
            for each in held:
                file.write(orjson.dumps(each) + b"\n")

    return len(held) / seconds(dump)


def with_the_model_library(held: list[dict[str, Any]]) -> float:
    """Return how many observations a second it reads and writes, one by one."""
    from fhir.resources.R4B.observation import Observation

    found = [each for each in held if each["resourceType"] == "Observation"][:SAMPLE]
    return len(found) / seconds(lambda: [Observation(**each).model_dump_json() for each in found])


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name:
        folder = Path(name)
        clinic = make_clinic(folder, answers_wanted(200_000))
        with snapshot(clinic.db) as source:
            book = book_of(clinic, source)
            held = [orjson.loads(each.line) for each in islice(resources(book), HELD)]
            rounds = [(*one_round(book, folder), bare(held, folder)) for _ in range(ROUNDS)]
            library = with_the_model_library(held)
        ours, per_cpu, against = (statistics.median(each) for each in zip(*rounds, strict=True))
        ratio = statistics.median(plain / mine for mine, _, plain in rounds)
        say(
            name="export_fhir", ours=ours, against=against, ratio=ratio, limit=SLOWER_THAN_BARE,
            unit="resources/s", model_library=library,
        )  # fmt: skip
        say(
            name="export_fhir_cpu", ours=per_cpu, against=AT_LEAST, ratio=per_cpu / AT_LEAST, at_least=1.0,
            limit=None, unit="resources per CPU second",
        )  # fmt: skip
        clinic.db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
