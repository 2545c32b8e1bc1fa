"""Trouble of our own that only a human can end: told to every site as an alert."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot.flows import alerts
from bot.flows.clinic import Clinic
from storage import marks
from storage import staff as people
from storage.tables import Role

RULE = "SYS-1"
WINDOW = timedelta(minutes=5)
TOO_MANY_STARTS = 4


def tell(clinic: Clinic, what: str, now: datetime, *, admins: bool = False) -> None:
    """Raise, or join, the alert about trouble of our own at every site; `what` holds counts and ids only.

    With `admins` they are paged at once, besides whoever is on call: only they can end it.
    """

    def work(tx: Session) -> None:
        for site_id in clinic.content.sites:
            also = people.at_site(tx, site_id, (Role.ADMIN,)) if admins else []
            alerts.raise_system(clinic, tx, site_id, RULE, now, (what,), also)

    clinic.db.run(work)


def note_start(clinic: Clinic, now: datetime) -> None:
    """Remember that the program starts. One that starts again and again is dying of something."""

    def work(tx: Session) -> int:
        before = marks.mark(tx, "starts")
        starts = [datetime.fromisoformat(each) for each in (before.value.split() if before else ())]
        recent = [*(each for each in starts if now - WINDOW < each <= now), now]
        marks.set_mark(tx, "starts", now, " ".join(each.isoformat() for each in recent))
        return len(recent)

    if clinic.db.run(work) >= TOO_MANY_STARTS:
        tell(clinic, f"started {TOO_MANY_STARTS} times or more within 5 minutes", now)
