"""The calendar a patient will live through, printed for the people who decide on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.care.protocol import Dose, PlannedCheckIn, Protocol, QuietHours
from bot.care.questions import Course, questions, questions_per_week, typical_course
from bot.care.schedule import instant
from bot.content import Content

MINUTE = "%H:%M"


def show(
    name: str,
    treated: datetime,
    zone: ZoneInfo,
    content: Content,
    quiet: QuietHours | None = None,
    raised_on: Collection[int] = (),
) -> str:
    """Return every check-in of a protocol at local times, week by week, with the questions of each.

    `treated` is the local time, without a zone, at which the first treatment ended; `raised_on` are the
    days after it on which the dose is raised.

    Raises:
        KeyError: there is no such protocol; the message lists those there are.
    """
    protocol, course, treated_at = _lived(name, treated, zone, content, quiet, raised_on)
    heading = _heading(protocol, treated_at, zone, quiet or QuietHours())
    return "\n".join([*heading, *_weeks(protocol, course, zone)])


def as_json(
    name: str,
    treated: datetime,
    zone: ZoneInfo,
    content: Content,
    quiet: QuietHours | None = None,
    raised_on: Collection[int] = (),
) -> dict[str, Any]:
    """Return what `show` prints, for scripts: times are local, with their offset from UTC."""
    protocol, course, _ = _lived(name, treated, zone, content, quiet, raised_on)

    def local(at: datetime) -> str:
        return at.astimezone(zone).isoformat()

    return {
        "protocol": protocol.id,
        "approved_by": protocol.approved_by,
        "zone": zone.key,
        "treatments": [{"ended_at": local(each.ended_at), "raised": each.increased} for each in course.doses],
        "questions_per_week": {
            str(week): asked for week, asked in questions_per_week(protocol, course).items()
        },
        "check_ins": [
            {
                "kind": each.kind,
                "week": course.week_of[each.due_at],
                "due_at": local(each.due_at),
                "closes_at": local(each.closes_at),
                "reminders": [local(at) for at in each.reminders],
                "questions": 0 if each.reason else questions(each, protocol),
                "not_sent": each.reason,
            }
            for each in sorted(course.planned, key=lambda each: each.due_at)
        ],
    }


def _lived(
    name: str,
    treated: datetime,
    zone: ZoneInfo,
    content: Content,
    quiet: QuietHours | None,
    raised_on: Collection[int],
) -> tuple[Protocol, Course, datetime]:
    if name not in content.protocols:
        raise KeyError(f"there is no protocol {name!r}; there are {', '.join(sorted(content.protocols))}")
    protocol = content.protocols[name]
    treated_at = instant(treated.date(), treated.time(), zone)
    return protocol, typical_course(protocol, treated_at, zone, quiet or QuietHours(), raised_on), treated_at


def _heading(protocol: Protocol, treated_at: datetime, zone: ZoneInfo, quiet: QuietHours) -> Iterator[str]:
    state = f"approved by {protocol.approved_by}" if protocol.approved_by else "draft, approved by nobody yet"
    yield f"{protocol.name} ({protocol.id}); {state}"
    yield f"First treatment ends {treated_at.astimezone(zone):%a %d %b %Y %H:%M} in {zone.key}."
    if len(protocol.typical_days) > 1:
        days = [f"{day}" for day in protocol.typical_days]
        shown = ", ".join(days[:12]) + (", ..." if len(days) > 12 else "")
        yield f"{len(days)} treatments as they usually fall, on days {shown} after the first."
    yield f"Quiet {quiet.start:%H:%M} to {quiet.end:%H:%M}: no reminder then, and check-ins move out of it."


def _weeks(protocol: Protocol, course: Course, zone: ZoneInfo) -> Iterator[str]:
    per_week = questions_per_week(protocol, course)
    for week, asked in per_week.items():
        yield ""
        yield f"{f'Week {week}' if week else 'Before the first treatment'}: {asked} questions"
        rows = [(each.due_at, _row(each, protocol, zone)) for each in course.planned]
        rows += [(dose.ended_at, _treatment_row(dose, protocol, zone)) for dose in course.doses]
        yield from (text for at, text in sorted(rows) if course.week_of[at] == week)


def _treatment_row(dose: Dose, protocol: Protocol, zone: ZoneInfo) -> str:
    before = protocol.kinds.get(protocol.before_dose)
    asked = f"; before it, when the patient starts them, {before.questions} questions" if before else ""
    raised = ", a higher dose than before" if dose.increased else ""
    return f"  {dose.ended_at.astimezone(zone):%a %d %b  %H:%M}  treatment ends{raised}{asked}"


def _row(each: PlannedCheckIn, protocol: Protocol, zone: ZoneInfo) -> str:
    due = each.due_at.astimezone(zone)
    when = f"  {due:%a %d %b  %H:%M}  {each.kind.replace('+', ' + '):<20}"
    if each.reason:
        return f"{when} not sent: {each.reason}"
    closes = each.closes_at.astimezone(zone)
    until = f"{closes:%H:%M}" if closes.date() == due.date() else f"{closes:%a %H:%M}"
    reminders = [at.astimezone(zone) for at in each.reminders]
    said = ", ".join(f"{at:%H:%M}" if at.date() == due.date() else f"{at:%a %H:%M}" for at in reminders)
    return f"{when} {questions(each, protocol):>2} questions, until {until}" + (
        f", reminders {said}" if said else ""
    )
