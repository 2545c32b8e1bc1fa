"""Importing a calendar: all of it replaces what it brought before, or the last good rota stays."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from bot.flows import rota_watch
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.rota.calendar import CalendarError, Entry, read_calendar
from storage import patients
from storage import staff as people
from storage.tables import Staff

AHEAD = timedelta(days=120)
LISTED = 10


@dataclass(frozen=True)
class RotaReport:
    """What an import came to. When not `imported`, the rota is as it was."""

    source: str
    tier: int
    imported: bool
    shifts: int = 0
    people: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def import_calendar(
    clinic: Clinic,
    source: Path | bytes,
    site_id: str,
    tier: int,
    now: datetime,
    *,
    name: str = "",
    aliases: Mapping[str, str] | None = None,
) -> RotaReport:
    """Read a calendar into one tier of a site's rota, for the 120 days from now.

    It replaces what the calendar of this `name` (the file's own when not given) brought before, from now
    on. `aliases` says which e-mail address or title is which member of staff, where the name does not.
    A calendar that cannot be read, is empty or names nobody known changes nothing, and staff are told.
    """
    label = name or (source.name if isinstance(source, Path) else "calendar")
    raw = _raw(source)
    try:
        if isinstance(raw, str):
            raise CalendarError(raw)
        entries = read_calendar(raw, now, now + AHEAD, _zone(clinic, site_id))
        if not entries:
            raise CalendarError("it has no shift in the next 120 days")
    except CalendarError as error:
        problems = error.problems
        return clinic.db.run(lambda tx: _refused(Act(clinic, tx, now), site_id, label, tier, problems))
    known = {_plain(key): _plain(value) for key, value in (aliases or {}).items()}
    return clinic.db.run(lambda tx: _import(Act(clinic, tx, now), site_id, label, tier, entries, known))


def _raw(source: Path | bytes) -> bytes | str:
    """Return the calendar's bytes, or in words why there are none."""
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _zone(clinic: Clinic, site_id: str) -> str:
    return clinic.content.sites[site_id].zone


def _refused(act: Act, site_id: str, label: str, tier: int, problems: Sequence[str]) -> RotaReport:
    rota_watch.tell_unreadable(act, site_id, label, problems[0])
    act.record("system", "rota.refused", f"site:{site_id}", tier=tier, problems=len(problems))
    return RotaReport(label, tier, False, problems=tuple(problems))


def _import(
    act: Act, site_id: str, label: str, tier: int, entries: Sequence[Entry], aliases: Mapping[str, str]
) -> RotaReport:
    everyone = people.at_site(act.tx, site_id)
    placed = [(each, _who(each, everyone, aliases)) for each in entries]
    strangers = list(dict.fromkeys(each.title or "(no title)" for each, who in placed if who is None))
    problems = [
        f'"{title[:60]}" is nobody here; add an alias, or use the name on their invite' for title in strangers
    ]
    mapped = [(each, who) for each, who in placed if who is not None]
    if not mapped:
        return _refused(act, site_id, label, tier, problems[:LISTED])
    patients.site_row(act.tx, site_id)
    _replace(act.tx, site_id, f"{label}:{tier}", tier, mapped, act.now)
    problems += _overlaps(mapped)
    act.record(
        "system", "rota.imported", f"site:{site_id}", tier=tier, shifts=len(mapped), problems=len(problems)
    )
    if strangers:
        rota_watch.tell_unreadable(act, site_id, label, problems[0])
    gaps = [each.text for each in rota_watch.check(act, site_id) if each.tier == tier]
    names = tuple(dict.fromkeys(who.name for _, who in mapped))
    return RotaReport(label, tier, True, len(mapped), names, tuple(problems[:LISTED]), tuple(gaps))


def _replace(
    tx: Session, site_id: str, source: str, tier: int, mapped: Sequence[tuple[Entry, Staff]], now: datetime
) -> None:
    people.replace_shifts(tx, site_id, source, now)
    for entry, who in mapped:
        people.add_shift(
            tx, site_id, tier=tier, staff_id=who.id, starts_at=max(entry.starts_at, now),
            ends_at=entry.ends_at, now=now, source=source, uid=entry.uid[:200],
        )  # fmt: skip


def _who(entry: Entry, everyone: Sequence[Staff], aliases: Mapping[str, str]) -> Staff | None:
    """Return whose shift it is: by alias of an address or title, else the one whose name the title holds."""
    named = [aliases[key] for key in (*map(_plain, entry.emails), _plain(entry.title)) if key in aliases]
    if named:
        return next((each for each in everyone if _plain(each.name) == named[0]), None)
    title = f" {_plain(entry.title)} "
    fitting = [each for each in everyone if _plain(each.name) and f" {_plain(each.name)} " in title]
    longest = max((len(each.name) for each in fitting), default=0)
    best = [each for each in fitting if len(each.name) == longest]
    return best[0] if len(best) == 1 else None


def _plain(text: str) -> str:
    """Return letters and digits only, without accents or case: "Dr. Inés" is "dr ines"."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in flat if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^\w@]+", " ", letters).split())


def _overlaps(mapped: Sequence[tuple[Entry, Staff]]) -> list[str]:
    ordered = sorted(mapped, key=lambda each: each[0].starts_at)
    found = []
    for (one, who), (other, whom) in itertools.pairwise(ordered):
        if other.starts_at < one.ends_at and who.id != whom.id:
            at = other.starts_at.strftime("%Y-%m-%d %H:%M")
            found.append(f"{who.name} and {whom.name} are both on from {at} UTC; the later beginning counts")
    return found
