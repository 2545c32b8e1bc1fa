"""What is done as time passes. Each work is its own transaction; one that fails never stops the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.flows import alerts, checkins, digest, drills, handover, housekeeping, rota, silence
from bot.flows.clinic import Clinic
from storage import marks

logger = logging.getLogger(__name__)
TICK = "tick"
LATE_AFTER = timedelta(minutes=10)
LATE_RULE = "SYS-1"
Work = Callable[[Clinic, datetime], object]


def works(pace: int | None = None) -> tuple[tuple[str, Work], ...]:
    """Return everything that is done at every tick, alerts first; `pace` as for `tick`."""
    return (
        ("alerts.climb", alerts.climb),
        ("checkins.open_due", lambda clinic, now: checkins.open_due(clinic, now, pace)),
        ("checkins.remind", lambda clinic, now: checkins.remind(clinic, now, pace)),
        ("checkins.close_expired", lambda clinic, now: checkins.close_expired(clinic, now, pace)),
        ("silence.look", silence.look),
        ("rota.watch", rota.watch),
        ("handover.watch", handover.watch),
        ("drills.daily", drills.daily),
        ("drills.unanswered", drills.unanswered),
        ("digest.weekly", digest.weekly),
        ("housekeeping", housekeeping.daily),
    )


def tick(clinic: Clinic, now: datetime, *, late: timedelta | None = None, pace: int | None = None) -> int:
    """Do everything that is due; return how many works failed.

    `pace` is how many cards can be sent before the next tick, counting those that wait already. No more
    check-ins are opened, asked about again or closed: what comes after them would wait.

    `late` is how long nothing was done, by a clock nobody can turn; long enough, and someone is told.
    The mark "tick" is set only when no work failed: whoever watches it sees a tick that keeps failing.
    """
    failed = sum(not _guarded(name, work, clinic, now) for name, work in works(pace))
    if late is not None and late > LATE_AFTER:
        minutes = int(late / timedelta(minutes=1))
        _guarded("tick.late", lambda clinic, now: _raise_late(clinic, minutes, now), clinic, now)
    if not failed:
        _guarded("tick.mark", _mark, clinic, now)
    return failed


def _guarded(name: str, work: Work, clinic: Clinic, now: datetime) -> bool:
    try:
        work(clinic, now)
    except Exception as error:
        logger.error("tick.failed", extra={"work": name, "error": type(error).__name__})
        return False
    return True


def _mark(clinic: Clinic, now: datetime) -> None:
    clinic.db.run(lambda tx: marks.set_mark(tx, TICK, now))


def _raise_late(clinic: Clinic, minutes: int, now: datetime) -> None:
    """Nothing was climbing meanwhile: the alerts that waited have just moved, and somebody should know."""
    for site_id in clinic.content.sites:
        _raise_at(clinic, site_id, (f"no tick for {minutes} minutes",), now)


def _raise_at(clinic: Clinic, site_id: str, facts: tuple[str, ...], now: datetime) -> None:
    clinic.db.run(lambda tx: alerts.raise_system(clinic, tx, site_id, LATE_RULE, now, facts))
