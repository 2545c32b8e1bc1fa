"""How many questions a week each protocol asks: the figures clinics are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.care.questions import questions_per_week, typical_course, weekly
from bot.content import Content, load_content

CHICAGO = ZoneInfo("America/Chicago")
TREATED = datetime(2026, 11, 2, 16, tzinfo=UTC)  # a Monday at ten in Chicago


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content()


def per_week(content: Content, protocol_id: str, days: tuple[int, ...] | None = None) -> dict[int, int]:
    protocol = content.protocols[protocol_id]
    protocol = replace(protocol, typical_days=days) if days else protocol
    return questions_per_week(protocol, typical_course(protocol, TREATED, CHICAGO))


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("single_infusion", {1: 51, 2: 28, 3: 0, 4: 38}),
        ("induction", {1: 63, 2: 60 + 10, 3: 12, 4: 32, 5: 12, 6: 32 + 10}),
        ("esketamine", {1: 28, 2: 48, 3: 28, 4: 58, 5: 20, 6: 20, 7: 20, 8: 50, 9: 20, 12: 55}),
        ("at_home", {1: 25, 3: 25, 5: 25}),
        ("daily_low_dose", {1: 52, 2: 40, 3: 40, 4: 40 + 42}),
        ("daily_low_dose_stable", {1: 20, 2: 20, 3: 20}),
    ],
)
def test_questions_per_week(content: Content, protocol: str, expected: dict[int, int]) -> None:
    found = per_week(content, protocol)
    assert {week: found.get(week, 0) for week in expected} == expected


def test_induction_asks_about_thirty_eight_a_week(content: Content) -> None:
    assert weekly(per_week(content, "induction"), range(1, 7)) == pytest.approx(38.5)


def test_esketamine_by_phase(content: Content) -> None:
    found = per_week(content, "esketamine")
    assert round(weekly(found, range(1, 5)), 1) == 40.5
    assert weekly(found, range(9, 13)) == pytest.approx(28.75)  # a dose a week
    induction = (0, 3, 7, 10, 14, 17, 21, 24, 28, 35, 42, 49)
    every_two_weeks = per_week(content, "esketamine", (*induction, 56, 70, 84, 98))
    assert weekly(every_two_weeks, range(9, 13)) == pytest.approx(22.75)


def test_two_home_doses_a_week(content: Content) -> None:
    found = per_week(content, "at_home", (0, 3, 7, 10, 14, 17, 21, 24))
    assert found[1] == 38
    assert found[2] - 17 == 58  # PCL-5 every second week: 48 on average; PHQ-9 and GAD-7 are 17
    assert (found[1] + found[2] - 17) / 2 == 48
