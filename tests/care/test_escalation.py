"""The structured rules over whole courses, and the engine's own rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.care.course import Course, Earlier
from bot.care.escalation import RuleBook
from bot.care.level import Level
from bot.content import load_content
from bot.content.rule_cases import TREATED_AT, read_case

BOOK: RuleBook = load_content().rules
INSTRUMENTS = frozenset({"pcl5", "phq9", "gad7"})


def fired(line: str) -> list[str]:
    return [each.rule_id for each in BOOK.assess(read_case(line, INSTRUMENTS))]


WORKED = (
    "baseline nightmare_distress 6; m1 nightmare_distress 9; m2 nightmare_distress 9; m3 nightmare_distress 8"
)


@pytest.mark.parametrize(
    ("mornings", "rules"),
    [
        pytest.param(WORKED.rpartition("; m2")[0], ["NM-2"], id="morning 1 = 9: watch only"),
        pytest.param(WORKED, [], id="morning 3 = 8: not even watch"),
        pytest.param(f"{WORKED}; m4 nightmare_distress 9", [], id="morning 4 = 9: one after night 3"),
        pytest.param(f"{WORKED}; m4 nightmare_distress 9; m5 nightmare_distress 9", [], id="morning 5: two"),
        pytest.param(
            f"{WORKED}; m4 nightmare_distress 9; m5 nightmare_distress 9; m6 nightmare_distress 10",
            ["NM-1"],
            id="morning 6 = 10: three answered mornings after night 3",
        ),
        pytest.param(
            f"{WORKED}; m4 nightmare_distress 9; m6 nightmare_distress 6; m7 nightmare_distress 9",
            [],
            id="5 missed, 6 = 6: the run is broken",
        ),
        pytest.param(
            f"{WORKED}; m4 nightmare_distress 9; m6 nightmare_distress 9; m7 nightmare_distress 9",
            ["NM-1"],
            id="a missed morning does not break a run of answered ones",
        ),
    ],
)
def test_the_worked_course_of_a_single_dose(mornings: str, rules: list[str]) -> None:
    assert fired(mornings) == rules


def test_doses_every_two_days_are_caught_by_four_mornings_running() -> None:
    course = (
        "baseline nightmare_distress 6; m1 nightmare_distress 9; m2 nightmare_distress 9; +50h dose x; "
        "m3 nightmare_distress 9; m4 nightmare_distress 9"
    )
    assert "NM-1" in fired(course)


def test_without_a_baseline_only_absolute_thresholds_run() -> None:
    assert fired("m4 nightmare_distress 10; m5 nightmare_distress 10; m6 nightmare_distress 10") == []
    assert fired("m4 nightmare_distress 10, anxiety 8") == ["NM-1"]


def test_every_rule_that_fires_is_listed_and_the_most_urgent_comes_first() -> None:
    found = BOOK.assess(read_case("+6h since_use alcohol+driven, se_sedation severe"))
    assert found[0].rule_id == "SUB-1"
    assert {each.rule_id for each in found} == {"SUB-1", "SUB-2", "SED-1", "DRV-1"}
    assert [each.level for each in found] == sorted((each.level for each in found), reverse=True)


def test_a_rating_fires_once_and_not_with_every_later_tap() -> None:
    answered = read_case("m1 anxiety 9")
    assert [each.rule_id for each in BOOK.assess(answered)] == ["ANX-2"]
    later = replace(answered, changed=frozenset({"sleep_quality"}))
    assert BOOK.assess(later) == ()


@pytest.mark.parametrize(
    ("hours", "rules"),
    [
        pytest.param(3.9, [], id="just before four hours"),
        pytest.param(4, ["DIS-2"], id="at four hours"),
        pytest.param(24.1, ["DIS-2"], id="beyond a day"),
    ],
)
def test_hours_since_treatment_count_on_both_sides(hours: float, rules: list[str]) -> None:
    assert fired(f"+{hours}h unreal_now severe") == rules


def test_the_evidence_names_numbers_and_the_baseline() -> None:
    (found,) = BOOK.assess(read_case("baseline anxiety 5; m1 anxiety 8; m2 anxiety 8"))
    assert found.facts == ("anxiety 8, 8 (baseline 5)",)


@pytest.mark.parametrize(
    ("rules", "hours_ago", "raised"),
    [
        pytest.param(("INS-1", "NM-1"), 23, True, id="two in a day, sleep among them"),
        pytest.param(("INS-1", "NM-1"), 25, False, id="a day apart"),
        pytest.param(("NM-1", "ANX-1"), 1, False, id="neither safety, sleep nor substances"),
        pytest.param(("INS-1", "INS-1"), 1, False, id="the same rule twice is one"),
    ],
)
def test_two_same_day_findings_together(rules: tuple[str, str], hours_ago: float, raised: bool) -> None:
    now = TREATED_AT + timedelta(days=3)
    earlier = [
        Earlier(rules[0], Level.SAME_DAY, now - timedelta(hours=hours_ago)),
        Earlier(rules[1], Level.SAME_DAY, now),
    ]
    assert bool(BOOK.assess_together(earlier, now)) is raised


def test_an_empty_course_raises_nothing() -> None:
    assert BOOK.assess(Course(TREATED_AT)) == ()
