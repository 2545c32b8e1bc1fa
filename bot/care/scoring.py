"""Instruments and what their answers add up to. Every threshold is content, none is code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from bot.care.instrument import REFUSE_UNKNOWN


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
