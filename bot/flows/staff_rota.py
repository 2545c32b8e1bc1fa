"""The rota from a chat: who is on call, taking over, and a drill."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.care.oncall import TIERS, on_call
from bot.care.said_time import Unclear, read_time
from bot.flows import drills, handover, pages, roster
from bot.flows.desk import Desk
from storage import alerts
from storage import staff as people
from storage.tables import Role

AHEAD = timedelta(days=14)
LONGEST_OVERRIDE = timedelta(days=3)
MAY_TAKE = (Role.CLINICIAN, Role.LEAD)
TIER_WORDS = {"first": 1, "primera": 1, "backup": 2, "respaldo": 2, "lead": 3, "responsable": 3}
WHO = {1: "first", 2: "backup", 3: "lead"}
TAKE = "take-over"


def show_on_call(desk: Desk, rest: str) -> None:
    """Say who is on call in each tier, until when, and whether they can be reached."""
    del rest
    now = desk.act.now
    turns = roster.turns(people.shifts(desk.act.tx, desk.staff.site_id, now, now + AHEAD))
    lines = []
    for tier in TIERS:
        who = desk.words.say(f"staff.who.{WHO[tier]}")
        staff = people.active(desk.act.tx, on_call(turns, tier, now))
        if staff is None:
            lines.append(desk.words.say("staff.oncall.gap", who=who))
            continue
        until = min((each.ends_at for each in turns if each.covers(now) and each.tier == tier), default=now)
        name = desk.words.say("staff.you") if staff.id == desk.staff.id else staff.name
        key = "staff.oncall.line" if roster.reachable(desk.act.tx, staff) else "staff.oncall.unreachable"
        lines.append(desk.words.say(key, who=who, name=name, until=_when(desk, until)))
    desk.say("\n".join(lines))


def _when(desk: Desk, at: datetime) -> str:
    return at.astimezone(ZoneInfo(desk.staff.zone)).strftime("%a %H:%M")


def take_over(desk: Desk, rest: str) -> None:
    """/take [until] 08:00 [backup]: be on call from now until then. Both sides hear of it."""
    if desk.staff.role not in MAY_TAKE:
        desk.tell("staff.take.not_yours")
        return
    words = rest.lower().split()
    tier = next((TIER_WORDS[each] for each in words if each in TIER_WORDS), 1)
    said = " ".join(each for each in words if each not in TIER_WORDS)
    until = _until(desk, said)
    if until is not None:
        _take(desk, tier, until)


def _until(desk: Desk, said: str) -> datetime | None:
    """Return the end of a take-over; a clock time that has passed today means tomorrow's."""
    now = desk.act.now
    read = read_time(said, now, desk.staff.zone) if said else None
    if read is not None and read.at is not None and read.at <= now:
        read = read_time(f"tomorrow {said}", now, desk.staff.zone)
    if read is None or read.at is None or not now < read.at <= now + LONGEST_OVERRIDE:
        unclear = (
            read.unclear if read is not None and read.unclear in (Unclear.SKIPPED, Unclear.TWICE) else None
        )
        desk.tell(f"staff.take.{unclear or 'how'}", zone=desk.staff.zone)
        return None
    return read.at


def _take(desk: Desk, tier: int, until: datetime) -> None:
    before = roster.on_call_now(desk.act.tx, desk.staff.site_id, tier, desk.act.now)
    people.add_shift(
        desk.act.tx, desk.staff.site_id, tier=tier, staff_id=desk.staff.id, starts_at=desk.act.now,
        ends_at=until, now=desk.act.now, source=TAKE, override=True,
    )  # fmt: skip
    desk.record(
        "rota.taken_over",
        f"site:{desk.staff.site_id}",
        tier=tier,
        until=until,
        before=before.id if before else "",
    )
    handover.note(desk.act, desk.staff.site_id, tier, desk.staff.id)  # both hear of it here, and not again
    waiting = alerts.unresolved(desk.act.tx, desk.staff.site_id)
    who = desk.words.say(f"staff.who.{WHO[tier]}")
    desk.tell("staff.take.done", who=who, until=_when(desk, until), count=len(waiting))
    if before is not None and before.id != desk.staff.id:
        words = desk.act.words(before)
        told = words.say(
            "staff.take.relieved", name=desk.staff.name, who=words.say(f"staff.who.{WHO[tier]}"),
            until=_when(desk, until), count=len(waiting),
        )  # fmt: skip
        pages.tell_staff(desk.act, before, told)


def drill(desk: Desk, rest: str) -> None:
    """/drill: a marked test page to whoever is on call, through every channel they have."""
    del rest
    sent = drills.start(desk.act, desk.staff.site_id, by=desk.actor)
    desk.tell("staff.drill.sent" if sent else "staff.drill.nobody", count=sent)
