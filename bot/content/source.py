"""Reading `prompts/`: documents, and problems that name file, line, value and limit."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import rtoml
from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")
MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the content: where, what, and what would be right."""

    file: str  # relative to the content folder: "rules/thresholds.toml"
    what: str
    line: int | None = None
    folder: str = "prompts/"  # "" for a file from elsewhere

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.folder}{place}: {self.what}"


class ContentError(Exception):
    """The content cannot be used. Lists every problem, not the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems in the content")
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Document:
    """One TOML file, parsed, with its text kept so that problems can name a line."""

    file: str
    data: dict[str, Any]
    text: str

    def line_of(self, *needles: str) -> int | None:
        """Return the first line holding all `needles` (an id, a key), counted from 1."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            if all(needle in line for needle in needles):
                return number
        return None

    def problem(self, what: str, *needles: str) -> Problem:
        return Problem(self.file, what, self.line_of(*needles) if needles else None)


def read_document(root: Path, path: Path, problems: list[Problem]) -> Document | None:
    """Read one file; anything wrong with it is added to `problems` and None returned."""
    name = path.relative_to(root).as_posix()
    try:
        raw = path.read_bytes()
    except OSError as error:
        problems.append(Problem(name, f"cannot be read: {error.strerror}"))
        return None
    if len(raw) > MAX_BYTES:
        problems.append(Problem(name, f"is {len(raw)} bytes; the limit is {MAX_BYTES}"))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problems.append(Problem(name, "is not UTF-8; save it as UTF-8", line))
        return None
    text = text.replace("\r\n", "\n")
    try:
        return Document(name, rtoml.loads(text), text)
    except rtoml.TomlParsingError as error:
        problems.append(Problem(name, f"is not TOML: {error}"))
        return None


def read_folder(root: Path, folder: str, problems: list[Problem]) -> tuple[Document, ...]:
    """Read every TOML file of `root/folder` and below, in name order."""
    paths = sorted((root / folder).rglob("*.toml"))
    documents = (read_document(root, path, problems) for path in paths)
    return tuple(document for document in documents if document)


def table_of(data: dict[str, Any], key: str, document: Document, problems: list[Problem]) -> dict[str, Any]:
    """Take the table `key` out of a document's data; anything else under that key is a problem."""
    given = data.pop(key, {})
    if isinstance(given, dict):
        return given
    problems.append(document.problem(f"{key!r} must be a table: [{key}] or [{key}.name]", key))
    return {}


@cache
def _reader(shape: Hashable) -> TypeAdapter[Any]:
    """Return the reader of a shape; building one costs more than all that is read with it."""
    return TypeAdapter(shape)


def checked(
    shape: type[T], data: Any, document: Document, where: Sequence[str], problems: list[Problem]
) -> T | None:
    """Return `data` as `shape` (a pydantic model or dataclass), or add its problems and return None.

    `where` are words that lead to the line: the kind and id of the entry.
    """
    try:
        read: T = _reader(cast(Hashable, shape)).validate_python(data)
        return read
    except ValidationError as error:
        problems.extend(_problems_of(error, document, where))
        return None


def _problems_of(error: ValidationError, document: Document, where: Sequence[str]) -> Iterable[Problem]:
    for each in error.errors(include_url=False):
        place = ".".join(str(part) for part in each["loc"])
        value = f" (is {each['input']!r:.60})" if each["type"] != "missing" else ""
        key = str(each["loc"][-1]) if each["loc"] else ""
        line = document.line_of(key) if key and not key.isdigit() else document.line_of(*where[-1:])
        yield Problem(document.file, f"{' '.join(where)} {place}: {each['msg']}{value}".strip(), line)
