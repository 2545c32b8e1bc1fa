"""Answer lists that stand outside the question: contained, or supplied in files of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.questionnaire.extensions import language_of, score

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
            for name in (resource.get("url"), resource.get("id")):
                self._by_name[str(name)] = resource
        for resource in _unpacked(contained):
            self._by_name[f"#{resource.get('id')}"] = resource
            self._by_name[str(resource.get("url"))] = resource

    def concepts(self, reference: str) -> tuple[Concept, ...]:
        """Return the answers of a list.

        Raises:
            LookupError: it is not at hand, or says its answers only by a rule.
        """
        resource = self._by_name.get(reference) or self._by_name.get(reference.split("|", 1)[0])
        if resource is None:
            raise LookupError(f"answerValueSet {reference} was not supplied; give its file with --valueset")
        concepts = tuple(self._of(resource))
        if not concepts:
            raise LookupError(f"answerValueSet {reference} lists no answers of its own")
        return concepts

    def _of(self, resource: Mapping[str, Any]) -> Iterator[Concept]:
        if resource.get("resourceType") == "CodeSystem":
            yield from _concepts(_list(resource.get("concept")), str(resource.get("url", "")))
            return
        contains = _list((resource.get("expansion") or {}).get("contains"))
        if contains:
            for entry in contains:
                yield from _concepts([entry], str(entry.get("system", "")))
            return
        for include in _list((resource.get("compose") or {}).get("include")):
            system = str(include.get("system", ""))
            listed = _list(include.get("concept"))
            if listed:
                scored = {each.code: each.score for each in self._of(self._by_name.get(system, {}))}
                for each in _concepts(listed, system):
                    yield each if each.score is not None else _with_score(each, scored.get(each.code))
            elif include.get("filter"):
                raise LookupError(f"ValueSet {resource.get('url', resource.get('id'))} chooses by a filter")
            else:
                for name in (*_list(include.get("valueSet")), system):
                    yield from self._of(self._by_name.get(str(name).split("|", 1)[0], {}))


def _unpacked(resources: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for resource in resources:
        if not isinstance(resource, Mapping):
            continue
        if resource.get("resourceType") == "Bundle":
            yield from _unpacked([each.get("resource") for each in _list(resource.get("entry"))])
        else:
            yield from _unpacked(_list(resource.get("contained")))
            yield resource


def _list(given: Any) -> list[Any]:
    return [each for each in given if isinstance(each, (Mapping, str))] if isinstance(given, list) else []


def _concepts(entries: Sequence[Mapping[str, Any]], system: str) -> Iterator[Concept]:
    for entry in entries:
        weights = [
            each
            for each in _list(entry.get("property"))
            if each.get("code") in ("itemWeight", "ordinalValue")
        ]
        numbers = [each.get("valueDecimal", each.get("valueInteger")) for each in weights]
        given = score(entry)
        yield Concept(
            code=str(entry.get("code", "")),
            system=system,
            display=str(entry.get("display", entry.get("code", ""))),
            score=given if given is not None else next((float(n) for n in numbers if n is not None), None),
            translations={
                language_of(str(each["language"])): str(each["value"])
                for each in _list(entry.get("designation"))
                if each.get("language") and each.get("value")
            },
        )
        yield from _concepts(_list(entry.get("concept")), system)


def _with_score(concept: Concept, given: float | None) -> Concept:
    return Concept(concept.code, concept.system, concept.display, given, concept.translations)
