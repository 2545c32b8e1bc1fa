"""A chat that writes more than anybody types: all of it is kept and judged, and staff are told once."""

from __future__ import annotations

from datetime import timedelta

from bot.flows import privacy
from bot.flows.talk import Talk
from bot.message import Reply
from storage import marks, patients

LOOK_EVERY = 50  # updates: counting at each one would cost everybody
MANY = 100
WITHIN = timedelta(minutes=1)
TOLD_EVERY = timedelta(hours=1)


def notice(talk: Talk, reply: Reply) -> None:
    """Tell the coordinators, once an hour at most, that one chat sends more than a person types."""
    if reply.update_id % LOOK_EVERY:
        return
    if patients.messages_since(talk.tx, talk.patient.id, talk.now - WITHIN) < MANY:
        return
    name = f"flood:{talk.patient.id}"
    before = marks.mark(talk.tx, name)
    if before is None or talk.now - before.at >= TOLD_EVERY:
        marks.set_mark(talk.tx, name, talk.now)
        privacy.tell_coordinators(talk, "patient.staff.flood")
