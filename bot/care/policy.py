"""The escalation policy: who is paged, how often, and how long a claim lasts, per level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bot.care.clinic_day import ClinicHours
from bot.care.level import Level


class Who(StrEnum):
    """Whom a tier pages. The first three are the shift tiers 1, 2 and 3."""

    FIRST = "first"
    BACKUP = "backup"
    LEAD = "lead"
    EVERYONE = "everyone"

    @property
    def shift_tier(self) -> int | None:
        """The tier of shifts that says who it is; None for everyone."""
        order = (Who.FIRST, Who.BACKUP, Who.LEAD)
        return order.index(self) + 1 if self in order else None


class Clock(StrEnum):
    """When a level's clocks run."""

    ALWAYS = "always"
    CLINIC_HOURS = "clinic_hours"
    REVIEW = "review"  # no page at all; a list to read through


@dataclass(frozen=True)
class Tier:
    """Who is paged, and for how long before the next tier is. The last tier goes on without end."""

    who: Who
    minutes: float = 0


@dataclass(frozen=True)
class Policy:
    """What happens to an alert of one level. Frozen into the alert when it is raised.

    `becomes` is the policy of the level it is treated as once it was open for `becomes_after`.
    `audience` limits who may see and claim it, by role; empty means anyone on the site.
    """

    level: Level
    tiers: tuple[Tier, ...]
    clock: Clock
    repeat_minutes: float
    last_tier_repeat_minutes: float
    second_channel_minutes: float
    lease_minutes: float
    wrap_up_minutes: float
    question_minutes: float
    join_minutes: float
    acknowledge_minutes: float
    before_close_minutes: float = 0
    review_clinic_days: int = 0
    becomes: Policy | None = None
    becomes_after_minutes: float = 0
    everyone: tuple[str, ...] = ("clinician", "coordinator", "lead", "admin")
    routes: tuple[tuple[str, tuple[str, ...]], ...] = ()  # rule -> the only roles that may see it
    audience: tuple[str, ...] = ()
    hours: ClinicHours | None = None

    @property
    def lease(self) -> timedelta:
        return timedelta(minutes=self.lease_minutes)

    @property
    def wrap_up(self) -> timedelta:
        return timedelta(minutes=self.wrap_up_minutes)

    @property
    def pages(self) -> bool:
        return self.clock is not Clock.REVIEW

    def tier(self, number: int) -> Tier:
        """Return tier `number`, counted from 1; past the end it is the last."""
        return self.tiers[min(max(number, 1), len(self.tiers)) - 1]

    def repeat(self, number: int) -> timedelta:
        last = number >= len(self.tiers)
        return timedelta(minutes=self.last_tier_repeat_minutes if last else self.repeat_minutes)

    def channels(self, paged_for: timedelta) -> int:
        """Return how many of a person's channels are used once they have been paged so long."""
        if self.second_channel_minutes <= 0:
            return 99
        return 1 + int(paged_for / timedelta(minutes=self.second_channel_minutes))

    def for_site(self, hours: ClinicHours) -> Policy:
        """Return the policy with a site's own opening hours, also for what it becomes."""
        return replace(self, hours=hours, becomes=self.becomes and self.becomes.for_site(hours))

    def for_rule(self, rule_id: str) -> Policy:
        """Return the policy for an alert of this rule, which may be for some roles' eyes only."""
        audience = dict(self.routes).get(rule_id, ())
        if not audience:
            return self
        return self.only_for(audience)

    def only_for(self, audience: tuple[str, ...]) -> Policy:
        """Return the policy narrowed to some roles: everyone of them is paged, from the start."""
        return replace(
            self,
            audience=audience,
            everyone=audience,
            tiers=(Tier(Who.EVERYONE),) if self.tiers else (),
            becomes=self.becomes and self.becomes.only_for(audience),
        )

    def frozen(self) -> dict[str, Any]:
        """Return this as JSON keeps it inside an alert."""
        plain = asdict(replace(self, becomes=None, hours=None, routes=()))
        plain["level"] = self.level.key
        plain["hours"] = self.hours.frozen() if self.hours else None
        plain["becomes"] = self.becomes.frozen() if self.becomes else None
        return plain

    @classmethod
    def thawed(cls, data: Mapping[str, Any]) -> Policy:
        """Return the policy an alert carries."""
        known = dict(data)
        known["level"] = Level.from_key(data["level"])
        known["tiers"] = tuple(Tier(Who(each["who"]), each["minutes"]) for each in data["tiers"])
        known["clock"] = Clock(data["clock"])
        known["everyone"] = tuple(data["everyone"])
        known["audience"] = tuple(data["audience"])
        known["routes"] = ()
        known["hours"] = ClinicHours.thawed(data["hours"]) if data["hours"] else None
        known["becomes"] = cls.thawed(data["becomes"]) if data["becomes"] else None
        return cls(**known)
