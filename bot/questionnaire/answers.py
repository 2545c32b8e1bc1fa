"""The answers of a choice: read from the question or from a list, and made fit for buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.care.instrument import NONE, ItemKind, Option
from bot.questionnaire import extensions as ext
from bot.questionnaire.names import slug, unique
from bot.questionnaire.sheet import Findings, RawItem
from bot.questionnaire.valuesets import OWN_SYSTEM, AnswerLists, Concept

LONGEST_CODE = 30
LOINC = "http://loinc.org"
OTHER = "other"
YES_NO = {
    "en": {"true": "Yes", "false": "No"},
    "es": {"true": "Sí", "false": "No"},
}
OTHER_WORDS = {
    "en": ("Something else", "What else? Please type it."),
    "es": ("Otra cosa", "¿Qué más? Escríbalo."),
}
NONE_WORDS = {"en": "None of these", "es": "Nada de esto"}
_PLAIN = "\0"  # an answer that is a string or a number: it has no system and needs none
Shown = dict[str, dict[str, str]]  # language -> code -> words


class Answers:
    """Reads the answers of choices; what is wrong with them goes to the findings."""

    def __init__(self, lists: AnswerLists, findings: Findings) -> None:
        self._lists, self._findings = lists, findings

    def options(
        self, raw: RawItem, kind: ItemKind, languages: Sequence[str]
    ) -> tuple[tuple[Option, ...], Shown]:
        """Return the answers of a choice and their words in each language; none for other kinds."""
        if kind not in (ItemKind.CHOICE, ItemKind.MULTI):
            return (), {language: {} for language in languages}
        listed: list[tuple[Option, Mapping[str, str], str]] = []
        taken: set[str] = set()
        for each in self._concepts(raw):
            code = unique(_button_code(each.code), taken, LONGEST_CODE)
            published = each.code if each.code != code else ""
            loinc = each.code if each.system == LOINC else ""
            option = Option(code, each.score, loinc=loinc, system=each.system, published=published)
            listed.append((option, each.translations, each.display))
        if kind is ItemKind.MULTI and NONE not in taken:
            listed.insert(0, (Option(NONE), NONE_WORDS, NONE_WORDS["en"]))
        if raw.type == "open-choice":
            words = {language: given[0] for language, given in OTHER_WORDS.items()}
            listed.append((Option(unique(OTHER, taken, LONGEST_CODE)), words, words["en"]))
        shown = {
            language: {option.code: words.get(language) or display for option, words, display in listed}
            for language in languages
        }
        return tuple(option for option, _, _ in listed), shown

    def _concepts(self, raw: RawItem) -> Iterator[Concept]:
        reference = raw.data.get("answerValueSet")
        if raw.type == "boolean":
            yield from (
                Concept(code, "", YES_NO["en"][code], None, _yes_no(code)) for code in ("true", "false")
            )
        elif isinstance(reference, str):
            try:
                yield from self._with_systems(raw, self._lists.concepts(reference))
            except LookupError as error:
                self._findings.add(f"item {raw.link_id!r}: {error.args[0]}")
        elif isinstance(raw.data.get("answerOption"), list):
            given = [each for entry in raw.data["answerOption"] if (each := _concept(entry))]
            yield from self._with_systems(raw, given)
        else:
            self._findings.add(f"item {raw.link_id!r} is a choice without answers")

    def _with_systems(self, raw: RawItem, concepts: Sequence[Concept]) -> Iterator[Concept]:
        for each in concepts:
            if not each.code:
                self._findings.add(f"item {raw.link_id!r}: answer {each.display!r} has no code")
            elif each.system == "":
                self._findings.add(
                    f"item {raw.link_id!r}: answer {each.code!r} has a coding without a system"
                )
            else:
                yield _without_system(each) if each.system in (_PLAIN, OWN_SYSTEM) else each


def _concept(entry: Any) -> Concept | None:
    """Return one answerOption; its score may stand on the option, on the coding or on the value."""
    if not isinstance(entry, Mapping):
        return None
    key = next((each for each in entry if each.startswith("value")), "")
    given, beside = entry.get(key), entry.get(f"_{key}")
    if isinstance(given, Mapping):
        display = str(given.get("display") or given.get("code") or "")
        score = ext.score(entry, given, given.get("_display"))
        translated = ext.translations(given.get("_display"))
        return Concept(str(given.get("code", "")), str(given.get("system", "")), display, score, translated)
    if given is None or isinstance(given, bool):
        return None
    score = ext.score(entry, beside)
    if score is None and isinstance(given, int):
        score = float(given)
    return Concept(str(given), _PLAIN, str(given), score, ext.translations(beside))


def _without_system(concept: Concept) -> Concept:
    return Concept(concept.code, "", concept.display, concept.score, concept.translations)


def _yes_no(code: str) -> dict[str, str]:
    return {language: words[code] for language, words in YES_NO.items()}


def _button_code(code: str) -> str:
    """Return a code that fits a button: as published when it can be."""
    plain = re.fullmatch(r"[A-Za-z0-9._/-]{1,30}", code)
    return code if plain else slug(code, LONGEST_CODE)
