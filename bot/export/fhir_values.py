"""Answers as FHIR values: quantities, integers, coded options, and the reason where there is none."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from bot.care.instrument import Item, ItemKind, Option

BASE = "https://aftercare.invalid/fhir"  # a name for our own code systems; nothing is served there
ITEMS = f"{BASE}/CodeSystem/item"
PATIENTS = f"{BASE}/patient"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
UCUM_UNITS = frozenset({"h", "min", "mm[Hg]", "d"})
SURVEY = orjson.Fragment(
    orjson.dumps(
        [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "survey",
                        "display": "Survey",
                    }
                ]
            }
        ]
    )
)
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
REASONS = {"skipped": "asked-declined", "unknown": "asked-unknown", "still_open": "temp-unknown"}
CODED = frozenset({ItemKind.CHOICE, ItemKind.MULTI})


class Row(NamedTuple):
    """One row of the table `answers`, as far as FHIR has a place for it. Times are ISO 8601 in UTC."""

    patient_code: str
    treatment_number: int | None
    slot: str | None
    check_in_kind: str | None
    due_utc: str | None
    answered_utc: str | None
    content_version: str | None
    check_in_id: str | None
    answer_id: str | None
    item: str
    value: float | None
    answer: str | None
    label: str | None
    edited: bool | None
    superseded: bool | None
    status: str
    reason: str | None
    text: str | None = None


def item_code(item_id: str, item: Item | None, question: str) -> dict[str, Any]:
    """Return what was asked: the LOINC code where one is confirmed, and always our own."""
    loinc = [{"system": LOINC, "code": item.loinc}] if item and item.loinc else []
    code: dict[str, Any] = {"coding": [*loinc, {"system": ITEMS, "code": item_id}]}
    return code | ({"text": question} if question else {})


def absent(row: Row) -> dict[str, Any] | None:
    """Return why there is no value, or None when there is one."""
    return None if row.status == "answered" else absence(row.reason or row.status)


def absence(reason: str) -> dict[str, Any]:
    coding = {"system": ABSENT, "code": REASONS.get(reason, "not-performed")}
    return {"dataAbsentReason": {"coding": [coding], "text": reason}}


def item_value(item: Item | None, row: Row) -> dict[str, Any]:
    """Return an observation's value[x]."""
    value, answer = row.value, row.answer
    if item and item.kind in CODED and answer:
        return {"valueCodeableConcept": _concept(item, answer, row.label)}
    if item and item.kind is ItemKind.PRESSURE and answer and "/" in answer:
        return {"component": _pressure(item, answer)}
    if value is None:
        return {"valueString": answer} if answer else {"valueString": row.text or "?"}
    if item and item.unit:
        return {"valueQuantity": _quantity(value, item.unit)}
    return score_value(value)


def _quantity(value: float, unit: str) -> dict[str, Any]:
    number = int(value) if value == int(value) else value
    coded = {"system": UCUM, "code": unit} if unit in UCUM_UNITS else {}
    return {"value": number, "unit": unit, **coded}


def _concept(item: Item, answer: str, label: str | None) -> dict[str, Any]:
    concept: dict[str, Any] = {"coding": [_coding(item, code) for code in answer.split("+")]}
    return concept | ({"text": label} if label else {})


def _coding(item: Item, code: str) -> dict[str, Any]:
    option = item.option(code) or Option(code)
    if option.loinc:
        return {"system": LOINC, "code": option.loinc}
    return {"system": option.system or f"{ITEMS}/{item.id}", "code": code}


def _pressure(item: Item, answer: str) -> list[dict[str, Any]]:
    return [
        {
            "code": {"coding": [{"system": ITEMS, "code": f"{item.id}.{part}"}]},
            "valueQuantity": _quantity(float(number), item.unit),
        }
        for part, number in zip(("systolic", "diastolic"), answer.split("/"), strict=False)
    ]


def questionnaire_answer(item: Item | None, row: Row) -> dict[str, Any]:
    """Return one item of a QuestionnaireResponse; one that was skipped has no answer."""
    if row.status != "answered":
        return {"linkId": row.item}
    value, answer = row.value, row.answer
    if item and item.kind in CODED and answer:
        return {
            "linkId": row.item,
            "answer": [{"valueCoding": _coding(item, code)} for code in answer.split("+")],
        }
    if value is None or (item and item.kind is ItemKind.PRESSURE and answer):
        given: dict[str, Any] = {"valueString": answer or row.text or "?"}
    elif value == int(value):
        given = {"valueInteger": int(value)}
    else:
        given = {"valueDecimal": value}
    return {"linkId": row.item, "answer": [given]}


def score_value(total: float) -> dict[str, Any]:
    return {"valueInteger": int(total)} if total == int(total) else {"valueQuantity": {"value": total}}
