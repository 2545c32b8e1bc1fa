"""Every clock of an alert, on both sides of each boundary."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.alert import Do, Standing, Step, first_action_at, next_step
from bot.care.clinic_day import ClinicHours
from bot.care.policy import Policy
from bot.content import load_content

POLICIES = load_content().policies
RAISED = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Chicago
HOURS = ClinicHours(
    "America/Chicago", {day: (time(8), time(17)) for day in range(5)}, frozenset({date(2026, 3, 4)})
)
EMERGENCY, URGENT, SAME_DAY, WATCH = (
    POLICIES[level].for_site(HOURS) for level in ("emergency", "urgent", "same_day", "watch")
)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def opened(tier: int, since: float, due: float) -> Standing:
    """An open alert in `tier` since and due at so many minutes after it was raised."""
    return Standing("open", tier, RAISED, RAISED + minutes(due), RAISED + minutes(since))


def after(number: float) -> datetime:
    return RAISED + minutes(number)


@pytest.mark.parametrize(
    ("alert", "at", "do", "tier", "again"),
    [
        pytest.param(opened(1, 0, 2), 1.99, Do.WAIT, 1, 2, id="not yet two minutes"),
        pytest.param(opened(1, 0, 2), 2, Do.PAGE, 1, 4, id="the same person again"),
        pytest.param(
            opened(1, 0, 4), 4, Do.PAGE, 1, 5, id="next look when the tier is over, not a minute late"
        ),
        pytest.param(opened(1, 0, 5), 5, Do.CLIMB, 2, 7, id="the backup at five"),
        pytest.param(opened(2, 5, 10), 10, Do.CLIMB, 3, 12, id="the lead at ten"),
        pytest.param(opened(3, 10, 15), 15, Do.CLIMB, 4, 20, id="everyone at fifteen"),
        pytest.param(opened(4, 15, 20), 20, Do.PAGE, 4, 25, id="and again every five"),
        pytest.param(opened(4, 15, 5000), 5000, Do.PAGE, 4, 5005, id="without end"),
        pytest.param(opened(1, 0, 2), 600, Do.CLIMB, 2, 602, id="ten hours late: one tier, not all of them"),
    ],
)
def test_an_emergency_climbs(alert: Standing, at: float, do: Do, tier: int, again: float) -> None:
    step = next_step(alert, EMERGENCY, after(at))
    assert (step.do, step.tier, step.next_action_at) == (do, tier, after(again))


@pytest.mark.parametrize(("since", "channels"), [(0, 1), (1.99, 1), (2, 2), (4, 3)])
def test_every_two_minutes_one_channel_more(since: float, channels: int) -> None:
    assert EMERGENCY.channels(minutes(since)) == channels


@pytest.mark.parametrize(
    ("alert", "at", "do", "tier"),
    [
        pytest.param(opened(1, 0, 10), 10, Do.PAGE, 1, id="reminded after ten"),
        pytest.param(opened(1, 0, 30), 30, Do.CLIMB, 2, id="the backup at thirty"),
        pytest.param(opened(2, 30, 60), 60, Do.CLIMB, 3, id="the lead at sixty"),
        pytest.param(opened(3, 60, 110), 119, Do.PAGE, 3, id="a minute before two hours"),
        pytest.param(opened(3, 60, 120), 120, Do.RISE, 3, id="two hours: treated as an emergency"),
    ],
)
def test_an_urgent_alert_climbs_more_slowly(alert: Standing, at: float, do: Do, tier: int) -> None:
    step = next_step(alert, URGENT, after(at))
    assert (step.do, step.tier) == (do, tier)


def test_one_climb_per_look_even_when_it_becomes_an_emergency() -> None:
    step = next_step(opened(1, 0, 10), URGENT, after(300))
    assert (step.do, step.tier) == (Do.RISE, 1)


CHICAGO_CLOSE = datetime(2026, 3, 3, 23, 0, tzinfo=UTC)
NOON_AFTER_HOLIDAY = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raised", "first", "due"),
    [
        pytest.param(RAISED, RAISED, CHICAGO_CLOSE, id="open: at once, by close"),
        pytest.param(
            CHICAGO_CLOSE - minutes(121), CHICAGO_CLOSE - minutes(121), CHICAGO_CLOSE, id="two hours left"
        ),
        pytest.param(
            CHICAGO_CLOSE - minutes(120),
            CHICAGO_CLOSE - minutes(120),
            NOON_AFTER_HOLIDAY,
            id="the last two hours",
        ),
        pytest.param(
            CHICAGO_CLOSE,
            datetime(2026, 3, 5, 14, tzinfo=UTC),
            NOON_AFTER_HOLIDAY,
            id="closed, then a holiday",
        ),
    ],
)
def test_same_day_waits_for_the_clinic_but_its_deadline_does_not(
    raised: datetime, first: datetime, due: datetime
) -> None:
    assert first_action_at(SAME_DAY, raised) == first
    step = next_step(Standing("open", 0, raised, first), SAME_DAY, first)
    assert (step.do, step.tier, step.next_action_at) == (Do.PAGE, 1, due)
    later = next_step(Standing("open", 1, raised, due, tier_since=first), SAME_DAY, due)
    assert (later.do, later.tier) == (Do.CLIMB, 2)
    assert later.next_action_at > due


def test_watch_is_reviewed_and_never_pages() -> None:
    review = first_action_at(WATCH, RAISED)
    assert review == datetime(2026, 3, 9, 17, 0, tzinfo=UTC), (
        "the third clinic day, noon; daylight saving between"
    )
    step = next_step(Standing("open", 0, RAISED, review), WATCH, review)
    assert step.do is Do.REVIEW and step.next_action_at > review


def claimed(until: float, contact: str = "") -> Standing:
    return Standing(
        "claimed",
        2,
        RAISED,
        after(until),
        after(5),
        claimed_at=RAISED,
        claim_until=after(until),
        contact=contact,
    )


@pytest.mark.parametrize(
    ("alert", "at", "do"),
    [
        pytest.param(claimed(15), 14.99, Do.WAIT, id="the claim holds"),
        pytest.param(claimed(15), 15, Do.TAKE_BACK, id="no contact in time"),
        pytest.param(claimed(15, "no_answer"), 15, Do.TAKE_BACK, id="tried, and not reached in time"),
        pytest.param(claimed(240, "contacted"), 240, Do.REMIND, id="reached, but not closed: asked about"),
        pytest.param(replace(claimed(15), state="resolved"), 9999, Do.WAIT, id="closed is closed"),
    ],
)
def test_a_claim_is_a_lease(alert: Standing, at: float, do: Do) -> None:
    assert next_step(alert, EMERGENCY, after(at)).do is do


def test_a_claim_taken_back_starts_at_the_first_tier() -> None:
    assert next_step(claimed(15), EMERGENCY, after(15)).tier == 1


def test_a_page_of_a_moment_ahead_is_no_clock_set_back() -> None:
    """A round through the alerts reads the time once; a reply may be paged about while it is under way."""
    assert next_step(opened(1, 0.5, 2.5), EMERGENCY, RAISED).do is Do.WAIT
    claimed = Standing("claimed", 1, RAISED, after(15), RAISED, after(0.5), after(15))
    assert next_step(claimed, EMERGENCY, RAISED).do is Do.WAIT


def test_a_clock_set_back_is_noticed_and_counted_from_now() -> None:
    step = next_step(opened(2, 5, 7), EMERGENCY, after(-120))
    assert step.do is Do.PAGE and step.next_action_at <= after(-115)
    held = next_step(claimed(15), EMERGENCY, after(-120))
    assert (held.do, held.next_action_at) == (Do.REBASE, after(-105))


@given(
    jumps=st.lists(st.floats(min_value=-600, max_value=600), min_size=1, max_size=60),
    level=st.sampled_from(["emergency", "urgent"]),
)
def test_whatever_the_clock_does_an_open_alert_never_stops_and_never_skips_a_tier(
    jumps: list[float], level: str
) -> None:
    policy: Policy = POLICIES[level].for_site(HOURS)
    now, alert = RAISED, Standing("open", 0, RAISED, RAISED)
    for jump in jumps:
        now += minutes(jump)
        step = next_step(alert, policy, now)
        assert step.do in (Do.WAIT, Do.PAGE, Do.CLIMB, Do.RISE)
        if step.do is not Do.WAIT:
            assert alert.tier <= step.tier <= alert.tier + 1
            assert now < step.next_action_at <= now + minutes(30), "the next look is never far away"
            policy = policy.becomes if step.do is Do.RISE and policy.becomes else policy
            alert = moved(alert, step, now)
        else:
            assert alert.next_action_at > now


def moved(alert: Standing, step: Step, now: datetime) -> Standing:
    fresh = (
        alert.tier != step.tier or step.do is Do.RISE or alert.tier_since is None or alert.tier_since > now
    )
    since = now if fresh else alert.tier_since
    return replace(alert, tier=step.tier, tier_since=since, next_action_at=step.next_action_at)


@pytest.mark.parametrize("level", ["emergency", "urgent", "same_day", "watch"])
def test_a_policy_comes_out_of_an_alert_as_it_went_in(level: str) -> None:
    policy = POLICIES[level].for_site(HOURS)
    kept = Policy.thawed(json.loads(json.dumps(policy.frozen())))
    assert replace(kept, becomes=None) == replace(policy, routes=(), becomes=None)
    assert (kept.becomes is None) == (policy.becomes is None)
