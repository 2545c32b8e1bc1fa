"""What happens to an alert next. Every clock that keeps it alive is in this table.

state     when                                       then
--------  -----------------------------------------  ---------------------------------------------
open      never paged, and its first page is due     page the first tier
open      its tier was paged long enough             climb one tier, never two at once
open      the level above is due (urgent, 2 h)       treat it as that level, same tier, page again
open      otherwise, when due                        page the same tier again, one channel more
open      last tier                                  page it again, without end
open      watch: its review day came                 stays on the list for the next review; no page
claimed   no contact before the lease ran out        open again: claimer and first tier are paged
claimed   contact made, not resolved in time         remind the claimer, again and again
any       the clock was set back                     counted from now; nothing waits for the old time
resolved  -                                          nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.care.clinic_day import ClinicHours
from bot.care.policy import Clock, Policy

CONTACTED = frozenset({"contacted", "handed_over"})
SET_BACK = timedelta(minutes=1)
"""A time so far ahead of now was written before the clock was set back. Less is an ordinary moment: a reply
was handled while a round through the alerts, which reads the time once, was under way."""


@dataclass(frozen=True)
class Standing:
    """Where an alert stands: the columns its clocks depend on."""

    state: str
    tier: int
    raised_at: datetime
    next_action_at: datetime
    tier_since: datetime | None = None
    claimed_at: datetime | None = None
    claim_until: datetime | None = None
    contact: str = ""


class Do(StrEnum):
    WAIT = "wait"
    PAGE = "page"
    CLIMB = "climb"
    RISE = "rise"
    TAKE_BACK = "take_back"
    REMIND = "remind"
    REVIEW = "review"
    REBASE = "rebase"


@dataclass(frozen=True)
class Step:
    """What to do now, and when to look again."""

    do: Do
    next_action_at: datetime
    tier: int = 0
    channels: int = 1


def next_step(alert: Standing, policy: Policy, now: datetime) -> Step:
    """Return what is due for an alert at `now`: one thing, however late we are.

    A clock that jumped forward costs one early climb, not all of them at once, because the next is
    counted from now. One that was set back is noticed by times that lie in the future.
    """
    if alert.state == "claimed":
        return _while_claimed(alert, policy, now)
    if alert.state != "open":
        return Step(Do.WAIT, alert.next_action_at, alert.tier)
    if _clock_went_back(alert, now):
        return page_step(Do.PAGE, max(alert.tier, 1), policy, now, now)
    if now < alert.next_action_at:
        return Step(Do.WAIT, alert.next_action_at, alert.tier)
    if policy.clock is Clock.REVIEW:
        return Step(Do.REVIEW, review_at(policy, now), 0)
    return _while_open(alert, policy, now)


def _while_open(alert: Standing, policy: Policy, now: datetime) -> Step:
    if alert.tier == 0 or alert.tier_since is None:
        return page_step(Do.PAGE, 1, policy, now, now, raised_at=alert.raised_at)
    if policy.becomes and now >= alert.raised_at + timedelta(minutes=policy.becomes_after_minutes):
        return page_step(Do.RISE, alert.tier, policy.becomes, now, now)
    if alert.tier < len(policy.tiers) and _tier_is_over(alert, alert.tier_since, policy, now):
        return page_step(Do.CLIMB, alert.tier + 1, policy, now, now)
    return page_step(Do.PAGE, alert.tier, policy, now, alert.tier_since)


def _tier_is_over(alert: Standing, since: datetime, policy: Policy, now: datetime) -> bool:
    if policy.clock is Clock.CLINIC_HOURS:
        return now >= alert.next_action_at
    return now >= since + timedelta(minutes=policy.tier(alert.tier).minutes)


def _while_claimed(alert: Standing, policy: Policy, now: datetime) -> Step:
    until = alert.claim_until or now
    if alert.claimed_at is not None and alert.claimed_at > now + SET_BACK:
        return Step(Do.REBASE, now + (until - alert.claimed_at), alert.tier)
    if now < until:
        return Step(Do.WAIT, until, alert.tier)
    if alert.contact in CONTACTED:
        return Step(Do.REMIND, now + policy.wrap_up, alert.tier)
    return page_step(Do.TAKE_BACK, 1, policy, now, now)


def _clock_went_back(alert: Standing, now: datetime) -> bool:
    """Pages lie in the past; one that lies in the future was sent before the clock was set back."""
    return alert.tier_since is not None and alert.tier_since > now + SET_BACK


def page_step(
    do: Do, tier: int, policy: Policy, now: datetime, since: datetime, *, raised_at: datetime | None = None
) -> Step:
    """Return the step that pages `tier`, which has been paged since `since`.

    `raised_at` matters when the first page waited for the clinic to open: its deadline did not.
    """
    if policy.clock is Clock.CLINIC_HOURS:
        again = _clinic_deadline(tier, policy, now, raised_at or now)
    else:
        again = _look_again(tier, policy, now, since)
    return Step(do, again, tier, policy.channels(now - since))


def _clinic_deadline(tier: int, policy: Policy, now: datetime, raised_at: datetime) -> datetime:
    hours = _hours(policy)
    due = hours.same_day_deadline(raised_at, timedelta(minutes=policy.before_close_minutes))
    return due if tier == 1 and due > now else hours.noon_of_next_day(now)


def _look_again(tier: int, policy: Policy, now: datetime, since: datetime) -> datetime:
    again = now + policy.repeat(tier)
    if tier >= len(policy.tiers):
        return again
    climbs = since + timedelta(minutes=policy.tier(tier).minutes)
    return min(again, climbs) if climbs > now else again


def first_action_at(policy: Policy, now: datetime) -> datetime:
    """Return when an alert raised `now` is first acted on: at once, when the clinic opens, at the review."""
    if policy.clock is Clock.REVIEW:
        return review_at(policy, now)
    if policy.clock is Clock.CLINIC_HOURS:
        return _hours(policy).next_open(now)
    return now


def review_at(policy: Policy, now: datetime) -> datetime:
    return _hours(policy).after_clinic_days(now, policy.review_clinic_days)


def _hours(policy: Policy) -> ClinicHours:
    return policy.hours or ClinicHours("UTC", {})
