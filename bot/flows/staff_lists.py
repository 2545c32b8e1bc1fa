"""Lists for staff: what is open, and how fast the week's alerts were met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.flows import figures, staff_cards
from bot.flows.act import Act
from bot.flows.desk import Desk
from bot.flows.staff_alerts import may_see
from bot.message import Button
from storage import alerts
from storage.tables import Alert, Staff

LISTED = 20
NOBODY = "–"
WEEK = timedelta(days=7)


def list_open(desk: Desk, rest: str) -> None:
    """List the site's alerts that are not closed, most urgent first, each with a button for its card."""
    del rest
    waiting = open_for(desk.act, desk.staff)
    if not waiting:
        desk.tell("staff.alerts.none")
        return
    desk.tell("staff.alerts.head", count=len(waiting), buttons=card_rows(desk.act, desk.staff, waiting))


def open_for(act: Act, staff: Staff) -> list[Alert]:
    """Return the alerts of their site that are not closed and that they may see, most urgent first."""
    return [each for each in alerts.unresolved(act.tx, staff.site_id) if may_see(staff, each)]


def card_rows(act: Act, staff: Staff, waiting: Sequence[Alert]) -> staff_cards.Buttons:
    """Return a button for the card of each alert, as many as fit."""
    lines = ((_line(act, staff, each), staff_cards.data("card", each.id)) for each in waiting[:LISTED])
    return tuple((Button(line, pressed),) for line, pressed in lines)


def _line(act: Act, staff: Staff, alert: Alert) -> str:
    words = act.words(staff)
    patient = act.patient_of(alert)
    code = patient.code if patient else words.say("staff.page.system")
    who = staff_cards.name_of(act.tx, alert.claimed_by, staff, words) if alert.claimed_by else NOBODY
    level = words.say(f"staff.level.{alert.level}")
    return f"{level} {code} · {staff_cards.clock(alert.raised_at, staff)} · {who}"


def show_week(desk: Desk, rest: str) -> None:
    """Show how fast alerts were paged, taken and closed in the last seven days, per level."""
    del rest
    rows = figures.between(desk.act.tx, desk.staff.site_id, desk.act.now - WEEK, desk.act.now)
    lines = [desk.words.say("staff.week.head"), *(_week_line(desk, each) for each in rows)]
    desk.say("\n".join(lines if rows else [*lines, desk.words.say("staff.week.none")]))


def _week_line(desk: Desk, row: figures.LevelFigures) -> str:
    minutes = {
        "paged": row.to_page, "claimed": row.to_claim, "contacted": row.to_contact,
        "resolved": row.to_resolve,
    }  # fmt: skip
    return desk.words.say(
        "staff.week.line", level=desk.words.say(f"staff.level.{row.level}"), count=row.count,
        late=row.unacknowledged, false_alarms=row.false_alarms,
        **{name: _minutes(value) for name, value in minutes.items()},
    )  # fmt: skip


def _minutes(value: float | None) -> str:
    return NOBODY if value is None else f"{value:.0f}"
