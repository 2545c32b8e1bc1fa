"""How fast alerts were heard of, taken and closed, per level and week: medians in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.policy import Policy
from storage.tables import Alert

LEVELS = ("emergency", "urgent", "same_day", "watch")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class LevelFigures:
    """One level's alerts raised in a span of time. Times are medians in minutes from the reply, or from
    when it was raised where no reply brought it; None where nothing got so far.

    `unacknowledged` counts alerts not claimed within the policy's time, claimed late or still open.
    """

    level: str
    count: int
    to_page: float | None
    to_seen: float | None
    to_claim: float | None
    to_contact: float | None
    to_resolve: float | None
    unacknowledged: int
    false_alarms: int


def between(tx: Session, site_id: str | None, start: datetime, end: datetime) -> tuple[LevelFigures, ...]:
    """Return the figures of alerts raised from `start` up to `end`, most urgent level first.

    `site_id` None takes all sites. Levels without an alert are left out.
    """
    wanted = select(Alert).where(col(Alert.raised_at) >= start, col(Alert.raised_at) < end)
    if site_id is not None:
        wanted = wanted.where(col(Alert.site_id) == site_id)
    raised = tx.scalars(wanted).all()
    groups = ((level, [each for each in raised if each.level == level]) for level in LEVELS)
    return tuple(_figures(level, group, end) for level, group in groups if group)


def _figures(level: str, raised: Sequence[Alert], now: datetime) -> LevelFigures:
    return LevelFigures(
        level=level,
        count=len(raised),
        to_page=_median(raised, "paged_at"),
        to_seen=_median(raised, "seen_at"),
        to_claim=_median(raised, "claimed_at"),
        to_contact=_median(raised, "contacted_at"),
        to_resolve=_median(raised, "resolved_at"),
        unacknowledged=sum(_late(each, now) for each in raised),
        false_alarms=sum(each.false_alarm for each in raised),
    )


def _median(raised: Sequence[Alert], column: str) -> float | None:
    spans = [
        (reached - (each.replied_at or each.raised_at)) / MINUTE
        for each in raised
        if (reached := getattr(each, column)) is not None
    ]
    return median(spans) if spans else None


def _late(alert: Alert, now: datetime) -> bool:
    limit = timedelta(minutes=Policy.thawed(alert.policy).acknowledge_minutes)
    return (alert.claimed_at or now) - alert.raised_at > limit
