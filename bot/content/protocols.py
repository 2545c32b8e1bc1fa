"""Protocols from `prompts/protocols`: kinds of check-in, and when each comes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from bot.care.instrument import REFUSE_UNKNOWN, Item
from bot.care.protocol import (
    ClockTime,
    Dose,
    ElapsedTime,
    Kind,
    Moment,
    Protocol,
    QuietHours,
    Slot,
    Weeks,
)
from bot.care.schedule import expand, overlapping
from bot.care.scoring import Instrument
from bot.content.source import Document, Problem, checked, table_of

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = {"min": 60, "h": 3600, "d": 86400, "wk": 604800}
MOST_REMINDERS = 2
MOST_WEEKS = 520
MOST_DAYS = 3650
A_MONDAY = datetime(2026, 11, 2, 10, tzinfo=UTC)
_SPAN = re.compile(r"\s*(\d{1,4})\s*(min|h|d|wk)\s*")


def span(value: Any) -> timedelta:
    """Return a length of time written as "90 min", "36 h", "2 d" or "4 wk".

    Raises:
        ValueError: it is written otherwise.
    """
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError('write a length of time as "90 min", "36 h", "2 d" or "4 wk"')
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def weekday(value: Any) -> int:
    if value not in WEEKDAYS:
        raise ValueError(f"write a weekday as one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(value)


Span = Annotated[timedelta, BeforeValidator(span)]
Weekday = Annotated[int, BeforeValidator(weekday)]


@dataclass(frozen=True)
class MomentEntry:
    """`{ after = "30 min" }` or `{ day = 1, at = 10:00:00 }`."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    after: Span | None = None
    at: time | None = None
    day: int = 0

    def __post_init__(self) -> None:
        if (self.after is None) == (self.at is None):
            raise ValueError('give either after = "30 min" or at = 10:00:00')

        if abs(self.day) > MOST_DAYS:
            raise ValueError(f"day is {self.day}; {MOST_DAYS} at most")

    def moment(self) -> Moment:
        return ElapsedTime(self.after) if self.after is not None else ClockTime(self.at or time(), self.day)


@dataclass(frozen=True)
class WeeksEntry:
    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    first: int = 1
    last: int | None = None
    every: int = 1
    on: tuple[Weekday, ...] = ()

    def __post_init__(self) -> None:
        numbers = (self.first, self.every, self.last if self.last is not None else self.first)
        if not all(1 <= each <= MOST_WEEKS for each in numbers):
            raise ValueError(f"first, last and every are weeks from 1 to {MOST_WEEKS}")

    def weeks(self) -> Weeks:
        return Weeks(self.first, self.last, self.every, self.on)


@dataclass(frozen=True)
class SlotEntry:
    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    key: str
    asks: tuple[str, ...]
    after: Span | None = None
    day: int = 0
    at: time | None = None
    open_for: Span | None = None
    open_until: MomentEntry | None = None
    open_until_treatment: bool = False
    remind: tuple[MomentEntry, ...] = ()
    weeks: WeeksEntry | None = None
    from_enrolment: bool = False
    only_first: int | None = None
    after_increase: bool = False
    unless_treatments: int | None = None

    def __post_init__(self) -> None:
        if (self.after is None) == (self.at is None):
            raise ValueError('give either after = "2 h" or day and at = 08:00:00')
        if abs(self.day) > MOST_DAYS:
            raise ValueError(f"day is {self.day}; at most {MOST_DAYS} before or after the treatment")
        if not self.asks:
            raise ValueError("asks names no kind")
        ends = [self.open_for is not None, self.open_until is not None, self.open_until_treatment]
        if sum(ends) != 1:
            raise ValueError("give one of open_for, open_until, open_until_treatment")

    def slot(self) -> Slot:
        due = MomentEntry(self.after, self.at, self.day).moment()
        end = ElapsedTime(self.open_for) if self.open_for is not None else None
        return Slot(
            key=self.key,
            asks=self.asks,
            due=due,
            open_for=self.open_until.moment() if self.open_until else end,
            reminders=tuple(each.moment() for each in self.remind),
            weeks=self.weeks.weeks() if self.weeks else None,
            from_enrolment=self.from_enrolment,
            only_first=self.only_first,
            after_increase=self.after_increase,
            unless_treatments=self.unless_treatments,
        )


@dataclass(frozen=True)
class ProtocolEntry:
    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    id: str
    name: str
    basis: str
    check_in: tuple[SlotEntry, ...] = ()
    status: str = "draft"
    approved_by: str = ""
    at_home: bool = False
    before_dose: str = ""
    week_begins: int = 0
    follows_for: Span = timedelta(weeks=4)
    spare_after_dose: Span = timedelta(hours=3)
    most_messages_a_day: int = 6
    with_baseline: bool = False
    typical_days: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if not self.typical_days or not all(0 <= each <= MOST_DAYS for each in self.typical_days):
            raise ValueError(f"typical_days are days from 0, the first treatment's, to {MOST_DAYS}")


@dataclass(frozen=True)
class KindEntry:
    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    items: tuple[str, ...]
    questions: int = 0
    asks_again: str = ""
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class _Shared:
    """What protocols draw on: kinds of check-in, and the check-ins before a first treatment."""

    kinds: dict[str, Kind]
    before: list[SlotEntry]


