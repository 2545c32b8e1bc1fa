"""The manifest: what an export holds, that it reconciles with the database, and how to prove it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyarrow import parquet

MANIFEST = "manifest.json"
SHAPE = 1
DATA_POINTS = "redcap_records.csv"  # many lines a record
BLOCK = 1 << 20
GUARD = (
    "Texts in every file: line ends are \\n, control characters are shown as pictures (U+2400 and on), lone "
    "surrogates as U+FFFD. In CSV and XLSX a text that begins with = + - @ ' a tab, a line end or one of the "
    "full-width = + - @ has one apostrophe in front: take it away when reading. Numbers are never changed."
)


class Unreconciled(Exception):
    """The rows written are not the rows the database holds. Nothing is delivered."""


@dataclass(frozen=True)
class FileEntry:
    """One delivered file; `rows` counts data rows or resources by table."""

    name: str
    rows: dict[str, int]
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is delivered beside the files as manifest.json.

    `tables` holds what the database counted, by table; every file's rows are equal to it.
    """

    made_at: str
    content_versions: tuple[str, ...]
    filters: dict[str, Any]
    tables: dict[str, int]
    parts: dict[str, int]
    files: tuple[FileEntry, ...]
    notes: tuple[str, ...] = ()
    guard: str = GUARD
    shape: int = SHAPE

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def entry(path: Path, rows: Mapping[str, int]) -> FileEntry:
    return FileEntry(path.name, dict(rows), path.stat().st_size, sha256(path))


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def reconcile(files: Iterable[FileEntry], tables: Mapping[str, int]) -> None:
    """Check that every file holds as many rows of a table as the database counted.

    Raises:
        Unreconciled: one does not.
    """
    for file in files:
        for table, rows in file.rows.items():
            if table in tables and rows != tables[table]:
                raise Unreconciled(
                    f"{file.name}: {rows} rows of {table}; the database counts {tables[table]}"
                )


def verify(folder: Path) -> list[str]:
    """Return what is wrong with a delivered folder; nothing when it is as it was made."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        listed = {each["name"]: each for each in manifest["files"]}
        problems = [problem for each in listed.values() for problem in _file_problems(folder, each)]
    except OSError as error:
        return [f"{folder / MANIFEST}: cannot be read: {error.strerror}"]
    except (ValueError, KeyError, TypeError):
        return [f"{folder / MANIFEST}: is not a manifest of an export"]
    problems += [problem for each in listed.values() for problem in _row_problems(folder, each, manifest)]
    known = {*listed, MANIFEST}
    problems += [
        f"{each.name}: is not in the manifest" for each in sorted(folder.iterdir()) if each.name not in known
    ]
    return problems


def _row_problems(folder: Path, listed: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """Return where the rows the manifest gives for a file are not the database's, or not the file's own."""
    name, rows = str(listed["name"]), dict(listed["rows"])
    problems = [
        f"{name}: the manifest says {count} rows of {table}, and that the database counts {counted}"
        for table, count in rows.items()
        if (counted := manifest["tables"].get(table, count)) != count
    ]
    path = folder / name
    sound = path.is_file() and not path.is_symlink() and path.stat().st_size == listed["bytes"]
    found = count_rows(path) if sound else None
    if found is not None and found != sum(rows.values()):
        problems.append(f"{name}: holds {found} rows; the manifest says {sum(rows.values())}")
    return problems


def count_rows(path: Path) -> int | None:
    """Return the rows of a file that holds a row or a resource a line, or says how many it has."""
    if path.suffix == ".parquet":
        return int(parquet.read_metadata(path).num_rows)
    if path.suffix == ".ndjson":
        with path.open("rb") as lines:
            return sum(1 for _ in lines)
    if path.suffix == ".csv" and path.name != DATA_POINTS:
        with path.open(newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.reader(file)) - 1
    return None


def _file_problems(folder: Path, listed: Mapping[str, Any]) -> list[str]:
    name = str(listed["name"])
    path = folder / name
    if Path(name).name != name or not path.is_file() or path.is_symlink():
        return [f"{name}: is missing"]
    if path.stat().st_size != listed["bytes"]:
        return [f"{name}: has {path.stat().st_size} bytes; the manifest says {listed['bytes']}"]
    if sha256(path) != listed["sha256"]:
        return [f"{name}: is not the file that was delivered (its SHA-256 differs)"]
    return []
