"""Every line the audit chain can hold has a sentence for somebody who has never seen its codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bot.sandbox.plain_words import WORDS

ROOT = Path(__file__).parent.parent.parent
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")


def strings(node: ast.expr) -> Iterator[str]:
    """Yield what an argument may be: a string, either of two, or one with a gap ("alert.*")."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from strings(node.body)
        yield from strings(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        parts = (each.value if isinstance(each, ast.Constant) else "*" for each in node.values)
        yield "".join(str(each) for each in parts)


def written(tree: ast.AST) -> Iterator[str]:
    """Yield the actions a file records, also those put into a name before."""
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr != "record":
            continue
        for given in node.args:
            value = named.get(given.id, given) if isinstance(given, ast.Name) else given
            yield from (each for each in strings(value) if ACTION.fullmatch(each.replace("*", "x")))


def recorded() -> set[str]:
    files = [path for folder in ("bot", "storage") for path in (ROOT / folder).rglob("*.py")]
    return {action for path in files for action in written(ast.parse(path.read_text()))}


GAPS = {
    "alert.*": {"alert.contacted", "alert.no_answer"},
    "contact.*": {"contact.test", "contact.up", "contact.remove"},
    "patient.*_changed": {
        f"patient.{column}_changed" for column in ("language", "zone", "quiet_from", "quiet_to")
    },
}
"""What stands for the gap in an action that is put together."""


def test_every_action_the_program_records_has_a_sentence() -> None:
    found = recorded()
    assert len(found) > 50 and {each for each in found if "*" in each} == GAPS.keys()
    whole = {each for each in found if "*" not in each} | {each for some in GAPS.values() for each in some}
    assert whole - WORDS.keys() == set()


def test_no_sentence_is_kept_for_what_nobody_records() -> None:
    whole = recorded() | {each for some in GAPS.values() for each in some}
    assert WORDS.keys() - whole == set()
