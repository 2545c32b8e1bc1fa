"""What another system finds in the FHIR files: valid R4, coded, traceable to the check-in."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from bot.care.instrument import Item, ItemKind
from bot.export.fhir import Checker, InvalidResource, Resource
from bot.export.fhir_values import Row, item_code, item_value
from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from tests.export.conftest import NOW, Ward

# What FHIR R4 requires and the model library does not look at.
STATUSES = {
    "Observation": {
        "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error",
        "unknown",
    },
    "QuestionnaireResponse": {"in-progress", "completed", "amended", "entered-in-error", "stopped"},
}  # fmt: skip
ABSENT_REASONS = {
    "unknown", "asked-unknown", "temp-unknown", "not-asked", "asked-declined", "masked", "not-applicable",
    "unsupported", "as-text", "error", "not-a-number", "negative-infinity", "positive-infinity",
    "not-performed", "not-permitted",
}  # fmt: skip
ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
CANONICAL = re.compile(r"https://\S+\|\S+")


@pytest.fixture
def delivered(recorded: Ward, clinic: Clinic, tmp_path: Path) -> Path:
    export(clinic, tmp_path / "out", Wanted(formats=("fhir", "ndjson"), with_text=True), NOW)
    return tmp_path / "out"


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{kind}.ndjson").read_text().splitlines()]


def test_every_resource_is_valid_to_the_model_library(delivered: Path) -> None:
    for each in lines(delivered, "Observation"):
        Observation.model_validate(each)
    for each in lines(delivered, "QuestionnaireResponse"):
        QuestionnaireResponse.model_validate(each)
    Bundle.model_validate_json((delivered / "bundle.json").read_bytes())


@pytest.mark.parametrize("kind", ["Observation", "QuestionnaireResponse"])
def test_ids_times_and_statuses_are_those_the_standard_allows(delivered: Path, kind: str) -> None:
    found = lines(delivered, kind)
    assert found
    for each in found:
        assert each["status"] in STATUSES[kind]
        assert ID.fullmatch(each["id"])
        assert INSTANT.fullmatch(each["effectiveDateTime" if kind == "Observation" else "authored"])
        assert not list(empty_places(each)), "nothing is there without a value"


def test_every_observation_is_a_survey_with_a_value_or_the_reason_there_is_none(delivered: Path) -> None:
    for each in lines(delivered, "Observation"):
        (category,) = (coding for group in each["category"] for coding in group["coding"])
        assert category["system"] == "http://terminology.hl7.org/CodeSystem/observation-category"
        assert category["code"] == "survey"
        values = [name for name in each if name.startswith(("value", "component", "dataAbsent"))]
        assert len(values) == 1
        for reason in each.get("dataAbsentReason", {}).get("coding", ()):
            assert reason["system"] == "http://terminology.hl7.org/CodeSystem/data-absent-reason"
            assert reason["code"] in ABSENT_REASONS


def test_every_code_has_a_system_and_every_response_names_its_questionnaire(delivered: Path) -> None:
    responses = lines(delivered, "QuestionnaireResponse")
    for each in (*responses, *lines(delivered, "Observation")):
        for coding in codings(each):
            assert coding["system"].startswith(("http://", "https://"))
            assert coding["code"] == coding["code"].strip() != ""
    for each in responses:
        assert CANONICAL.fullmatch(each["questionnaire"])
        links = [item["linkId"] for item in each["item"]]
        assert len(links) == len(set(links)), "an item is answered once in a response"


def empty_places(node: Any, place: str = "") -> Iterator[str]:
    """Yield where an object, list or text is empty."""
    if node in ({}, [], "", None):
        yield place
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in parts:
        yield from empty_places(value, f"{place}.{name}")


def codings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every coding in a resource."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in parts:
        if name == "coding":
            yield from value
        elif name == "valueCoding":
            yield value
        else:
            yield from codings(value)


def test_ids_are_unique_and_references_lead_somewhere(delivered: Path) -> None:
    observations, responses = lines(delivered, "Observation"), lines(delivered, "QuestionnaireResponse")
    ids = [each["id"] for each in (*observations, *responses)]
    assert len(ids) == len(set(ids))
    known = {f"QuestionnaireResponse/{each['id']}" for each in responses}
    referred = {each["derivedFrom"][0]["reference"] for each in observations if "derivedFrom" in each}
    assert referred == known
    assert len(responses) == 3


def test_a_gap_says_why_there_is_no_value(delivered: Path) -> None:
    reasons = Counter(
        each["dataAbsentReason"]["text"]
        for each in lines(delivered, "Observation")
        if "dataAbsentReason" in each
    )
    assert reasons == {"expired": 5, "not_delivered": 3, "paused": 3, "superseded": 3, "skipped": 3}


def test_a_replaced_answer_is_not_taken_for_the_one_that_counts(delivered: Path) -> None:
    anxiety = [
        (each["status"], each["valueInteger"])
        for each in lines(delivered, "Observation")
        if each["code"]["coding"][0]["code"] == "anxiety" and "valueInteger" in each
    ]
    assert anxiety == [("entered-in-error", 7), ("amended", 8)]


def test_the_patient_is_a_code_and_their_words_are_a_note(delivered: Path) -> None:
    observations = lines(delivered, "Observation")
    assert {each["subject"]["identifier"]["value"] for each in observations} == {"K-0001", "K-0002"}
    assert [each["note"] for each in observations if "note" in each] == [[{"text": "8, it was =bad"}]]


def test_a_confirmed_loinc_code_comes_first_and_ours_always() -> None:
    coded = item_code("phq9_9", Item("phq9_9", ItemKind.CHOICE, loinc="44260-8"), "")
    assert [each["code"] for each in coded["coding"]] == ["44260-8", "phq9_9"]
    ours = item_code("anxiety", Item("anxiety", ItemKind.SCALE), "")
    assert [each["system"] for each in ours["coding"]] == ["https://aftercare.invalid/fhir/CodeSystem/item"]


def test_a_blood_pressure_is_two_quantities_in_ucum() -> None:
    item = Item("pressure", ItemKind.PRESSURE, unit="mm[Hg]")
    row = Row(
        "K-1",
        1,
        "d0",
        "AM",
        None,
        None,
        "v",
        "c",
        "a",
        "pressure",
        138,
        "138/90",
        "",
        False,
        False,
        "answered",
        None,
    )
    parts = item_value(item, row)["component"]
    assert [(each["valueQuantity"]["value"], each["valueQuantity"]["code"]) for each in parts] == [
        (138, "mm[Hg]"),
        (90, "mm[Hg]"),
    ]


def test_a_new_shape_that_is_not_fhir_stops_the_export_without_telling_its_content() -> None:
    line = b'{"resourceType":"Observation","id":"x","status":"final","code":{"text":7,"x":"secret"}}'
    with pytest.raises(InvalidResource) as refused:
        Checker().check(Resource("Observation", "x", line, 1))
    assert "secret" not in str(refused.value)
