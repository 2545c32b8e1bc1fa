"""Outbox to channel: lease, send, record. Alerts have a lane, a budget and slots of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.delivery.job import BULK, TALK, Hooks, LanePlan, Post
from bot.delivery.loop import LaneLoop
from bot.delivery.pace import Budget, PerChat
from storage.tables import Lane

__all__ = ["BULK", "TALK", "Budget", "Delivery", "Hooks", "LanePlan", "PerChat", "Post"]


class Delivery:
    """Every lane, side by side: none waits for another, but that a card lets a page go first."""

    def __init__(self, post: Post, plans: Sequence[LanePlan]) -> None:
        plans = [plan for plan in plans if any(map(plan.serves, post.senders))]
        pages = [LaneLoop(post, plan) for plan in plans if plan.lane == Lane.ALERT]
        others = [LaneLoop(post, plan, before=pages) for plan in plans if plan.lane != Lane.ALERT]
        self._loops = [*pages, *others]

    def wake(self) -> None:
        """Look for something to send now: something was just committed."""
        for each in self._loops:
            each.wake()

    def stop(self) -> None:
        for each in self._loops:
            each.stop()

    async def run(self) -> None:
        await asyncio.gather(*(each.run() for each in self._loops))
