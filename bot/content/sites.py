"""Sites from `prompts/sites`: a clinic's numbers, hours and targets, and how old its numbers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from bot.care.instrument import REFUSE_UNKNOWN
from bot.content.protocols import WEEKDAYS
from bot.content.source import Document, Problem, checked
from bot.content.wording import Language

STALE_AFTER = timedelta(days=180)
REQUIRED_NUMBERS = ("emergency", "suicide")
KNOWN_NUMBERS = (
    *REQUIRED_NUMBERS,
    "veterans",
    "text_line",
    "poison",
    "partner_violence",
    "child_abuse",
    "sexual_assault",
)


@dataclass(frozen=True)
class CrisisNumber:
    """A number people are told to call. `sentences` say how, by language; `verified_on` is when
    somebody last checked that it still answers.
    """

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    number: str
    verified_on: date
    source: str
    sentences: dict[str, str] = field(default_factory=dict)

    def is_stale(self, today: date) -> bool:
        return today - self.verified_on > STALE_AFTER


@dataclass(frozen=True)
class OpenHours:
    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    open: time
    close: time


@dataclass(frozen=True)
class SiteContent:
    """A clinic as the messages speak of it."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    id: str
    name: str
    country: str
    zone: str
    languages: tuple[str, ...]
    phone: str
    numbers: dict[str, CrisisNumber]
    hours: dict[str, OpenHours]
    holidays: tuple[date, ...] = ()
    urgent_hours: int = 2
    driving_hours: int = 24
    no_benzodiazepine_hours: int = 12
    age_of_majority: int = 18
    reporting_note: str = ""
    approved_by: str = ""

    def hours_on(self, day: date) -> OpenHours | None:
        """Return when the clinic is open on a local day, None when it is closed."""
        return None if day in self.holidays else self.hours.get(WEEKDAYS[day.weekday()])

    def is_open(self, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(self.zone))
        hours = self.hours_on(local.date())
        return hours is not None and hours.open <= local.time() < hours.close

    def next_opening(self, now: datetime) -> datetime | None:
        """Return the local time at which the clinic opens next, None when it never does in 30 days."""
        local = now.astimezone(ZoneInfo(self.zone))
        for ahead in range(31):
            day = local.date() + timedelta(days=ahead)
            hours = self.hours_on(day)
            opens = hours and datetime.combine(day, hours.open, tzinfo=local.tzinfo)
            if opens and opens > local:
                return opens
        return None

    def fill(self, language: Language | None = None) -> dict[str, object]:
        """Return the placeholder values every message may use.

        `{suicide}` is a number; `{suicide_how}` the sentence in the language that says how to use it,
        empty where the country has no such line.
        """
        code = language.code if language else "en"
        usual = next(iter(self.hours.values()), OpenHours(time(9), time(17)))
        values: dict[str, object] = {
            "clinic": self.name,
            "phone": self.phone,
            "hours": self.urgent_hours,
            "driving_hours": self.driving_hours,
            "open": clock_text(usual.open, language),
            "close": clock_text(usual.close, language),
        }
        for kind in KNOWN_NUMBERS:
            entry = self.numbers.get(kind)
            sentences = entry.sentences if entry else {}
            values[kind] = entry.number if entry else ""
            values[f"{kind}_how"] = sentences.get(code) or sentences.get("en", "")
        return values


def clock_text(at: time, language: Language | None) -> str:
    """Return a clock time as the language writes it: "8:00 am", or "08:00" without am and pm."""
    if language is None or not language.am:
        return at.strftime("%H:%M")
    return f"{(at.hour + 11) % 12 + 1}:{at.minute:02} {language.pm if at.hour >= 12 else language.am}"


def load_sites(documents: Sequence[Document], problems: list[Problem]) -> Mapping[str, SiteContent]:
    """Return the sites by id; what is missing or unknown is added to the problems."""
    sites: dict[str, SiteContent] = {}
    for document in documents:
        site = checked(SiteContent, document.data, document, ("site",), problems)
        if site is None:
            continue
        if site.id in sites:
            problems.append(document.problem(f"site {site.id!r} appears twice", site.id))
        sites[site.id] = site
        problems.extend(_site_problems(site, document))
    return sites


def _site_problems(site: SiteContent, document: Document) -> list[Problem]:
    found = []
    if site.zone not in available_timezones():
        found.append(document.problem(f"zone {site.zone!r} is unknown; write it as America/Chicago", "zone"))
    found += [
        document.problem(f"there is no {kind} number; every site needs one", "numbers")
        for kind in REQUIRED_NUMBERS
        if kind not in site.numbers
    ]
    for kind, entry in site.numbers.items():
        if kind not in KNOWN_NUMBERS:
            found.append(
                document.problem(f"number {kind!r} is unknown; known: {', '.join(KNOWN_NUMBERS)}", kind)
            )
        absent = [code for code in site.languages if kind != "emergency" and not entry.sentences.get(code)]
        if absent:
            found.append(document.problem(f"number {kind!r} has no sentence in {', '.join(absent)}", kind))
    for day, hours in site.hours.items():
        if day not in WEEKDAYS:
            found.append(document.problem(f"{day!r} is no weekday; write {', '.join(WEEKDAYS)}", day))
        if hours.open >= hours.close:
            found.append(document.problem(f"{day} closes at {hours.close}, not after it opens", day))
    return found
