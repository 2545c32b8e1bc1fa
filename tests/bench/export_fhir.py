"""FHIR resources a second, every distinct shape validated, against the model library writing each one."""

from __future__ import annotations

import sys
import tempfile
from itertools import islice
from pathlib import Path

import orjson

from bot.export.book import Book
from bot.export.fhir import resources, write_ndjson
from storage.exports import snapshot
from tests.bench.export_data import ROUNDS, answers_wanted, book_of, make_clinic, say, seconds

MEASURES = ("export_fhir",)
AT_LEAST = 50_000
SAMPLE = 1_000


def with_the_model_library(book: Book) -> float:
    """Return how many resources a second it reads and writes, one by one."""
    from fhir.resources.R4B.observation import Observation

    found = [each.line for each in islice(resources(book), 3 * SAMPLE) if each.kind == "Observation"][:SAMPLE]
    took = seconds(lambda: [Observation(**orjson.loads(each)).model_dump_json() for each in found])
    return len(found) / took


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name:
        folder = Path(name)
        clinic = make_clinic(folder, answers_wanted(200_000))
        speeds, others = [], []
        with snapshot(clinic.db) as source:
            book = book_of(clinic, source)
            for _ in range(ROUNDS):
                rows: dict[str, int] = {}
                took = seconds(
                    lambda into=rows: [into.update(each) for _, each in write_ndjson(book, folder)]
                )
                speeds.append(sum(rows.values()) / took)
                others.append(with_the_model_library(book))
        ours, against = sorted(speeds)[ROUNDS // 2], sorted(others)[ROUNDS // 2]
        say(
            name="export_fhir", ours=ours, against=against, ratio=ours / AT_LEAST, at_least=1.0,
            limit=None, unit="resources/s",
        )  # fmt: skip
        clinic.db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
