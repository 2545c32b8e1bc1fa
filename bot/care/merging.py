"""Check-ins planned side by side, made into those a person gets: joined, spaced, not too many a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bot.care.protocol import Kind, PlannedCheckIn, Protocol
from bot.care.unasked import Unasked


@dataclass(frozen=True)
class Draft(PlannedCheckIn):
    """A check-in before merging. `rank` says which of two keeps its name: the higher. `timed` ones
    come so long after a treatment, and are the last to lose a reminder.
    """

    rank: int = 0
    timed: bool = False


def settled(drafts: Iterable[Draft], protocol: Protocol, zone: ZoneInfo) -> list[PlannedCheckIn]:
    """Return the check-ins that are left of what the slots of a protocol ask for, in the order due."""
    ordered = sorted(drafts, key=lambda each: each.due_at)
    spaced = list(_spaced(_merged(ordered), protocol.kinds, zone))
    return [_plain(each) for each in _within_daily_limit(spaced, protocol.most_messages_a_day, zone)]


def joined(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group))


def _merged(drafts: Sequence[Draft]) -> list[Draft]:
    """Join what is due at the same instant, and mornings that ask about the same night."""
    kept: list[Draft] = []
    for draft in drafts:
        twin = next((each for each in kept if _same_occasion(each, draft)), None)
        if twin:
            kept[kept.index(twin)] = _join(twin, draft)
        else:
            kept.append(draft)
    return sorted(kept, key=lambda each: (each.due_at, each.rank))


def _same_occasion(one: Draft, other: Draft) -> bool:
    if bool(one.reason) != bool(other.reason):
        return False
    same_night = one.night_on is not None and one.night_on == other.night_on
    return one.due_at == other.due_at or same_night


def _join(one: Draft, other: Draft) -> Draft:
    """Return one check-in for two, open for the longer of both windows.

    A morning keeps its name before anything that joins it, the later treatment's before the earlier's.
    """
    gives, keeps = sorted((other, one), key=lambda each: (each.night_on is not None, each.rank))
    kinds = dict.fromkeys([*keeps.kind.split("+"), *gives.kind.split("+")])
    return replace(
        keeps,
        kind="+".join(kinds),
        closes_at=max(one.closes_at, other.closes_at),
        reminders=keeps.reminders or gives.reminders,
        items=joined((keeps.items, gives.items)),
        night_on=keeps.night_on or gives.night_on,
        merged=(*keeps.merged, gives.key, *gives.merged),
    )


def _plain(draft: Draft) -> PlannedCheckIn:
    fields = {name: getattr(draft, name) for name in PlannedCheckIn.__dataclass_fields__}
    return PlannedCheckIn(**fields)


def _spaced(planned: Sequence[Draft], kinds: Mapping[str, Kind], zone: ZoneInfo) -> Iterator[Draft]:
    """Take out of a check-in what was asked fewer days before than its instrument allows."""
    last_asked: dict[str, date] = {}
    for each in planned:
        day = each.due_at.astimezone(zone).date()
        asked = {key: kinds[key] for key in each.kind.split("+")}
        soon = {
            key
            for key, kind in asked.items()
            if kind.days_between and day - last_asked.get(key, date.min) < timedelta(days=kind.days_between)
        }
        if each.reason or not soon:
            last_asked |= {} if each.reason else dict.fromkeys(asked, day)
            yield each
        elif soon == set(asked):
            yield replace(each, reason=Unasked.TOO_SOON, reminders=())
        else:
            last_asked |= dict.fromkeys(asked.keys() - soon, day)
            gone = {item for key in soon for item in kinds[key].items}
            kept = tuple(item for item in each.items if item not in gone)
            yield replace(each, kind="+".join(key for key in asked if key not in soon), items=kept)


def _within_daily_limit(planned: Sequence[Draft], limit: int, zone: ZoneInfo) -> list[Draft]:
    """Drop reminders of a local day that would have more than `limit` messages."""
    sent = Counter(each.due_at.astimezone(zone).date() for each in planned if not each.reason)
    within: list[Draft] = []
    for each in sorted(planned, key=lambda each: not each.timed):
        kept = []
        for at in each.reminders:
            day = at.astimezone(zone).date()
            if sent[day] < limit:
                sent[day] += 1
                kept.append(at)
        within.append(replace(each, reminders=tuple(kept)))
    return sorted(within, key=lambda each: (each.due_at, each.rank))
