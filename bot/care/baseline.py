"""What was usual before treatment, and so what counts as a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

FEWEST_MORNINGS = 3
WITHIN = timedelta(days=14)


@dataclass(frozen=True)
class Baseline:
    """The median of the mornings before the first treatment; it stays the same for the course."""

    value: float
    mornings: int


def baseline(
    values_by_morning: Mapping[date, float],
    treated_on: date,
    *,
    fewest: int = FEWEST_MORNINGS,
    within: timedelta = WITHIN,
) -> Baseline | None:
    """Return the baseline of one item, or None when too few mornings were answered.

    `treated_on` is the local day of the first treatment of the course. Its own morning counts, for it
    comes before the treatment; a rating given after treatment on that day must not be passed in.
    None means that trend rules are off and only absolute thresholds run: say so to the clinician.
    """
    before = [
        value for morning, value in values_by_morning.items() if treated_on - within <= morning <= treated_on
    ]
    return Baseline(float(median(before)), len(before)) if len(before) >= fewest else None
