"""Phrases, the guards that lower them, and what a text's findings come to once context is weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from bot.care.level import Finding, Level
from bot.care.nodes import Node


@dataclass(frozen=True)
class Guard:
    """Context that lowers a phrase to `to` when it stands before it, after it or anywhere in the message."""

    id: str
    to: Level
    before: tuple[Node, ...] = ()
    after: tuple[Node, ...] = ()
    anywhere: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Phrase:
    """Ways of saying one thing, and the rule they lead to.

    `strong` phrases speak of intent, plan, means or preparation. `cue` phrases are implicit: two different
    ones in a message count as `cue_rule` of the book. `guards` are the ids of the guards that may lower it.
    """

    id: str
    rule_id: str
    level: Level
    told: str = ""
    asks: bool = False
    strong: bool = False
    cue: bool = False
    guards: tuple[str, ...] = ()
    say: tuple[Node, ...] = ()
    written: tuple[str, ...] = ()  # the patterns as in the file, for people


@dataclass(frozen=True)
class Together:
    """What two different implicit cues in one message amount to."""

    rule_id: str
    level: Level
    told: str


class Hit(NamedTuple):
    """One place where a phrase was found. `lowered_by` is the guard that lowered it, "" for none."""

    phrase: Phrase
    pattern: str
    words: str
    level: Level
    start: int
    end: int
    lowered_by: str = ""


@dataclass(frozen=True)
class Judgement:
    """All that was seen in a text: what was found, and, for people who own the rules, what nearly was."""

    hits: tuple[Hit, ...] = ()
    findings: tuple[Finding, ...] = ()
    restored: bool = False  # a strong phrase undid the lowering of others


_PLACE = attrgetter("start", "end")
_LEVEL = attrgetter("level")


def bound(hits: list[Hit]) -> list[Hit]:
    """Lower what stands inside a longer, lowered phrase: the context of the whole holds for its parts."""
    if not any(hit.lowered_by for hit in hits):
        return hits
    weighed: list[Hit] = []
    widest: Hit | None = None  # of the lowered ones begun so far, the one that reaches farthest
    for hit in sorted(hits, key=lambda each: (each.start, -each.end, not each.lowered_by)):
        if hit.lowered_by:
            widest = hit if widest is None or hit.end > widest.end else widest
        elif widest and hit.end <= widest.end and (hit.start, hit.end) != (widest.start, widest.end):
            weighed.append(hit._replace(level=min(hit.level, widest.level), lowered_by=widest.lowered_by))
            continue
        weighed.append(hit)
    return weighed


def restored(hits: list[Hit]) -> tuple[list[Hit], bool]:
    """Undo every lowering when a phrase of intent, plan, means or preparation stands unlowered."""
    if not any(hit.phrase.strong and not hit.lowered_by for hit in hits):
        return hits, False
    if not any(hit.lowered_by for hit in hits):
        return hits, False
    return [hit._replace(level=hit.phrase.level, lowered_by="") for hit in hits], True


def findings_of(hits: Sequence[Hit], together: Together | None) -> tuple[Finding, ...]:
    """Return one finding per rule, most urgent first, with the words that led to it."""
    by_rule: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=_PLACE):
        by_rule.setdefault(hit.phrase.rule_id, []).append(hit)
    findings = {rule: _finding(each) for rule, each in by_rule.items()}
    cues = {hit.phrase.id: hit.words for hit in hits if hit.phrase.cue and not hit.lowered_by}
    if together and len(cues) >= 2:
        findings[together.rule_id] = Finding(
            together.rule_id, together.level, tuple(cues.values()), told=together.told
        )
    return tuple(sorted(findings.values(), key=lambda each: (-each.level, each.rule_id)))


def _finding(hits: list[Hit]) -> Finding:
    """Return the finding a rule's most urgent hit leads to; a lowered one neither tells nor asks anything."""
    top = max(hits, key=_LEVEL)
    words = tuple(dict.fromkeys([hit.words for hit in hits if hit.level == top.level]))
    phrase, whole = top.phrase, not top.lowered_by
    return Finding(
        phrase.rule_id, top.level, words, told=phrase.told if whole else "", asks=phrase.asks and whole
    )
