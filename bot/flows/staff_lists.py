"""Lists for staff: what is open, what to read today, and how fast the week's alerts were met."""

from __future__ import annotations

from datetime import timedelta

from bot.flows import figures, staff_cards
from bot.flows.desk import Desk
from bot.flows.staff_alerts import may_see
from bot.message import Button
from storage import alerts
from storage.tables import Alert

LISTED = 20
NOBODY = "–"
WEEK = timedelta(days=7)


def list_open(desk: Desk, rest: str) -> None:
    """List the site's alerts that are not closed, most urgent first, each with a button for its card."""
    del rest
    _list(desk, ("emergency", "urgent", "same_day", "watch"), "staff.alerts")


def list_today(desk: Desk, intro: str = "") -> None:
    """List what the clinic has to read today, after `intro`."""
    _list(desk, ("same_day", "watch"), "staff.today", intro)


def _list(desk: Desk, levels: tuple[str, ...], key: str, intro: str = "") -> None:
    waiting = [
        each
        for each in alerts.unresolved(desk.act.tx, desk.staff.site_id)
        if each.level in levels and may_see(desk.staff, each)
    ]
    if not waiting:
        desk.say(intro + desk.words.say(f"{key}.none"))
        return
    rows = tuple((Button(_line(desk, each), staff_cards.data("card", each.id)),) for each in waiting[:LISTED])
    desk.say(intro + desk.words.say(f"{key}.head", count=len(waiting)), buttons=rows)


def _line(desk: Desk, alert: Alert) -> str:
    patient = desk.act.patient_of(alert)
    code = patient.code if patient else desk.words.say("staff.page.system")
    who = (
        staff_cards.name_of(desk.act.tx, alert.claimed_by, desk.staff, desk.words)
        if alert.claimed_by
        else "–"
    )
    level = desk.words.say(f"staff.level.{alert.level}")
    return f"{level} {code} · {staff_cards.clock(alert.raised_at, desk.staff)} · {who}"


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
