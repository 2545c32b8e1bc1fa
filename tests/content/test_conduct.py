"""The numbers around the rules: read, checked against the rest, and refused with a place and a limit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.care.level import Level
from bot.content import Content
from tests.content.conftest import Folder

FILE = "conduct.toml"


@pytest.mark.parametrize(
    ("since", "level"),
    [
        pytest.param(None, Level.SAME_DAY, id="never treated"),
        pytest.param(timedelta(hours=24), Level.URGENT, id="exactly 24 hours after a treatment"),
        pytest.param(timedelta(hours=24, seconds=1), Level.SAME_DAY, id="a second more than 24 hours"),
    ],
)
def test_what_cannot_be_read_is_more_urgent_soon_after_a_treatment(
    folder: Folder, since: timedelta | None, level: Level
) -> None:
    loaded: Content = folder.load()
    assert loaded.conduct.unreadable.since_treatment(since) is level


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param('now = "urgent"', 'now = "soon"', "is no level", id="a level nobody knows"),
        pytest.param("within_hours = 24", "within_hours = 0", "greater than 0", id="no time at all"),
        pytest.param("within_hours = 24", "within_hour = 24", "conduct.toml", id="a key misspelled"),
        pytest.param("rest_minutes = 5", "rest_minutes = 15", "must be less than", id="rest as long as wait"),
        pytest.param('rules = ["BP-2"]', 'rules = ["BP-9"]', "no such structured rule", id="no such rule"),
        pytest.param('"blood_pressure"', '"anxiety"', "no item of kind pressure", id="another kind of item"),
        pytest.param("[relay]", "[relays]", "relay", id="a section misspelled"),
    ],
)
def test_a_number_that_cannot_be_is_refused(folder: Folder, old: str, new: str, said: str) -> None:
    folder.edit(FILE, old, new)
    problems = folder.problems()
    assert problems and all("conduct.toml" in each for each in problems)
    assert any(said in each for each in problems)


def test_rest_may_be_one_minute_less_than_the_wait(folder: Folder) -> None:
    folder.edit(FILE, "rest_minutes = 5", "rest_minutes = 14")
    assert folder.problems() == []


def test_without_the_file_the_program_does_not_start(folder: Folder) -> None:
    (folder.root / FILE).unlink()
    assert any("conduct.toml: is missing" in each for each in folder.problems())