def load_protocols(
    documents: Sequence[Document],
    items: Mapping[str, Item],
    instruments: Mapping[str, Instrument],
    problems: list[Problem],
) -> Mapping[str, Protocol]:
    """Return the protocols by id, with the kinds and the baseline that other files of the folder give."""
    shared = _Shared({}, [])
    entries: list[tuple[Document, ProtocolEntry]] = []
    for document in documents:
        data = dict(document.data)
        for key, given in table_of(data, "kinds", document, problems).items():
            kind = checked(KindEntry, given, document, ("kind", key), problems)
            if kind:
                shared.kinds[key] = _kind(key, kind, items, instruments)
                problems.extend(_kind_problems(key, kind, items, document))
        before = data.pop("before_treatment", [])
        slots = checked(tuple[SlotEntry, ...], before, document, ("before_treatment",), problems)
        shared.before.extend(slots or ())
        if data:
            protocol = checked(ProtocolEntry, data, document, ("protocol",), problems)
            if protocol:
                entries.append((document, protocol))
    protocols: dict[str, Protocol] = {}
    for document, entry in entries:
        if entry.id in protocols:
            problems.append(document.problem(f"protocol {entry.id!r} appears twice", entry.id))
        full = replace(entry, check_in=(*(shared.before if entry.with_baseline else ()), *entry.check_in))
        problems.extend(_protocol_problems(document, full, shared.kinds))
        protocols[entry.id] = _protocol(full, shared.kinds)
        problems.extend(_overlaps(document, protocols[entry.id]))
    return protocols


def _kind(
    key: str, entry: KindEntry, items: Mapping[str, Item], instruments: Mapping[str, Instrument]
) -> Kind:
    asked = [items[each] for each in entry.items if each in items]
    owners = {item.instrument for item in asked}
    return Kind(
        key,
        entry.items,
        entry.questions or len(entry.items),
        entry.asks_again,
        about_night=any(item.about_night for item in asked),
        days_between=max(
            (instruments[each].days_between for each in owners if each in instruments), default=0
        ),
    )


def _kind_problems(
    key: str, entry: KindEntry, items: Mapping[str, Item], document: Document
) -> Iterator[Problem]:
    for item_id in (*entry.items, *([entry.asks_again] if entry.asks_again else [])):
        if item_id not in items:
            yield document.problem(f"kind {key!r}: there is no item {item_id!r}", item_id)
    if len(set(entry.items)) < len(entry.items):
        yield document.problem(f"kind {key!r} asks the same item twice", f"kinds.{key}")


def _protocol_problems(
    document: Document, entry: ProtocolEntry, kinds: Mapping[str, Kind]
) -> Iterator[Problem]:
    where = f"protocol {entry.id!r}"
    keys = [slot.key for slot in entry.check_in]
    for key in sorted({each for each in keys if keys.count(each) > 1}):
        yield document.problem(f"{where}: check-in {key!r} appears twice", f'"{key}"')
    for slot in entry.check_in:
        for kind in slot.asks:
            if kind not in kinds:
                yield document.problem(
                    f"{where}: check-in {slot.key!r} asks {kind!r}, which is no kind", f'"{slot.key}"'
                )
        if len(slot.remind) > MOST_REMINDERS:
            yield document.problem(
                f"{where}: check-in {slot.key!r} has {len(slot.remind)} reminders; {MOST_REMINDERS} at most",
                f'"{slot.key}"',
            )
    if entry.before_dose and entry.before_dose not in kinds:
        yield document.problem(f"{where}: before_dose {entry.before_dose!r} is no kind", "before_dose")
    if not entry.check_in:
        yield document.problem(f"{where} has no [[check_in]]")


def _overlaps(document: Document, protocol: Protocol) -> Iterator[Problem]:
    """Yield check-ins that fall due while an earlier one, which asks the same, is open."""
    planned = expand(protocol, [Dose(A_MONDAY)], ZoneInfo("UTC"), QuietHours())
    pairs = dict.fromkeys((one.key, other.key) for one, other in overlapping(planned))
    for one, other in pairs:
        yield document.problem(
            f"protocol {protocol.id!r}: {other!r} falls due while {one!r}, which asks the same, is open",
            f'"{other}"',
        )


def _protocol(entry: ProtocolEntry, kinds: Mapping[str, Kind]) -> Protocol:
    slots = tuple(slot.slot() for slot in entry.check_in)
    used = {kind for slot in slots for kind in slot.asks} | {entry.before_dose}
    return Protocol(
        id=entry.id,
        name=entry.name,
        slots=tuple(slot for slot in slots if kinds.keys() >= set(slot.asks)),
        kinds={key: kind for key, kind in kinds.items() if key in used},
        at_home=entry.at_home,
        before_dose=entry.before_dose,
        week_begins=entry.week_begins,
        follows_for=entry.follows_for,
        spare_after_dose=entry.spare_after_dose,
        most_messages_a_day=entry.most_messages_a_day,
        typical_days=entry.typical_days,
        status=entry.status,
        basis=entry.basis,
        approved_by=entry.approved_by,
    )
