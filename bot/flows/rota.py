"""What is wrong with the weeks ahead: found without being asked, told to the coordinator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.care.oncall import TIERS, gaps, same_person_everywhere, unreachable
from bot.flows import pages, roster
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from storage import marks
from storage import staff as people
from storage.tables import Role

AHEAD = timedelta(days=14)
TOLD_EVERY = timedelta(days=1)
SHOWN = 5
WHO = {1: "first", 2: "backup", 3: "lead"}


@dataclass(frozen=True)
class RotaProblem:
    """One thing wrong. `kind` is "gap", "same_person" or "unreachable"; `tier` 0 when it is about none."""

    kind: str
    tier: int
    text: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class RotaCheck:
    """What was found for one site. `somebody_now` is true when a person on call now can be reached."""

    site_id: str
    somebody_now: bool
    problems: tuple[RotaProblem, ...]

    def lines(self) -> tuple[str, ...]:
        if not self.problems:
            return (
                f"{self.site_id}: somebody who can be reached is on call in every tier for the next 14 days",
            )
        return tuple(f"{self.site_id}: {each.text}" for each in self.problems)

    def as_json(self) -> dict[str, Any]:
        problems = [
            {
                "kind": each.kind, "tier": each.tier, "text": each.text,
                "from": each.starts_at and each.starts_at.isoformat(),
                "to": each.ends_at and each.ends_at.isoformat(),
            }
            for each in self.problems
        ]  # fmt: skip
        return {"site": self.site_id, "somebody_now": self.somebody_now, "problems": problems}


def check(clinic: Clinic, site_id: str, now: datetime, language: str = "en") -> RotaCheck:
    """Return what is wrong with the site's next 14 days: gaps, one person everywhere, nobody's phone."""
    with clinic.db.reading() as tx:
        somebody = roster.someone_is_on_call(tx, site_id, now)
        return RotaCheck(site_id, somebody, problems(Act(clinic, tx, now), site_id, language))


def problems(act: Act, site_id: str, language: str = "en") -> tuple[RotaProblem, ...]:
    """Return what `check` would, inside a transaction."""
    return tuple(_problems(act, site_id, language, AHEAD))


def _problems(act: Act, site_id: str, language: str, ahead: timedelta) -> Iterator[RotaProblem]:
    now, until = act.now, act.now + ahead
    words = act.clinic.content.wording(language)
    zone = ZoneInfo(act.clinic.content.sites[site_id].zone)

    def shown(at: datetime) -> str:
        return at.astimezone(zone).strftime("%a %d %b %H:%M")

    turns = roster.turns(people.shifts(act.tx, site_id, now, until))
    everyone = {each.id: each for each in people.at_site(act.tx, site_id)}
    present = [each for each in turns if each.staff_id in everyone]
    for tier in TIERS:
        who = words.say(f"staff.who.{WHO[tier]}")
        for start, end in gaps(present, tier, now, until):
            text = words.say("staff.rota.gap", who=who, start=shown(start), end=shown(end))
            yield RotaProblem("gap", tier, text, start, end)
    for at, staff_id in same_person_everywhere(present, now, until):
        text = words.say("staff.rota.same_person", name=everyone[staff_id].name, start=shown(at))
        yield RotaProblem("same_person", 0, text, at)
    reachable = [each.id for each in everyone.values() if roster.reachable(act.tx, each)]
    for staff_id in unreachable(present, reachable):
        text = words.say("staff.rota.unreachable", name=everyone[staff_id].name)
        yield RotaProblem("unreachable", 0, text)


def watch(clinic: Clinic, now: datetime) -> int:
    """Once a day tell coordinators and admins of each site what is wrong; return how many problems."""
    return sum(_watch_site(clinic, site_id, now) for site_id in clinic.content.sites)


def _watch_site(clinic: Clinic, site_id: str, now: datetime) -> int:
    name = f"rota-watch:{site_id}"
    with clinic.db.reading() as tx:
        told = marks.mark(tx, name)
        if told is not None and timedelta() <= now - told.at < TOLD_EVERY:
            return 0
    return clinic.db.run(lambda tx: _tell(Act(clinic, tx, now), site_id, name))


def _tell(act: Act, site_id: str, name: str) -> int:
    marks.set_mark(act.tx, name, act.now)
    found = 0
    for staff in people.at_site(act.tx, site_id, (Role.COORDINATOR, Role.ADMIN)):
        wrong = problems(act, site_id, staff.language)
        found = len(wrong)
        if wrong:
            words = act.words(staff)
            lines = [words.say("staff.rota.head"), *(each.text for each in wrong[:SHOWN])]
            if len(wrong) > SHOWN:
                lines.append(words.say("staff.rota.more", count=len(wrong) - SHOWN))
            pages.tell_staff(act, staff, "\n".join(lines))
    if found:
        act.record("system", "rota.problems", f"site:{site_id}", count=found)
    return found


def tell_unreadable(act: Act, site_id: str, label: str, problem: str) -> bool:
    """Tell coordinators and admins, once a day per calendar, that it could not be used as it is.

    False: they have been told today.
    """
    name = f"rota-unreadable:{site_id}:{label}"
    before = marks.mark(act.tx, name)
    if before is not None and timedelta() <= act.now - before.at < TOLD_EVERY:
        return False
    marks.set_mark(act.tx, name, act.now)
    for staff in people.at_site(act.tx, site_id, (Role.COORDINATOR, Role.ADMIN)):
        words = act.words(staff)
        pages.tell_staff(act, staff, words.say("staff.rota.unreadable", name=label, problem=problem))
    return True
