"""Importing a calendar: all of it replaces what it brought before, or the last good rota stays."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.flows import rota
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

    def lines(self) -> tuple[str, ...]:
        """Return what to show the person who imported it."""
        done = f"{self.source}: {self.shifts} shifts in tier {self.tier}, of {', '.join(self.people)}"
        return (done, *self.problems, *self.gaps)


@dataclass(frozen=True)
class Place:
    """Where a calendar's shifts go: the site, the calendar's name, and the tier."""

    site_id: str
    label: str
    tier: int

    @property
    def source(self) -> str:
        return f"{self.label}:{self.tier}"


class RotaRefused(Exception):
    """The calendar cannot be used; the rota is as it was. The text lists every problem."""

    def __init__(self, report: RotaReport) -> None:
        super().__init__(f"{report.source}: {'; '.join(report.problems)}; the last good rota stays")
        self.report = report


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

    Raises:
        RotaRefused: it cannot be read, is empty or names nobody known; nothing changed and staff are told.
    """
    place = Place(site_id, name or (source.name if isinstance(source, Path) else "calendar"), tier)
    known = {_plain(key): _plain(value) for key, value in (aliases or {}).items()}
    try:
        entries = _entries(clinic, source, site_id, now)
    except CalendarError as error:
        report = refuse(clinic, place, error, now)
    else:
        report = clinic.db.run(lambda tx: _import(Act(clinic, tx, now), place, entries, known))
    if not report.imported:
        raise RotaRefused(report)
    return report


def refuse(clinic: Clinic, place: Place, error: CalendarError, now: datetime) -> RotaReport:
    """Leave the rota as it is, and see that somebody hears why."""
    return clinic.db.run(lambda tx: _refused(Act(clinic, tx, now), place, error.problems))


def _entries(clinic: Clinic, source: Path | bytes, site_id: str, now: datetime) -> tuple[Entry, ...]:
    zone = clinic.content.sites[site_id].zone
    entries = read_calendar(_raw(source), now, now + AHEAD, zone)
    if not entries:
        raise CalendarError("it has no shift in the next 120 days")
    return entries


def _raw(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise CalendarError(f"it cannot be read: {error.strerror}") from None


def _refused(act: Act, place: Place, problems: Sequence[str]) -> RotaReport:
    if rota.tell_unreadable(act, place.site_id, place.label, problems[0]):
        act.record("system", "rota.refused", f"site:{place.site_id}", tier=place.tier, problems=len(problems))
    return RotaReport(place.label, place.tier, False, problems=tuple(problems))


def _import(act: Act, place: Place, entries: Sequence[Entry], aliases: Mapping[str, str]) -> RotaReport:
    everyone = people.at_site(act.tx, place.site_id)
    placed = [(each, _who(each, everyone, aliases)) for each in entries]
    mapped = [(each, who) for each, who in placed if who is not None and not each.problem]
    problems = list(dict.fromkeys(_left_out(each) for each, who in placed if who is None or each.problem))
    if not mapped:
        return _refused(act, place, problems[:LISTED])
    patients.site_row(act.tx, place.site_id)
    _replace(act, place, mapped)
    if problems:
        rota.tell_unreadable(act, place.site_id, place.label, problems[0])
    problems += _overlaps(mapped)
    act.record("system", "rota.imported", f"site:{place.site_id}", tier=place.tier, shifts=len(mapped))
    gaps = [each.text for each in rota.problems(act, place.site_id) if each.tier == place.tier]
    names = tuple(dict.fromkeys(who.name for _, who in mapped))
    return RotaReport(
        place.label, place.tier, True, len(mapped), names, tuple(problems[:LISTED]), tuple(gaps)
    )


def _left_out(entry: Entry) -> str:
    """Return why an entry brought no shift."""
    title = f'"{entry.title[:60] or "(no title)"}"'
    return f"{title} {entry.problem or 'is nobody here; add an alias, or use the name on their invite'}"


def _replace(act: Act, place: Place, mapped: Sequence[tuple[Entry, Staff]]) -> None:
    people.replace_shifts(act.tx, place.site_id, place.source, act.now)
    for entry, who in mapped:
        people.add_shift(
            act.tx, place.site_id, tier=place.tier, staff_id=who.id, starts_at=max(entry.starts_at, act.now),
            ends_at=entry.ends_at, now=act.now, source=place.source, uid=entry.uid[:200],
        )  # fmt: skip


def _who(entry: Entry, everyone: Sequence[Staff], aliases: Mapping[str, str]) -> Staff | None:
    """Return whose shift it is: by alias of an address, else whom the title names, else who attends alone."""
    alone = entry.attendees if len(entry.attendees) == 1 else ()
    named = (_named(_plain(text), everyone, aliases) for text in (*entry.emails, entry.title, *alone))
    return next((who for who in named if who is not None), None)


def _named(text: str, everyone: Sequence[Staff], aliases: Mapping[str, str]) -> Staff | None:
    """Return whose name or alias the text holds, the longest one; None when that could be two people."""
    spoken = [
        (name, each) for each in everyone for name in _names(each, aliases) if f" {name} " in f" {text} "
    ]
    longest = max((len(name) for name, _ in spoken), default=0)
    best = {each.id: each for name, each in spoken if len(name) == longest}
    return next(iter(best.values())) if len(best) == 1 else None


def _names(staff: Staff, aliases: Mapping[str, str]) -> Iterator[str]:
    """What a calendar may call somebody: the name on the invite, that without a title, an alias."""
    name = _plain(staff.name)
    yield from (each for each in (name, name.removeprefix("dr "), name.removeprefix("dra ")) if each)
    yield from (alias for alias, meant in aliases.items() if meant == name)


def _plain(text: str) -> str:
    """Return letters and digits only, without accents or case: "Dr. Inés" is "dr ines"."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in flat if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^\w@]+", " ", letters).split())


def _overlaps(mapped: Sequence[tuple[Entry, Staff]]) -> Iterator[str]:
    """Say where a shift begins while the one before it, the longest still on, is somebody else's."""
    ordered = sorted(mapped, key=lambda each: each[0].starts_at)
    longest, whose = ordered[0]
    for entry, who in ordered[1:]:
        if entry.starts_at < longest.ends_at and who.id != whose.id:
            at = entry.starts_at.strftime("%Y-%m-%d %H:%M")
            yield f"{whose.name} and {who.name} are both on from {at} UTC; the later beginning counts"
        if entry.ends_at > longest.ends_at:
            longest, whose = entry, who
