"""What was usual before treatment."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.care.baseline import baseline

TREATED = date(2026, 11, 2)


def mornings(*values: float, days_before: int = 1) -> dict[date, float]:
    """Return one rating a morning, the last `days_before` days before treatment."""
    last = TREATED - timedelta(days=days_before)
    return {last - timedelta(days=len(values) - 1 - n): value for n, value in enumerate(values)}


def test_the_worked_case() -> None:
    found = baseline(mornings(6, 5, 6, 7, 6), TREATED)
    assert found is not None
    assert (found.value, found.mornings) == (6, 5)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        pytest.param(mornings(4, 9), None, id="two mornings are too few"),
        pytest.param(mornings(4, 9, 5), 5, id="three are enough"),
        pytest.param(mornings(1, 1, 8, 8), 4.5, id="an even number"),
        pytest.param(mornings(2, 2, 2, days_before=12), 2, id="the fourteenth day before counts"),
        pytest.param(mornings(2, 2, 2, days_before=13), None, id="the fifteenth does not"),
        pytest.param(mornings(3, 3, 3, days_before=0), 3, id="the morning of the treatment counts"),
        pytest.param(mornings(3, 3, 3, days_before=-1), None, id="the morning after does not"),
        pytest.param({}, None, id="nothing answered"),
    ],
)
def test_baseline(given: dict[date, float], value: float | None) -> None:
    found = baseline(given, TREATED)
    assert (found and found.value) == value
