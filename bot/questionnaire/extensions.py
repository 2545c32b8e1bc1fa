"""What FHIR questionnaires say in extensions: scores, translations, limits, units, sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SCORES = (
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/valueset-ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/codesystem-ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/iso21090-CO-value",
)
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
LOWEST = "http://hl7.org/fhir/StructureDefinition/minValue"
HIGHEST = "http://hl7.org/fhir/StructureDefinition/maxValue"
HIDDEN = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden"
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
CALCULATED = (
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-calculatedExpression",
    "http://hl7.org/fhir/StructureDefinition/cqf-calculatedValue",
)
CARRIED = {*SCORES, TRANSLATION, UNIT, LOWEST, HIGHEST, HIDDEN, VARIABLE, *CALCULATED}

Node = Mapping[str, Any]


def objects(given: Any) -> list[Node]:
    """Return the objects of a list; what is no list, or no object, is left out."""
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []


def extensions(node: Any) -> Iterator[Node]:
    """Yield the extensions of a node that are well formed."""
    given = node.get("extension") if isinstance(node, Mapping) else None
    yield from (each for each in objects(given) if isinstance(each.get("url"), str))


def value(extension: Node) -> Any:
    """Return the value of an extension, whatever its type, or None."""
    return next((given for key, given in extension.items() if key.startswith("value")), None)


def first(node: Any, *urls: str) -> Any:
    """Return the value of the first extension with one of the urls, or None."""
    return next((value(each) for each in extensions(node) if each["url"] in urls), None)


def score(*nodes: Any) -> float | None:
    """Return the score of an option from the first of its places that gives one."""
    for node in nodes:
        given = first(node, *SCORES)
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return float(given)
    return None


def translations(node: Any) -> dict[str, str]:
    """Return the translations of a text by language: `node` is what stands beside it, `_text`."""
    found: dict[str, str] = {}
    for each in extensions(node):
        if each["url"] != TRANSLATION:
            continue
        language, content = first(each, "lang"), first(each, "content")
        if isinstance(language, str) and isinstance(content, str):
            found[language_of(language)] = content
    return found


def language_of(code: str) -> str:
    """Return the folder name of a language: "es-MX" is kept under "es"."""
    return code.strip().lower().replace("_", "-").split("-")[0]


def expressions(node: Any, *urls: str) -> Iterator[tuple[str, str]]:
    """Yield (name, expression) of every expression extension with one of the urls."""
    for each in extensions(node):
        if each["url"] in urls:
            given = value(each)
            if isinstance(given, Mapping) and isinstance(given.get("expression"), str):
                yield str(given.get("name", "")), given["expression"]
            elif isinstance(given, str):
                yield "", given
