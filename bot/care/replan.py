"""What changes when a treatment is moved, added or cancelled after check-ins were planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.care.protocol import PlannedCheckIn


@dataclass(frozen=True)
class Existing:
    """A stored check-in that is planned (not yet sent) or open (sent, window not over)."""

    id: str
    treatment_id: str
    key: str
    due_at: datetime
    closes_at: datetime
    is_open: bool = False


@dataclass(frozen=True)
class Changes:
    """What to write: rows to add, rows to rewrite, windows to shorten, rows that are superseded."""

    add: tuple[PlannedCheckIn, ...]
    rewrite: tuple[tuple[str, PlannedCheckIn], ...]
    shorten: tuple[tuple[str, datetime], ...]
    supersede: tuple[str, ...]


def replan(
    planned: Sequence[PlannedCheckIn],
    existing: Sequence[Existing],
    finished: Sequence[tuple[str, str]],
    now: datetime,
) -> Changes:
    """Return how stored check-ins become `planned`, a course's whole plan as `expand` gives it.

    `finished` are (treatment id, key) of check-ins that are over, in whatever way: they stay as they
    are. What was sent stays sent; an open one ends early when the plan says so, or is superseded when
    the plan no longer has it.
    """
    wanted = {(each.treatment_id, each.key): each for each in planned}
    known = {(each.treatment_id, each.key) for each in existing} | set(finished)
    rewrite, shorten, supersede = [], [], []
    for row in existing:
        plan = wanted.get((row.treatment_id, row.key))
        if plan is None or (row.is_open and plan.closes_at <= now):
            supersede.append(row.id)
        elif not row.is_open:
            rewrite.append((row.id, plan))
        elif plan.closes_at < row.closes_at:
            shorten.append((row.id, plan.closes_at))
    add = tuple(each for key, each in wanted.items() if key not in known)
    return Changes(add, tuple(rewrite), tuple(shorten), tuple(supersede))
