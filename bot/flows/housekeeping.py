"""Once a day: what is kept no longer than needed is emptied, and the database's log with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.flows.clinic import Clinic
from storage import marks, retention

MARK = "housekeeping"
EVERY = timedelta(days=1)
UPDATES_AFTER = timedelta(days=30)
MESSAGES_AFTER = timedelta(days=90)


def daily(clinic: Clinic, now: datetime) -> int:
    """Empty one portion of old updates and messages; return how many rows were emptied.

    While there is more, the next tick goes on, a portion at a time: an urgent reply never waits
    for housekeeping.
    """
    with clinic.db.reading() as tx:
        last = marks.mark(tx, MARK)
    if last is not None and now - last.at < EVERY:
        return 0
    with clinic.db.transaction() as tx:
        emptied = retention.empty_old(tx, now, updates_after=UPDATES_AFTER, messages_after=MESSAGES_AFTER)
        if not emptied.more:
            marks.set_mark(tx, MARK, now)
    if not emptied.more:
        clinic.db.checkpoint()
    return emptied.updates + emptied.messages
