"""Instruments and what their answers add up to. Every threshold is content, none is code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from bot.care.instrument import REFUSE_UNKNOWN, Answer, Item


@dataclass(frozen=True)
class Band:
    """A named range of a total, both ends included."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    key: str
    lowest: float
    highest: float


@dataclass(frozen=True)
class Score:
    """A sum of items. `cut_points` are totals at or above which a published cut applies, by name."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    key: str
    items: tuple[str, ...]
    lowest: float = 0
    highest: float = 0
    loinc: str = ""
    bands: tuple[Band, ...] = ()
    cut_points: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cluster:
    """A group of symptoms: an item counts as endorsed at `endorsed_at`, the group at `at_least` items."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    key: str
    items: tuple[str, ...]
    endorsed_at: float
    at_least: int


@dataclass(frozen=True)
class SymptomCount:
    """An algorithm that counts symptoms and needs one of the `core` items among them.

    An item counts at `counts_at`, those in `sooner` at their own value. Outcomes are tried in the
    order given: the first whose `at_least` is reached is the result.
    """

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    items: tuple[str, ...]
    core: tuple[str, ...]
    counts_at: float
    sooner: dict[str, float]
    outcomes: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Change:
    """How much of a change in `score` means something; every entry is a published figure.

    `not_reliable_to`: changes up to this size are likely noise. `minimal`: the smallest that patients
    notice. `reliable`: sizes beyond measurement error, by name of the source's strictness.
    `well_at_most`: totals at or below are nearer to people without the condition. `response_share`
    and `remission_below` with `remission_from` are for depression scales.
    """

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    score: str = "total"
    not_reliable_to: float | None = None
    minimal: float | None = None
    reliable: tuple[float, ...] = ()
    well_at_most: float | None = None
    response_share: float | None = None
    remission_below: float | None = None
    remission_from: float | None = None


@dataclass(frozen=True)
class Screen:
    """A yes-no screen: any `positive` answer among `items` asks `acute`; that item decides how urgent."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    items: tuple[str, ...]
    acute: str
    positive: tuple[str, ...]
    acute_positive: tuple[str, ...]


@dataclass(frozen=True)
class Instrument:
    """A published questionnaire. `status` is "verbatim" where the words are the publisher's."""

    __pydantic_config__: ClassVar = REFUSE_UNKNOWN
    id: str
    title: str
    licence: str
    source: str
    credit: str = ""
    version: str = ""
    url: str = ""
    loinc: str = ""
    recall_days: int = 0  # how far back its questions look
    days_between: int = 0  # never asked again sooner
    items: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    algorithm: SymptomCount | None = None
    change: Change | None = None
    screen: Screen | None = None
    language_status: dict[str, str] = field(default_factory=dict)  # {"es": "draft"}


@dataclass(frozen=True)
class Total:
    """What a score came to. `value` is None when it may not be totalled: `missing` says why."""

    key: str
    value: float | None
    missing: tuple[str, ...] = ()
    band: str = ""
    cuts_reached: tuple[str, ...] = ()
    loinc: str = ""


@dataclass(frozen=True)
class ClusterResult:
    key: str
    total: float
    endorsed: int
    met: bool


@dataclass(frozen=True)
class ChangeResult:
    """A change of a total. `size` is positive when it rose."""

    size: float
    not_reliable: bool
    minimal: bool
    reliable_at: tuple[float, ...]
    well: bool
    response: bool
    remission: bool

    @property
    def worse(self) -> bool:
        return self.size > 0


class ScreenOutcome(StrEnum):
    NEGATIVE = "negative"
    NON_ACUTE = "non_acute_positive"
    ACUTE = "acute_positive"
    INCOMPLETE = "incomplete"


def values_of(items: Iterable[Item], answers: Mapping[str, Answer]) -> dict[str, float]:
    """Return the score of every item that was answered with something that has one."""
    found: dict[str, float] = {}
    for item in items:
        answer = answers.get(item.id)
        if answer is None or not answer.given:
            continue
        option = item.option(answer.code)
        value = option.value if option else answer.value
        if value is not None:
            found[item.id] = value
    return found


def totals(instrument: Instrument, values: Mapping[str, float]) -> tuple[Total, ...]:
    """Return every score of an instrument; one with an item missing has no value."""
    return tuple(total(score, values) for score in instrument.scores)


def total(score: Score, values: Mapping[str, float]) -> Total:
    """Return one score, refused when any of its items is missing: a partial sum reads as improvement."""
    missing = tuple(each for each in score.items if each not in values)
    if missing:
        return Total(score.key, None, missing, loinc=score.loinc)
    value = sum(values[each] for each in score.items)
    band = next((each.key for each in score.bands if each.lowest <= value <= each.highest), "")
    cuts = tuple(name for name, at in score.cut_points.items() if value >= at)
    return Total(score.key, value, band=band, cuts_reached=cuts, loinc=score.loinc)


def clusters(instrument: Instrument, values: Mapping[str, float]) -> tuple[ClusterResult, ...] | None:
    """Return each symptom cluster, or None when an item is missing."""
    if any(item not in values for each in instrument.clusters for item in each.items):
        return None
    results = []
    for each in instrument.clusters:
        given = [values[item] for item in each.items]
        endorsed = sum(value >= each.endorsed_at for value in given)
        results.append(ClusterResult(each.key, sum(given), endorsed, endorsed >= each.at_least))
    return tuple(results)


def provisional(instrument: Instrument, values: Mapping[str, float]) -> bool | None:
    """Return whether every cluster is met (a provisional rule, never shown to a patient as more)."""
    found = clusters(instrument, values)
    return all(each.met for each in found) if found else None


def count_symptoms(rule: SymptomCount, values: Mapping[str, float]) -> tuple[int, str] | None:
    """Return how many symptoms count and the outcome ("" for none), or None with an item missing."""
    if any(item not in values for item in rule.items):
        return None
    counted = [item for item in rule.items if values[item] >= rule.sooner.get(item, rule.counts_at)]
    if not set(counted) & set(rule.core):
        return len(counted), ""
    outcome = next((name for name, at_least in rule.outcomes if len(counted) >= at_least), "")
    return len(counted), outcome


def change(rule: Change, before: float, now: float) -> ChangeResult:
    """Return what a change of total means by the published figures of the instrument."""
    size = now - before
    share, below, starting = rule.response_share, rule.remission_below, rule.remission_from
    return ChangeResult(
        size=size,
        not_reliable=rule.not_reliable_to is not None and abs(size) <= rule.not_reliable_to,
        minimal=rule.minimal is not None and abs(size) >= rule.minimal,
        reliable_at=tuple(each for each in rule.reliable if abs(size) >= each),
        well=rule.well_at_most is not None and now <= rule.well_at_most,
        response=share is not None and before > 0 and -size >= share * before,
        remission=below is not None and now < below and (starting is None or before >= starting),
    )


def screen(rule: Screen, codes: Mapping[str, str]) -> ScreenOutcome:
    """Return the outcome of a yes-no screen from the options chosen.

    A refusal counts as positive. Positive without an answer to the acute question is non-acute, never
    negative. `codes` leaves out what was not asked (the weekly form has no question 4) or skipped;
    with nothing answered the screen is incomplete.
    """
    if codes.get(rule.acute) in rule.acute_positive:
        return ScreenOutcome.ACUTE
    given = [codes[item] for item in rule.items if item in codes]
    if any(code in rule.positive for code in given):
        return ScreenOutcome.NON_ACUTE
    return ScreenOutcome.NEGATIVE if given else ScreenOutcome.INCOMPLETE
