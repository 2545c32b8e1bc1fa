"""Small FHIR questionnaires for the tests, and content that holds an imported one."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.content import Content
from bot.content.items import load_items
from bot.content.source import Document, Problem
from bot.content.wording import load_wording
from bot.questionnaire import Imported

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
WEIGHT = "http://hl7.org/fhir/StructureDefinition/itemWeight"
CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
SYSTEM = "http://example.org/answers"


def form(*items: dict[str, Any], **header: Any) -> str:
    base = {"resourceType": "Questionnaire", "title": "Form", "status": "active", "copyright": "Free"}
    return json.dumps(base | header | {"item": list(items)})


def coding(code: str, display: str = "", **more: Any) -> dict[str, Any]:
    return {"system": SYSTEM, "code": code, "display": display or code.title()} | more


def scored(url: str, value: float) -> list[dict[str, Any]]:
    return [{"url": url, "valueDecimal": value}]


def choice(link_id: str, *codes: str, **more: Any) -> dict[str, Any]:
    """Return a choice whose answers score 0, 1, 2 ... in order."""
    options = [
        {"valueCoding": coding(code), "extension": scored(ORDINAL, value)}
        for value, code in enumerate(codes or ("no", "yes"))
    ]
    return {
        "linkId": link_id,
        "type": "choice",
        "text": f"Question {link_id}?",
        "answerOption": options,
    } | more


def total(link_id: str, expression: str, **more: Any) -> dict[str, Any]:
    given = {"url": CALCULATED, "valueExpression": {"language": "text/fhirpath", "expression": expression}}
    return {"linkId": link_id, "type": "decimal", "readOnly": True, "extension": [given]} | more


def translated(language: str, content: str) -> dict[str, Any]:
    return {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/translation",
                "extension": [
                    {"url": "lang", "valueCode": language},
                    {"url": "content", "valueString": content},
                ],
            }
        ]
    }


def content_with(imported: Imported) -> Content:
    """Return content that holds nothing but an imported instrument, read by our own loader."""
    document = Document(
        f"instruments/{imported.id}.toml", tomllib.loads(imported.toml_text), imported.toml_text
    )
    problems: list[Problem] = []
    asked = load_items([document], problems)
    named = {code: [Document(f"wording/{code}/language.toml", {"name": code}, "")] for code in asked.words}
    languages = load_wording(named, asked, problems)
    assert problems == []
    empty: Any = MappingProxyType({})
    return Content(
        "0", asked.items, asked.instruments, empty, languages, None, None, empty, empty, Path(), None
    )


def meaning(content: Content) -> dict[str, Any]:
    """Return what a patient and a clinician see of an instrument: words, answers, scores, conditions."""
    (instrument,) = content.instruments.values()
    names = {item_id: content.items[item_id].link_id for item_id in instrument.items}
    asked = []
    for item_id in instrument.items:
        item = content.items[item_id]
        words = {code: wording.items[item_id] for code, wording in content.languages.items()}
        asked.append(
            {
                "link": item.link_id,
                "kind": item.kind,
                "limits": (item.lowest, item.highest) if not item.options else (),
                "words": {code: (each.stem, each.question) for code, each in words.items()},
                "answers": [
                    (
                        option.published or option.code,
                        option.value,
                        option.system,
                        [words[code].options[option.code] for code in sorted(words)],
                    )
                    for option in item.options
                ],
                "when": {replace(each, item_id=names[each.item_id]) for each in item.asked_when},
                "all": item.asked_when_all and len(item.asked_when) > 1,
                "required": item.required,
                "loinc": item.loinc,
            }
        )
    scores = [(tuple(names[each] for each in score.items), score.loinc) for score in instrument.scores]
    return {"title": instrument.title, "licence": instrument.licence, "items": asked, "scores": scores}
