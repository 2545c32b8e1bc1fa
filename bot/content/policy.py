"""Reading `prompts/escalation_policy.toml` into a policy per level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from bot.care.level import Level
from bot.care.policy import Clock, Policy, Tier, Who
from bot.content.source import Document, Problem, checked

_FORBID = {"extra": "forbid"}
ROLES = frozenset({"clinician", "coordinator", "lead", "admin"})


@dataclass(frozen=True)
class _TierEntry:
    __pydantic_config__: ClassVar = _FORBID
    who: Who
    minutes: float = 0


@dataclass(frozen=True)
class _LevelEntry:
    __pydantic_config__: ClassVar = _FORBID
    clock: Clock
    acknowledge_minutes: float
    repeat_minutes: float
    second_channel_minutes: float
    last_tier_repeat_minutes: float
    lease_minutes: float
    wrap_up_minutes: float
    tier: tuple[_TierEntry, ...]
    before_close_minutes: float = 0
    review_clinic_days: int = 0
    becomes: str = ""
    becomes_after_minutes: float = 0


@dataclass(frozen=True)
class _RouteEntry:
    __pydantic_config__: ClassVar = _FORBID
    rules: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(frozen=True)
class _SharedEntry:
    __pydantic_config__: ClassVar = _FORBID
    everyone: tuple[str, ...]
    question_minutes: float
    join_minutes: float
    route: tuple[_RouteEntry, ...] = ()


def load_policy(document: Document | None, problems: list[Problem]) -> Mapping[str, Policy]:
    """Return the policy of every level by its key; what is wrong is added to `problems`.

    A level without a policy would be an alert nobody hears of, so it is a problem, never a default.
    """
    if document is None:
        if not any(problem.file == "escalation_policy.toml" for problem in problems):
            problems.append(Problem("escalation_policy.toml", "is missing; no alert could be paged"))
        return {}
    data = dict(document.data)
    data.pop("status", "")
    shared = checked(_SharedEntry, data.pop("shared", {}), document, ("shared",), problems)
    entries = {key: _entry(key, data.pop(key, None), document, problems) for key in _level_keys()}
    problems.extend(document.problem(f'"{key}" is no level; the levels are {", ".join(_level_keys())}', key)
                    for key in data)  # fmt: skip
    if shared is None or any(entry is None for entry in entries.values()):
        return {}
    known = {key: entry for key, entry in entries.items() if entry is not None}
    problems.extend(document.problem(what, key) for key, what in _problems_of(known, shared))
    return _policies(known, shared)


def _level_keys() -> tuple[str, ...]:
    return tuple(level.key for level in sorted(Level, reverse=True))


def _entry(key: str, data: Any, document: Document, problems: list[Problem]) -> _LevelEntry | None:
    if data is None:
        problems.append(document.problem(f"level [{key}] is missing; its alerts would have no policy"))
        return None
    return checked(_LevelEntry, data, document, (key,), problems)


def _problems_of(entries: Mapping[str, _LevelEntry], shared: _SharedEntry) -> Iterable[tuple[str, str]]:
    for key, entry in entries.items():
        for name in ("repeat_minutes", "last_tier_repeat_minutes", "lease_minutes", "wrap_up_minutes"):
            if getattr(entry, name) <= 0:
                yield key, f"[{key}] {name} is {getattr(entry, name):g}; it must be more than 0"
        if entry.clock is not Clock.REVIEW and not entry.tier:
            yield key, f"[{key}] has no tier, so nobody would be paged"
        if entry.clock is Clock.ALWAYS and any(each.minutes <= 0 for each in entry.tier[:-1]):
            yield key, f"[{key}] every tier but the last needs minutes above 0"
        if entry.becomes and entry.becomes not in entries:
            yield "becomes", f'[{key}] becomes "{entry.becomes}", which is no level'
        elif entry.becomes and Level.from_key(entry.becomes) <= Level.from_key(key):
            yield "becomes", f'[{key}] becomes "{entry.becomes}", which is not more urgent'
    emergency = entries["emergency"]
    if (
        emergency.clock is not Clock.ALWAYS
        or not emergency.tier
        or emergency.tier[-1].who is not Who.EVERYONE
    ):
        yield "emergency", "[emergency] must run always and end with everyone, or it could stop unheard"
    for route in shared.route:
        yield from _unknown_roles(route.to)
    yield from _unknown_roles(shared.everyone)


def _unknown_roles(roles: Iterable[str]) -> Iterable[tuple[str, str]]:
    for role in sorted(set(roles) - ROLES):
        yield role, f'"{role}" is no role; the roles are {", ".join(sorted(ROLES))}'


def _policies(entries: Mapping[str, _LevelEntry], shared: _SharedEntry) -> Mapping[str, Policy]:
    routes = tuple((rule, route.to) for route in shared.route for rule in route.rules)
    policies: dict[str, Policy] = {}
    for key in _level_keys():  # most urgent first, so that what a level becomes is already there
        entry = entries[key]
        policy = Policy(
            level=Level.from_key(key),
            tiers=tuple(Tier(each.who, each.minutes) for each in entry.tier),
            clock=entry.clock,
            repeat_minutes=entry.repeat_minutes,
            last_tier_repeat_minutes=entry.last_tier_repeat_minutes,
            second_channel_minutes=entry.second_channel_minutes,
            lease_minutes=entry.lease_minutes,
            wrap_up_minutes=entry.wrap_up_minutes,
            question_minutes=shared.question_minutes,
            join_minutes=shared.join_minutes,
            acknowledge_minutes=entry.acknowledge_minutes,
            before_close_minutes=entry.before_close_minutes,
            review_clinic_days=entry.review_clinic_days,
            becomes_after_minutes=entry.becomes_after_minutes,
            everyone=shared.everyone,
            routes=routes,
        )
        policies[key] = replace(policy, becomes=policies.get(entry.becomes))
    return policies
