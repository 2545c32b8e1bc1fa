"""What a rule set costs and catches: the alerts it would have raised on a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.care.level import Level


@dataclass(frozen=True, order=True)
class Hit:
    """One rule that fires for one patient at one moment."""

    at: datetime
    patient: str
    rule_id: str
    level: Level

    def as_json(self) -> dict[str, str]:
        return {
            "at": self.at.isoformat(), "patient": self.patient, "rule": self.rule_id, "level": self.level.key
        }  # fmt: skip


@dataclass(frozen=True)
class Burden:
    """A rule set before and after a change, on the same record."""

    patients: int
    weeks: float  # patient-weeks
    before: tuple[Hit, ...]
    after: tuple[Hit, ...]

    def a_week(self, hits: Sequence[Hit]) -> Mapping[Level, float]:
        """Return alerts per patient-week, the most urgent level first."""
        count = dict.fromkeys(sorted(Level, reverse=True), 0)
        for hit in hits:
            count[hit.level] += 1
        return {level: number / self.weeks if self.weeks else 0.0 for level, number in count.items()}

    @property
    def new(self) -> tuple[Hit, ...]:
        """Alerts that only the changed rules raise."""
        return _missing_from(self.before, self.after)

    @property
    def lost(self) -> tuple[Hit, ...]:
        """Alerts that the changed rules no longer raise."""
        return _missing_from(self.after, self.before)

    def lines(self) -> Iterator[str]:
        """Say it as a table: alerts per patient-week by level, then every new and every lost one."""
        yield f"{self.patients} patients, {self.weeks:.1f} patient-weeks"
        yield f"{'alerts per patient-week':<26}{'before':>9}{'after':>9}"
        before, after = self.a_week(self.before), self.a_week(self.after)
        for level, number in before.items():
            yield f"{level.key:<26}{number:>9.2f}{after[level]:>9.2f}"
        for title, hits in (("new", self.new), ("lost", self.lost)):
            yield f"{len(hits)} {title}" + (":" if hits else "")
            yield from (
                f"  {hit.patient}  {hit.at:%Y-%m-%d %H:%M}  {hit.rule_id}  {hit.level.key}" for hit in hits
            )

    def as_json(self) -> dict[str, object]:
        return {
            "patients": self.patients,
            "patient_weeks": self.weeks,
            "before": {level.key: number for level, number in self.a_week(self.before).items()},
            "after": {level.key: number for level, number in self.a_week(self.after).items()},
            "new": [hit.as_json() for hit in self.new],
            "lost": [hit.as_json() for hit in self.lost],
        }


def joined(hits: Iterable[Hit], within: timedelta) -> tuple[Hit, ...]:
    """Return the hits that would raise or worsen an alert: the same rule again within `within` joins."""
    last: dict[tuple[str, str], Hit] = {}
    kept = []
    for hit in sorted(hits):
        before = last.get((hit.patient, hit.rule_id))
        if before is None or hit.at - before.at > within or hit.level > before.level:
            kept.append(hit)
            last[hit.patient, hit.rule_id] = hit
    return tuple(kept)


def _missing_from(known: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """A hit is known when the same patient had one at the same moment at least as urgent."""
    level_at: dict[tuple[str, datetime], Level] = {}
    for hit in known:
        place = (hit.patient, hit.at)
        level_at[place] = max(hit.level, level_at.get(place, Level.WATCH))
    return tuple(hit for hit in hits if level_at.get((hit.patient, hit.at), 0) < hit.level)
