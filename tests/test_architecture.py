"""The house, as a table: who may import whom, who may read a clock, who may print.

Change the table on purpose, never around it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EVERYTHING = ("bot", "storage")


@dataclass(frozen=True)
class Layer:
    """A part of the house. The longest matching `place` is the one that counts."""

    place: str
    ours: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    standard: tuple[str, ...] | None = None  # None: all of the standard library but NOT_PURE below
    reads_clock: bool = False
    prints: bool = False


PURE = (
    "__future__", "abc", "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "html",
    "itertools", "json", "math", "operator", "re", "statistics", "string", "typing", "unicodedata",
    "zoneinfo",
)  # fmt: skip

HOUSE = (
    Layer("bot.care", ("bot.care",), (), PURE),
    Layer("bot.message", (), (), PURE),
    Layer("bot.content", ("bot.content", "bot.care"), ("pydantic", "pyphen", "rtoml")),
    Layer(
        "bot.export",
        ("bot.export", "bot.care"),
        (
            "pyarrow",
            "numpy",
            "xlsxwriter",
            "rustpy_xlsxwriter",
            "fhir",
            "orjson",
            "matplotlib",
            "fpdf",
            "fontTools",
            "pydantic",
        ),
    ),
    Layer(
        "storage",
        ("storage", "bot.care", "bot.message"),
        (
            "sqlmodel",
            "sqlalchemy",
            "cryptography",
            "alembic",
            "psycopg",
            "adbc_driver_sqlite",
            "adbc_driver_postgresql",
            "adbc_driver_manager",
            "pyarrow",
        ),
    ),
    Layer(
        "bot.flows",
        ("bot.flows", "bot.care", "bot.message", "bot.content", "bot.export", "storage"),
        ("sqlmodel", "sqlalchemy"),
    ),
    Layer("bot.chat", ("bot.chat", "bot.message"), ("telegram", "aiohttp", "httpx")),
    Layer("bot.paging", ("bot.paging", "bot.message"), ("apprise",)),
    Layer(
        "bot.intake",
        ("bot.intake", "bot.message", "bot.crash", "bot.threads", "storage"),
        ("aiohttp", "sqlmodel"),
    ),
    Layer(
        "bot.delivery", ("bot.delivery", "bot.message", "bot.crash", "bot.threads", "storage"), ("sqlmodel",)
    ),
    Layer("bot.clock", (), (), reads_clock=True),
    Layer("bot.cli", EVERYTHING, ("*",), reads_clock=True, prints=True),
    Layer("bot.sandbox", EVERYTHING, ("*",), reads_clock=True, prints=True),
    Layer("bot", EVERYTHING, ("*",)),
)

FORBIDDEN_IN_FLOWS = {"asyncio", "telegram", "apscheduler"}
CLOCK_CALLS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
}  # fmt: skip


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("bot", "storage"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield ".".join(part for part in parts if part != "__init__"), path


def layer_of(module: str) -> Layer:
    fitting = [each for each in HOUSE if module == each.place or module.startswith(each.place + ".")]
    fitting += [each for each in HOUSE if each.place == "bot.cli" and module.startswith("bot.cli")]
    return max(fitting, key=lambda each: len(each.place))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def may_import(layer: Layer, name: str) -> bool:
    top = name.partition(".")[0]
    if top in ("bot", "storage"):
        return any(name == ours or name.startswith(ours + ".") for ours in layer.ours)
    if top in sys.stdlib_module_names:
        if layer.place == "bot.flows" and top in FORBIDDEN_IN_FLOWS:
            return False
        return layer.standard is None or top in layer.standard
    return "*" in layer.libraries or top in layer.libraries


MODULES = list(modules())


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_what_its_layer_may(module: str, path: Path) -> None:
    layer = layer_of(module)
    wrong = [
        f"line {line}: {name}"
        for line, name in imports(ast.parse(path.read_text()))
        if not may_import(layer, name)
    ]
    assert not wrong, f"{module} ({layer.place} layer) imports {'; '.join(wrong)}"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_only_the_rim_reads_a_clock_or_prints(module: str, path: Path) -> None:
    layer = layer_of(module)
    wrong = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        call = node.func
        if isinstance(call, ast.Name) and call.id == "print" and not layer.prints:
            wrong.append(f"line {node.lineno}: print")
        if (
            isinstance(call, ast.Attribute)
            and isinstance(call.value, ast.Name)
            and (call.value.id, call.attr) in CLOCK_CALLS
            and not layer.reads_clock
        ):
            wrong.append(f"line {node.lineno}: {call.value.id}.{call.attr}()")
    assert not wrong, f"{module}: {'; '.join(wrong)}"


def test_nothing_of_ours_imports_in_a_circle() -> None:
    known = {name for name, _ in MODULES}
    needs = {
        name: {
            other for _, full in top_level_imports(path) if (other := owner(full, known)) and other != name
        }
        for name, path in MODULES
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in sorted(needs[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(needs):
        visit(name, ())


def top_level_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Imports that run when the module is loaded; those under TYPE_CHECKING or in a function do not."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)


def owner(full_name: str, known: set[str]) -> str | None:
    """The module that `from x import y` reads: x.y when that is a module, else x."""
    return next((each for each in (full_name, full_name.rpartition(".")[0]) if each in known), None)
