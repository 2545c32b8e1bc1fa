"""The lanes of this installation: pages in chats and outside, talk, and what nobody is waiting for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.delivery import BULK, TALK, Budget, LanePlan, PerChat
from bot.threads import InThread
from storage.tables import Lane

ALERTS_PER_SECOND = 30.0
OUTSIDE = "apprise"  # the outbox channel of all that is no chat
BULK_SHARE = 0.8
"""Of the routine rate: the rest is kept for people who are typing at this moment."""


def lane_plans(per_second: float, threads: Callable[[str], InThread]) -> list[LanePlan]:
    """Return how each lane goes about its work; `per_second` is the rate of all that is no page.

    Pages by e-mail, SMS and voice go beside those in chats: they are there for when the chats hang.
    No lane holds more than eight sends in flight: beyond that they only slow each other down.
    """
    alert = LanePlan(
        "alert",
        Lane.ALERT,
        threads("alert"),
        serves=lambda channel: channel != OUTSIDE,
        slots=8,
        budget=Budget(ALERTS_PER_SECOND, ALERTS_PER_SECOND),
        longest_wait=timedelta(seconds=15),
    )
    outside = LanePlan(
        "outside",
        Lane.ALERT,
        threads("alert-outside"),
        serves=lambda channel: channel == OUTSIDE,
        slots=8,
        budget=Budget(ALERTS_PER_SECOND, ALERTS_PER_SECOND),
        longest_wait=timedelta(seconds=15),
    )
    talk = LanePlan(
        "talk",
        Lane.ROUTINE,
        threads("talk"),
        kinds=TALK,
        slots=8,
        budget=Budget(per_second, per_second),
        per_chat=PerChat(burst=10),
    )
    bulk = LanePlan(
        "bulk",
        Lane.ROUTINE,
        threads("bulk"),
        kinds=BULK,
        slots=4,
        budget=Budget(BULK_SHARE * per_second, 5),
        per_chat=PerChat(),
        rests=True,
    )
    return [alert, outside, talk, bulk]
