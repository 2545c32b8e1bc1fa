"""The record in staff chat: a patient's course as a picture, who needs a look today, and what was read."""

from __future__ import annotations

from dataclasses import replace

from bot.flows import caseload, pages, staff_cards, staff_lists
from bot.flows.desk import Desk
from bot.flows.staff_alerts import claim, may_see
from bot.flows.talk import caption, channel_of
from bot.message import Button, Outgoing, OutgoingKind
from storage import alerts, outbox
from storage.tables import Alert, AlertState, Lane, OutboxKind, PatientStatus

READ = ("same_day", "watch")
"""Levels that are read through, not answered within minutes."""
REVIEWED = "reviewed"


def show_chart(desk: Desk, rest: str) -> None:
    """/chart CODE: the course as a picture, with the same in words under it; protected and on record."""
    if not rest:
        desk.tell("staff.patient.which")
        return
    patient, look = desk.patient(rest), desk.look
    if patient is None or patient.status == PatientStatus.ERASED:
        desk.tell("staff.patient.unknown")
        return
    if look is None or look.patient_id != patient.id:
        desk.tell("staff.patient.unknown")
        return
    act = desk.act
    desk.record("patient.chart_shown", f"patient:{patient.id}")
    outgoing = Outgoing(
        OutgoingKind.PHOTO,
        desk.reply.chat_id,
        caption(look.words),
        protect=True,
        file_name=f"{patient.code}.png",
        file_bytes=look.picture,
    )
    outbox.put(
        act.tx, outgoing, kind=OutboxKind.DOCUMENT, now=act.now, lane=Lane.ROUTINE,
        channel=channel_of(desk.reply), patient_id=patient.id, staff_id=desk.staff.id,
    )  # fmt: skip


def show_today(desk: Desk, rest: str) -> None:
    """/today: who is due, silent, getting worse or has something open, then what there is to read."""
    del rest
    act, look = desk.act, desk.look
    found = look.found if look and look.site_id == desk.staff.site_id else ()
    desk.record("caseload.looked_at", f"site:{desk.staff.site_id}", count=len(found))
    hours = act.clinic.content.conduct.caseload.due_within_hours
    intro = "\n".join(caseload.today_lines(found, desk.words, act.now, hours)) + "\n\n"
    waiting = [each for each in staff_lists.open_for(act, desk.staff) if _to_read(each)]
    if not waiting:
        desk.say(intro + desk.words.say("staff.today.none"))
        return
    cards = staff_lists.card_rows(act, desk.staff, waiting)
    rows = tuple((*row, _reviewed_button(desk, each)) for row, each in zip(cards, waiting, strict=False))
    desk.say(intro + desk.words.say("staff.today.head", count=len(waiting)), buttons=rows)


def _to_read(alert: Alert) -> bool:
    """Whether it is still to be read: what was read and is in somebody's hands is not."""
    in_hands = alert.reviewed_at is not None and alert.state == AlertState.CLAIMED
    return alert.level in READ and not in_hands


def _reviewed_button(desk: Desk, alert: Alert) -> Button:
    return Button(desk.words.say("record.review.button"), f"r:{alert.id}")


def pressed(desk: Desk) -> bool:
    """Note that an alert of the reading list was reviewed; False when this member may not.

    Something to watch is closed by that. A same-day alert is taken by whoever reviewed it and stays
    open until it is closed with an outcome: reading is not yet doing.
    """
    alert = alerts.locked(desk.act.tx, desk.reply.data.removeprefix("r:"))
    if alert is None or not desk.reply.private or not may_see(desk.staff, alert) or alert.level not in READ:
        return False
    if alert.state == AlertState.RESOLVED:
        desk.answer(staff_cards.who_has_it(desk.act.tx, desk.words, alert, desk.staff), alert=True)
        return True
    alerts.mark_seen(desk.act.tx, alert.id, desk.staff.id, desk.act.now)
    desk.act.tx.refresh(alert)
    alerts.change(desk.act.tx, alert, reviewed_at=desk.act.now)
    desk.record("alert.reviewed", f"alert:{alert.id}", level=alert.level)
    _mark_reviewed(desk)
    if alert.level == "watch":
        _close(desk, alert)
    elif alert.state == AlertState.OPEN:
        claim(desk, alert)
    else:
        desk.answer(desk.words.say("record.review.noted"))
    return True


def _mark_reviewed(desk: Desk) -> None:
    """Mark the alert on the list it was reviewed from, and take that button away."""
    reply = desk.reply
    if reply.message_id is None:
        return
    said = outbox.shown(desk.act.tx, reply.chat_id, reply.message_id, channel_of(reply))
    pressed_row = [any(each.data == reply.data for each in row) for row in said.buttons] if said else []
    if said is None or not any(pressed_row):
        return
    rows = tuple(_marked(row) if it_is else row for row, it_is in zip(said.buttons, pressed_row, strict=True))
    left = sum(each.data.startswith("r:") for row in rows for each in row)
    head = desk.words.say("staff.today.head", count=left) if left else desk.words.say("staff.today.none")
    before, _, _ = said.text.rpartition("\n\n")
    outbox.put(
        desk.act.tx,
        Outgoing(OutgoingKind.EDIT, reply.chat_id, f"{before}\n\n{head}", rows, message_id=reply.message_id),
        kind=OutboxKind.EDIT, now=desk.act.now, channel=channel_of(reply), staff_id=desk.staff.id,
    )  # fmt: skip


def _marked(row: tuple[Button, ...]) -> tuple[Button, ...]:
    return tuple(replace(each, text=f"✓ {each.text}") for each in row if not each.data.startswith("r:"))


def _close(desk: Desk, alert: Alert) -> None:
    alerts.change(
        desk.act.tx, alert, state=AlertState.RESOLVED, resolved_by=desk.staff.id, resolved_at=desk.act.now,
        outcome=REVIEWED, next_action_at=None, asked_until=None, nobody_reached=False,
    )  # fmt: skip
    outbox.cancel_pages(desk.act.tx, alert.id, desk.act.now)
    desk.answer(desk.words.say("record.review.closed"))
    pages.refresh_cards(desk.act, alert)
