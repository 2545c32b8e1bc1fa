"""Who is on call at an instant, and what is wrong with the weeks ahead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

TIERS = (1, 2, 3)


@dataclass(frozen=True)
class Turn:
    """A shift: from `starts_at` up to but not including `ends_at`. Instants are UTC, so clock changes
    neither leave a gap nor put two people on at once.
    """

    tier: int
    staff_id: str
    starts_at: datetime
    ends_at: datetime
    override: bool = False
    id: str = ""  # sorts by when it was made

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


def on_call(turns: Iterable[Turn], tier: int, at: datetime) -> str | None:
    """Return the one person on call for a tier, None in a gap.

    A take-over wins over the calendar. Of several that overlap, the one that began last wins, then the
    one made last: whoever looks, whenever, sees the same person.
    """
    covering = [turn for turn in turns if turn.tier == tier and turn.covers(at)]
    first = max(covering, key=lambda turn: (turn.override, turn.starts_at, turn.id), default=None)
    return first.staff_id if first else None


def gaps(
    turns: Sequence[Turn], tier: int, start: datetime, end: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Return the spans between `start` and `end` in which nobody is on call for a tier."""
    found = []
    covered = start
    for turn in sorted((each for each in turns if each.tier == tier), key=lambda each: each.starts_at):
        if turn.starts_at > covered and covered < end:
            found.append((covered, min(turn.starts_at, end)))
        covered = max(covered, turn.ends_at)
    if covered < end:
        found.append((covered, end))
    return tuple(found)


def overlaps(turns: Sequence[Turn]) -> tuple[tuple[Turn, Turn], ...]:
    """Return pairs of calendar shifts of one tier, of different people, that are on at the same time."""
    ordered = sorted((each for each in turns if not each.override), key=lambda each: each.starts_at)
    return tuple(
        (one, other)
        for number, one in enumerate(ordered)
        for other in ordered[number + 1 :]
        if other.starts_at < one.ends_at and other.tier == one.tier and other.staff_id != one.staff_id
    )


def edges(turns: Sequence[Turn], start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Return every instant in the span at which who is on call can change, its start first."""
    times = {start}
    for turn in turns:
        times |= {each for each in (turn.starts_at, turn.ends_at) if start < each < end}
    return tuple(sorted(times))


def same_person_everywhere(
    turns: Sequence[Turn], start: datetime, end: datetime
) -> tuple[tuple[datetime, str], ...]:
    """Return when one person is all there is: first, backup and lead at once."""
    found = []
    for at in edges(turns, start, end):
        people = {on_call(turns, tier, at) for tier in TIERS}
        if len(people) == 1 and None not in people:
            found.append((at, str(people.pop())))
    return tuple(found)


def unreachable(turns: Sequence[Turn], reachable: Collection[str]) -> tuple[str, ...]:
    """Return people who have a shift and no working way to be reached."""
    return tuple(sorted({turn.staff_id for turn in turns} - set(reachable)))
