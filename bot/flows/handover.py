"""The change of shift: whoever comes and whoever goes hears what is open."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.care.oncall import TIERS, Turn, on_call
from bot.flows import pages, roster, staff_lists
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from storage import marks
from storage import staff as people
from storage.tables import Staff

WHO = {1: "first", 2: "backup", 3: "lead"}
MOMENT = timedelta(microseconds=1)


def watch(clinic: Clinic, now: datetime) -> int:
    """Tell both people at every change of who is on call; return how many changes there were."""
    return sum(_watch_site(clinic, site_id, now) for site_id in clinic.content.sites)


def _watch_site(clinic: Clinic, site_id: str, now: datetime) -> int:
    """Look first without writing: most seconds of a year nothing changes."""
    with clinic.db.reading() as tx:
        if not _changes(Act(clinic, tx, now), site_id):
            return 0
    return clinic.db.run(lambda tx: _tell_changes(Act(clinic, tx, now), site_id))


def note(act: Act, site_id: str, tier: int, staff_id: str) -> None:
    """Keep who is on call, so that only the next change is told."""
    marks.set_mark(act.tx, _name(site_id, tier), act.now, staff_id)


def _name(site_id: str, tier: int) -> str:
    return f"on-call:{site_id}:{tier}"


def _changes(act: Act, site_id: str) -> list[tuple[int, str | None, str]]:
    """Return tier, who was on call when last looked at (None: never looked), and who is now ("": nobody)."""
    turns = _turns(act, site_id)
    known = {each.name: each.value for each in marks.beginning_with(act.tx, f"on-call:{site_id}:")}
    each_tier = (
        (tier, known.get(_name(site_id, tier)), on_call(turns, tier, act.now) or "") for tier in TIERS
    )
    return [(tier, before, after) for tier, before, after in each_tier if before != after]


def _turns(act: Act, site_id: str) -> tuple[Turn, ...]:
    return roster.turns(people.shifts(act.tx, site_id, act.now, act.now + MOMENT))


def _tell_changes(act: Act, site_id: str) -> int:
    changes = _changes(act, site_id)
    for tier, before, after in changes:
        note(act, site_id, tier, after)
        if before is not None:
            act.record("system", "rota.handed_over", f"site:{site_id}", tier=tier, before=before, after=after)
            _tell_both(act, tier, people.active(act.tx, before), people.active(act.tx, after))
    return len(changes)


def _tell_both(act: Act, tier: int, before: Staff | None, after: Staff | None) -> None:
    if after is not None:
        turns = _turns(act, after.site_id)
        until = min(each.ends_at for each in turns if each.tier == tier and each.staff_id == after.id)
        _tell(act, after, "taken", tier, before, until=_clock(after, until))
    if before is not None:
        _tell(act, before, "given", tier, after)


def _tell(act: Act, staff: Staff, key: str, tier: int, other: Staff | None, **more: str) -> None:
    words = act.words(staff)
    waiting = staff_lists.open_for(act, staff)
    name = other.name if other else words.say("staff.handover.nobody")
    who = words.say(f"staff.who.{WHO[tier]}")
    lines = [words.say(f"staff.handover.{key}", who=who, name=name, count=len(waiting), **more)]
    own = sum(each.claimed_by == staff.id for each in waiting)
    if key == "given" and own:
        lines.append(words.say("staff.handover.yours", count=own))
    pages.tell_staff(act, staff, "\n".join(lines), buttons=staff_lists.card_rows(act, staff, waiting))


def _clock(staff: Staff, at: datetime) -> str:
    return at.astimezone(ZoneInfo(staff.zone)).strftime("%a %H:%M")
