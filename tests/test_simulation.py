"""Days of care on a virtual clock."""

from __future__ import annotations

from bot.content import load_content
from bot.simulation import simulate


def test_the_same_seed_lives_the_same_days_and_keeps_within_what_patients_are_promised() -> None:
    content = load_content()
    first = simulate(content, patients=3, days=2, protocol="single_infusion", seed=7)
    again = simulate(content, patients=3, days=2, protocol="single_infusion", seed=7)

    assert first == again
    assert first.check_ins >= 3 * 2, "everybody was asked, at least on the evening and the morning"
    assert 0 < first.answered <= first.check_ins
    assert first.questions_a_week > 0
    assert set(first.alerts_a_week) == {"emergency", "urgent", "same_day", "watch"}
