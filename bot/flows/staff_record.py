"""The record in staff chat: a patient's course as a picture, and who needs a look today."""

from __future__ import annotations

from bot.flows import caseload, staff_lists
from bot.flows.desk import Desk
from bot.flows.summaries import chart_of
from bot.flows.talk import channel_of
from bot.message import Outgoing, OutgoingKind
from storage import outbox
from storage.tables import Lane, OutboxKind, PatientStatus

LONGEST_CAPTION = 1_000  # of Telegram's 1,024 characters


def show_chart(desk: Desk, rest: str) -> None:
    """/chart CODE: the course as a picture, with the same in words under it; protected and on record."""
    if not rest:
        desk.tell("staff.patient.which")
        return
    patient = desk.patient(rest)
    if patient is None or patient.status == PatientStatus.ERASED:
        desk.tell("staff.patient.unknown")
        return
    act = desk.act
    picture, words = chart_of(act.clinic, act.tx, patient, act.now, desk.staff.language)
    desk.record("patient.chart_shown", f"patient:{patient.id}")
    outgoing = Outgoing(
        OutgoingKind.PHOTO,
        desk.reply.chat_id,
        _cut(words),
        protect=True,
        file_name=f"{patient.code}.png",
        file_bytes=picture,
    )
    outbox.put(
        act.tx, outgoing, kind=OutboxKind.DOCUMENT, now=act.now, lane=Lane.ROUTINE,
        channel=channel_of(desk.reply), patient_id=patient.id, staff_id=desk.staff.id,
    )  # fmt: skip


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST_CAPTION else words[: LONGEST_CAPTION - 2].rstrip() + " …"


def show_today(desk: Desk, rest: str) -> None:
    """/today: who is due, silent, getting worse or has something open, then what there is to read."""
    del rest
    act = desk.act
    found = caseload.entries(act.clinic, act.tx, desk.staff.site_id, act.now)
    desk.record("caseload.looked_at", f"site:{desk.staff.site_id}", count=len(found))
    lines = caseload.today_lines(found, desk.words, act.now)
    staff_lists.list_today(desk, "\n".join(lines) + "\n\n")
