"""Rules and escalation clocks in sentences, worked out from what is checked and not from what is said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bot.care.condition import ANY, Condition
from bot.care.escalation import Rule
from bot.care.instrument import GRADES
from bot.care.policy import Clock, Policy, Who

PEOPLE = {
    Who.FIRST: "the first on call",
    Who.BACKUP: "the backup",
    Who.LEAD: "the lead",
    Who.EVERYONE: "everyone",
}


def rule_lines(rule: Rule, names: Mapping[str, str], graded: Collection[str]) -> Iterator[str]:
    """Yield a rule: its sentence, then every way it fires with the very numbers that are compared.

    `names` are the items in words; `graded` are those whose numbers are grades.
    """
    told = f"; the patient is told {rule.told}" if rule.told else ""
    yield f"{rule.id} ({rule.level.key}{told}). {rule.says}"
    ways = [("", each) for each in rule.when]
    ways += [(f"{raised.level.key} ", each) for raised in rule.raised for each in raised.when]
    for level, alternative in ways:
        yield f"    {level}when {' and '.join(condition_words(each, names, graded) for each in alternative)}"


def condition_words(condition: Condition, names: Mapping[str, str], graded: Collection[str]) -> str:
    """Return one condition in words, with its limits, how often, and when."""
    limits = list(_limits(condition, condition.item in graded))
    parts = [_subject(condition, names), " and ".join(limits), *_how_often(condition), *_timing(condition)]
    return " ".join(part for part in parts if part)


def _subject(condition: Condition, names: Mapping[str, str]) -> str:
    if condition.silent_days:
        return f"nothing is heard for {condition.silent_days:g} days"
    if condition.missed_running:
        return f"{condition.missed_running} check-ins running are unanswered"
    if condition.missed:
        kinds = [f"a {kind} check-in" if kind != ANY else "a check-in" for kind in condition.missed]
        return f"{' and then '.join(kinds)} goes unanswered"
    if condition.found:
        return f"one of {', '.join(condition.found)} was found"
    if condition.score:
        return f"the {condition.score} total"
    return f'"{names.get(condition.item, condition.item)}"'


def _limits(condition: Condition, graded: bool) -> Iterator[str]:
    """Yield the limits of a condition; those of a grade with its word."""
    pressure = [(condition.systolic_at_least, "systolic"), (condition.diastolic_at_least, "diastolic")]
    given = [f"{name} {limit:g} or more" for limit, name in pressure if limit is not None]
    if given:
        yield f"is {' or '.join(given)}"
    if condition.systolic_below is not None:
        yield f"is systolic below {condition.systolic_below:g}"
    low, high = condition.at_least, condition.at_most
    if low is not None and low == high:
        yield f"is {_value(low, graded)}"
    elif low is not None and high is not None:
        yield f"is {_value(low, graded)} to {_value(high, graded)}"
    elif low is not None:
        worst = graded and low == len(GRADES) - 1
        yield f"is {_value(low, graded)}" + ("" if worst else " or more")
    elif high is not None:
        yield f"is {_value(high, graded)} or less"
    if condition.any_of:
        yield f"is {' or '.join(condition.any_of)}"
    yield from _movements(condition)


def _movements(condition: Condition) -> Iterator[str]:
    if condition.above_baseline is not None:
        yield f"is {condition.above_baseline:g} or more above the baseline"
    if condition.up is not None:
        below = f" but less than {condition.up_less_than:g}" if condition.up_less_than is not None else ""
        yield f"has risen by {condition.up:g} or more{below}"
    if condition.had_fallen is not None:
        lost = ", and half of that was lost on two checks" if condition.lost_half else ""
        yield f"had fallen by {condition.had_fallen:g} or more{lost}"


def _value(value: float, graded: bool) -> str:
    return GRADES[int(value)] if graded and value in range(len(GRADES)) else f"{value:g}"


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
