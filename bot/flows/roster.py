"""Who is to be paged now: the rota's shifts joined with the staff table as it is at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.care.clinic_day import ClinicHours
from bot.care.oncall import TIERS, Turn, on_call
from bot.care.policy import Policy, Who
from bot.content import SiteContent
from bot.content.protocols import WEEKDAYS
from bot.flows.clinic import Clinic
from storage import staff as people
from storage.tables import Shift, Staff

MOMENT = timedelta(microseconds=1)


def turns(shifts: Sequence[Shift]) -> tuple[Turn, ...]:
    return tuple(
        Turn(each.tier, each.staff_id, each.starts_at, each.ends_at, each.override, each.id)
        for each in shifts
    )


def on_call_now(tx: Session, site_id: str, tier: int, now: datetime) -> Staff | None:
    """Return who is on call for a tier, None in a gap or when they left since the rota was written."""
    shifts = turns(people.shifts(tx, site_id, now, now + MOMENT))
    return people.active(tx, on_call(shifts, tier, now))


def reachable(tx: Session, staff: Staff | None) -> bool:
    return staff is not None and bool(people.usable_contacts(tx, staff))


def persons(tx: Session, site_id: str, who: Who, policy: Policy, now: datetime) -> list[Staff]:
    """Return the people a tier means now, only those with a way to be reached."""
    if who is Who.EVERYONE:
        return [each for each in people.at_site(tx, site_id, policy.everyone) if reachable(tx, each)]
    staff = on_call_now(tx, site_id, who.shift_tier or 1, now)
    return [staff] if staff is not None and may_have(staff, policy) and reachable(tx, staff) else []


def may_have(staff: Staff, policy: Policy) -> bool:
    """Whether an alert under this policy is for this member, by the role they have now."""
    return not policy.audience or staff.role in policy.audience


def someone_is_on_call(tx: Session, site_id: str, now: datetime) -> bool:
    """Whether a person is on call and can be reached: decides what a patient may be told."""
    return any(reachable(tx, on_call_now(tx, site_id, tier, now)) for tier in TIERS)


def hours_of(site: SiteContent | None) -> ClinicHours:
    """Return a site's opening hours in the shape that alerts carry."""
    if site is None:
        return ClinicHours("UTC", {})
    hours = {WEEKDAYS.index(day): (each.open, each.close) for day, each in site.hours.items()}
    return ClinicHours(site.zone, hours, frozenset(site.holidays))


def policy_for(clinic: Clinic, site_id: str, level: str, rule_id: str) -> Policy:
    """Return the policy an alert of this level and rule is raised under."""
    policy = clinic.content.policies[level]
    found: Policy = policy.for_site(hours_of(clinic.content.sites.get(site_id))).for_rule(rule_id)
    return found
