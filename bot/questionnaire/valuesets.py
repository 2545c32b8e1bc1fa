"""Answer lists that stand outside the question: contained, or supplied in files of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.questionnaire.extensions import language_of, objects, score

WEIGHTS = ("itemWeight", "ordinalValue", "weight")
OWN_SYSTEM = "urn:aftercare:answers"  # answers that were published in no code system


@dataclass(frozen=True)
class Concept:
    """One answer of an answer list."""

    code: str
    system: str
    display: str
    score: float | None
    translations: Mapping[str, str]


class AnswerLists:
    """Every ValueSet and CodeSystem at hand, by url and by id."""

    def __init__(self, contained: Sequence[Any], supplied: Sequence[Any]) -> None:
        self._by_name: dict[str, Mapping[str, Any]] = {}
        for resource in _unpacked(supplied):
            self._keep(resource, "")
        for resource in _unpacked(contained):
            self._keep(resource, "#")

    def _keep(self, resource: Mapping[str, Any], mark: str) -> None:
        for name, given in (("", resource.get("url")), (mark, resource.get("id"))):
            if isinstance(given, str) and given:
                self._by_name[name + given] = resource

    def concepts(self, reference: str) -> tuple[Concept, ...]:
        """Return the answers of a list.

        Raises:
            LookupError: it is not at hand, or says its answers only by a rule.
        """
        resource = self._by_name.get(reference) or self._by_name.get(reference.split("|", 1)[0])
        if resource is None:
            raise LookupError(f"answerValueSet {reference} was not supplied; give its file with --valueset")
        concepts = tuple(self._of(resource, frozenset()))
        if not concepts:
            raise LookupError(f"answerValueSet {reference} lists no answers of its own")
        return concepts

    def _of(self, resource: Mapping[str, Any], above: frozenset[int]) -> Iterator[Concept]:
        """Yield the answers of a list; `above` are those it is part of, so that a ring comes to an end."""
        if id(resource) in above:
            return
        above |= {id(resource)}
        if resource.get("resourceType") == "CodeSystem":
            yield from _concepts(objects(resource.get("concept")), str(resource.get("url", "")))
        elif expanded := _within(resource, "expansion", "contains"):
            for entry in expanded:
                yield from _concepts([entry], str(entry.get("system", "")))
        else:
            for include in _within(resource, "compose", "include"):
                yield from self._included(include, resource, above)

    def _included(
        self, include: Mapping[str, Any], resource: Mapping[str, Any], above: frozenset[int]
    ) -> Iterator[Concept]:
        system = str(include.get("system", ""))
        listed = objects(include.get("concept"))
        if listed:
            scored = {each.code: each.score for each in self._of(self._by_name.get(system, {}), above)}
            for each in _concepts(listed, system):
                yield each if each.score is not None else _with_score(each, scored.get(each.code))
        elif include.get("filter"):
            raise LookupError(f"ValueSet {resource.get('url', resource.get('id'))} chooses by a filter")
        else:
            others = include.get("valueSet")
            for name in (*(others if isinstance(others, list) else ()), system):
                yield from self._of(self._by_name.get(str(name).split("|", 1)[0], {}), above)


def _within(resource: Mapping[str, Any], part: str, key: str) -> list[Mapping[str, Any]]:
    inner = resource.get(part)
    return objects(inner.get(key)) if isinstance(inner, Mapping) else []


def _unpacked(resources: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for resource in objects(list(resources)):
        if resource.get("resourceType") == "Bundle":
            yield from _unpacked([each.get("resource") for each in objects(resource.get("entry"))])
        else:
            yield from _unpacked(objects(resource.get("contained")))
            yield resource


def _concepts(entries: Sequence[Mapping[str, Any]], system: str) -> Iterator[Concept]:
    for entry in entries:
        given = score(entry)
        yield Concept(
            code=str(entry.get("code", "")),
            system=system,
            display=str(entry.get("display", entry.get("code", ""))),
            score=given if given is not None else _weight(entry),
            translations={
                language_of(str(each["language"])): str(each["value"])
                for each in objects(entry.get("designation"))
                if each.get("language") and each.get("value")
            },
        )
        yield from _concepts(objects(entry.get("concept")), system)


def _weight(entry: Mapping[str, Any]) -> float | None:
    """Return the score a code system gives as a property of its concept."""
    for each in objects(entry.get("property")):
        number = each.get("valueDecimal", each.get("valueInteger"))
        if each.get("code") in WEIGHTS and isinstance(number, (int, float)):
            return float(number)
    return None


def _with_score(concept: Concept, given: float | None) -> Concept:
    return Concept(concept.code, concept.system, concept.display, given, concept.translations)
