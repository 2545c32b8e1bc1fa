"""Finding crisis in short free text: word patterns in English and Spanish, never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import re2

from bot.care.level import Finding, Level


@dataclass(frozen=True)
class Phrase:
    """One way of saying something that matters, and the rule it leads to."""

    rule_id: str
    level: Level
    told: str
    asks: bool
    pattern: re2._Regexp


class PhraseBook:
    """Every phrase the clinic listens for."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._phrases = tuple(phrases)

    def judge(self, text: str) -> tuple[Finding, ...]:
        """Return what `text` says, most urgent first. Never raises, whatever the text."""
        folded = text.encode("utf-8", "replace").decode().lower()
        found = {}
        for phrase in self._phrases:
            if match := phrase.pattern.search(folded):
                found.setdefault(
                    phrase.rule_id,
                    Finding(phrase.rule_id, phrase.level, (match.group(),), told=phrase.told, asks=phrase.asks),
                )
        return tuple(sorted(found.values(), key=lambda each: -each.level))


def reads_as_yes(text: str) -> bool:
    """Tell whether a typed answer to the direct question is a yes, in English or Spanish."""
    return text.strip(" .!¡").lower() in {"yes", "y", "yeah", "yep", "si", "sí"}


def reads_as_no(text: str) -> bool:
    """Tell whether a typed answer to the direct question is a no, in English or Spanish."""
    return text.strip(" .!¡").lower() in {"no", "n", "nope", "nah"}


def reads_as_unsure(text: str) -> bool:
    """Tell whether a typed answer to the direct question is "not sure", in English or Spanish."""
    return text.strip(" .!¡").lower() in {"not sure", "maybe", "i don't know", "no sé", "no se", "quizás", "tal vez"}
