"""Rules and escalation clocks in sentences, worked out from what is checked and not from what is said."""

from __future__ import annotations

from collections.abc import Iterator

from bot.care.condition import Condition
from bot.care.escalation import Rule
from bot.care.policy import Clock, Policy, Who

PEOPLE = {
    Who.FIRST: "the first on call",
    Who.BACKUP: "the backup",
    Who.LEAD: "the lead",
    Who.EVERYONE: "everyone",
}


def rule_lines(rule: Rule) -> Iterator[str]:
    """Yield a rule: its sentence, then every way it fires with the very numbers that are compared."""
    told = f"; the patient is told {rule.told}" if rule.told else ""
    yield f"{rule.id} ({rule.level.key}{told}). {rule.says}"
    for alternative in rule.when:
        yield f"    when {' and '.join(condition_words(each) for each in alternative)}"
    for raised in rule.raised:
        for alternative in raised.when:
            yield f"    {raised.level.key} when {' and '.join(condition_words(each) for each in alternative)}"


def condition_words(condition: Condition) -> str:
    """Return one condition in words, with its limits, how often, and when."""
    parts = [_subject(condition), *_limits(condition), *_how_often(condition), *_timing(condition)]
    return " ".join(part for part in parts if part)


def _subject(condition: Condition) -> str:
    if condition.silent_days:
        return f"nothing is heard for {condition.silent_days:g} days"
    if condition.missed_running:
        return f"{condition.missed_running} check-ins running are unanswered"
    if condition.missed:
        return f"{' and then '.join(condition.missed)} goes unanswered"
    if condition.found:
        return f"one of {', '.join(condition.found)} was found"
    if condition.score:
        return f"the score of {condition.score}"
    return condition.item


def _limits(condition: Condition) -> Iterator[str]:
    numbers = (
        ("is at least", condition.at_least),
        ("is at most", condition.at_most),
        ("is systolic at least", condition.systolic_at_least),
        ("or diastolic at least", condition.diastolic_at_least),
        ("is systolic below", condition.systolic_below),
        ("is above the baseline by at least", condition.above_baseline),
        ("has risen by at least", condition.up),
        ("and by less than", condition.up_less_than),
        ("had fallen by at least", condition.had_fallen),
    )
    for words, limit in numbers:
        if limit is not None:
            yield f"{words} {limit:g}"
    if condition.any_of:
        yield f"is {' or '.join(condition.any_of)}"
    if condition.lost_half:
        yield "and lost half of that again on two checks"


def _how_often(condition: Condition) -> Iterator[str]:
    if condition.out_of:
        yield f"in {condition.running} of the last {condition.out_of} answers"
    elif condition.running > 1:
        yield f"in {condition.running} answers running"
    if condition.spanning_days:
        yield f"over at least {condition.spanning_days} days"


def _timing(condition: Condition) -> Iterator[str]:
    if condition.within_hours:
        yield f"within the last {condition.within_hours:g} h"
    for words, hours in (("from", condition.from_hours), ("until", condition.until_hours)):
        if hours is not None:
            yield f"{words} {hours:g} h after the treatment"
    for words, night in (("from", condition.from_night), ("until", condition.until_night)):
        if night is not None:
            yield f"{words} night {night} after the treatment"
    if condition.at_home is not None:
        yield "after a home dose" if condition.at_home else "after a dose at the clinic"


def policy_line(policy: Policy) -> str:
    """Return the clocks of one level in a sentence."""
    if policy.clock is Clock.REVIEW:
        return f"{policy.level.key}: nobody is paged; read within {policy.review_clinic_days} clinic days."
    begins = "at any hour" if policy.clock is Clock.ALWAYS else "in clinic hours"
    tiers = [
        f"{PEOPLE[tier.who]}" + (f" for {tier.minutes:g} min" if tier.minutes else "")
        for tier in policy.tiers
    ]
    becomes = (
        f" After {policy.becomes_after_minutes:g} min it is handled as {policy.becomes.level.key}."
        if policy.becomes
        else ""
    )
    clauses = (
        f"{begins}, {', then '.join(tiers)}",
        f"the same person again every {policy.repeat_minutes:g} min",
        f"the last every {policy.last_tier_repeat_minutes:g} min without end",
        f"acknowledged within {policy.acknowledge_minutes:g} min",
        f"a claim holds {policy.lease_minutes:g} min",
    )
    return f"{policy.level.key}: {'; '.join(clauses)}.{becomes}"
