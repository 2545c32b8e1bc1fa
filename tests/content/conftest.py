"""A copy of the shipped content that a test may break."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.content import Content, ContentError, load_content

SHIPPED = Path(__file__).parents[2] / "prompts"


ONE_PHRASE = """
[[phrase]]
id = "blacked-out"
rule = "MED-1"
level = "emergency"
told = "M2"
say = ["i blacked out"]
fires = ["I blacked out"]
silent = ["the shop was closed"]
"""


@dataclass(frozen=True)
class Folder:
    """A content folder in a temporary place."""

    root: Path

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace one piece of text in a file, which must be there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def add(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)

    def load(self) -> Content:
        return load_content(self.root)

    def problems(self) -> list[str]:
        """Return what is said when the folder is loaded."""
        try:
            load_content(self.root)
        except ContentError as error:
            return [str(each) for each in error.problems]
        return []


def copied(root: Path) -> Folder:
    """Return the shipped content with one phrase: those shipped take longest and are tested elsewhere."""
    shutil.copytree(SHIPPED, root, ignore=shutil.ignore_patterns("phrases"))
    folder = Folder(root)
    folder.add("rules/phrases/one.toml", ONE_PHRASE)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return copied(tmp_path / "prompts")


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return copied(tmp_path_factory.mktemp("content") / "prompts").load()


@pytest.fixture(scope="session")
def shipped() -> Content:
    return load_content(SHIPPED)
