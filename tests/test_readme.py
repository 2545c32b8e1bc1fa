"""The README is tested: its tables are made from the program, its commands and targets exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from bot.cli import aftercare
from bot.sandbox import control
from bot.settings import settings_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def between(name: str) -> str:
    found = re.search(rf"<!-- {name}:.*?-->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert found, f"the README has no part {name}"
    return found[1].strip()


def test_the_settings_table_is_the_program_s_own() -> None:
    assert between("settings") == settings_table()


def test_the_control_interface_is_documented_as_it_is() -> None:
    doc = control.__doc__ or ""
    assert between("control") == f"```text\n{doc.strip()}\n```"


def commands(group: click.Group, path: str = "aftercare") -> set[str]:
    names = set()
    for name, command in group.commands.items():
        full = f"{path} {name}"
        names |= commands(command, full) if isinstance(command, click.Group) else {full}
        if isinstance(command, click.Group) and command.invoke_without_command:
            names.add(full)
    return names


def test_every_command_is_in_the_readme() -> None:
    missing = {each for each in commands(aftercare) if each not in README} - {"aftercare export verify"}
    assert not missing
    assert "export verify DIR" in README


def test_the_readme_names_no_command_that_is_not_there() -> None:
    known = commands(aftercare)
    named = set(re.findall(r"^\| `(aftercare [a-z ]*?[a-z])[ `]*[A-Z`]", README, re.MULTILINE))
    assert named and {each.strip() for each in named} <= known


@pytest.mark.parametrize("target", ["venv", "demo", "test", "stories", "faults", "bench", "soak", "fuzz"])
def test_every_make_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_file_the_readme_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|prompts|bot|storage)/[\w/.]+)`|\((tests/[\w/.-]+)\)", README))
    paths = {one or other for one, other in named}
    missing = {each for each in paths if not (ROOT / each).exists()}
    assert not missing


def test_every_fault_has_a_test_named_after_its_number() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tests" / "faults").glob("test_*.py"))
    named = {int(number) for number in re.findall(r"def test_fault_(\d+)_", text)}
    assert named == set(range(1, 75))
