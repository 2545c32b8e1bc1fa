"""Reading `prompts/conduct.toml`: the numbers and levels of what the bot does around the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from bot.care.instrument import Item, ItemKind
from bot.care.level import Level
from bot.content.source import Document, Problem, checked

FILE = "conduct.toml"


def _level(written: Any) -> Level:
    return written if isinstance(written, Level) else Level.from_key(str(written))


LevelKey = Annotated[Level, BeforeValidator(_level)]
Some = Annotated[int, Field(gt=0, le=100_000)]


@dataclass(frozen=True, kw_only=True)
class _Section:
    """A part of the file. `basis` says where its numbers come from, `status` whether they are approved."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    basis: str = ""
    status: str = "draft"


@dataclass(frozen=True, kw_only=True)
class Unreadable(_Section):
    """How urgent it is when something cannot be read (UNK-1)."""

    level: LevelKey
    after_treatment: LevelKey
    within_hours: Some
    failed: LevelKey

    def since_treatment(self, hours: timedelta | None) -> Level:
        """Return the level so long after the latest treatment; None when there was none."""
        soon = hours is not None and hours <= timedelta(hours=self.within_hours)
        return max(self.level, self.after_treatment) if soon else self.level


@dataclass(frozen=True, kw_only=True)
class Help(_Section):
    """How urgent it is when the patient asks for a person (HELP-1, HELP-2)."""

    now: LevelKey
    today: LevelKey


@dataclass(frozen=True, kw_only=True)
class SecondReading(_Section):
    """Which rules wait for a second reading of which item, and how long."""

    rules: tuple[str, ...]
    item: str
    rest_minutes: Some
    within_minutes: Some


@dataclass(frozen=True, kw_only=True)
class Consent(_Section):
    """How long a consent holds, and how often it is asked for again."""

    valid_days: Some
    ask_again_days: Some


@dataclass(frozen=True, kw_only=True)
class Invites(_Section):
    """How long an invite can be opened, and how many wrong ones a chat may try in how long."""

    valid_days: Some
    most_guesses: Some
    guess_minutes: Some


@dataclass(frozen=True, kw_only=True)
class Relay(_Section):
    """How long a patient's words go to the clinician who wrote last."""

    thread_hours: Some


@dataclass(frozen=True, kw_only=True)
class Caseload(_Section):
    """Who is due soon, silent, or getting worse. `worse_by_percent` is of the width of a scale."""

    due_within_hours: Some
    silent_after_missed: Some
    recent_days: Some
    compare_days: Some
    worse_by_percent: Some


@dataclass(frozen=True, kw_only=True)
class Digest(_Section):
    """When coordinators get the week in a few lines: a day and a time of the clinic's own clock."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    at: time


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """The whole file."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    unreadable: Unreadable
    help: Help
    second_reading: SecondReading
    consent: Consent
    invites: Invites
    relay: Relay
    caseload: Caseload
    digest: Digest


DRAFT = Conduct(  # only stands in while problems are listed; content with problems is never used
    unreadable=Unreadable(
        level=Level.URGENT, after_treatment=Level.URGENT, within_hours=24, failed=Level.URGENT
    ),
    help=Help(now=Level.URGENT, today=Level.URGENT),
    second_reading=SecondReading(rules=(), item="", rest_minutes=1, within_minutes=2),
    consent=Consent(valid_days=1, ask_again_days=1),
    invites=Invites(valid_days=1, most_guesses=1, guess_minutes=1),
    relay=Relay(thread_hours=1),
    caseload=Caseload(
        due_within_hours=1, silent_after_missed=1, recent_days=1, compare_days=1, worse_by_percent=1
    ),
    digest=Digest(weekday="monday", at=time(8)),
)


def load_conduct(
    document: Document | None, items: Mapping[str, Item], rules: Iterable[str], problems: list[Problem]
) -> Conduct:
    """Return what the file says; what is wrong with it is added to `problems`."""
    if document is None:
        if not any(each.file == FILE for each in problems):
            problems.append(
                Problem(FILE, "is missing; restore it from the content that came with the program")
            )
        return DRAFT
    read = checked(Conduct, document.data, document, (), problems)
    if read is None:
        return DRAFT
    problems.extend(document.problem(what, needle) for needle, what in _problems_of(read, items, set(rules)))
    return read


def _problems_of(conduct: Conduct, items: Mapping[str, Item], rules: set[str]) -> Iterable[tuple[str, str]]:
    second = conduct.second_reading
    item = items.get(second.item)
    if second.rules and (item is None or item.kind is not ItemKind.PRESSURE):
        yield "item", f'[second_reading] item is "{second.item}", which is no item of kind pressure'
    for rule in sorted(set(second.rules) - rules):
        yield "rules", f'[second_reading] rules names "{rule}", and there is no such structured rule'
    if second.rest_minutes >= second.within_minutes:
        yield (
            "rest_minutes",
            f"[second_reading] rest_minutes is {second.rest_minutes}; it must be less than within_minutes,"
            f" which is {second.within_minutes}",
        )
