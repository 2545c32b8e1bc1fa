"""What another system finds in the FHIR files: valid R4, coded, traceable to the check-in."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from bot.care.instrument import Item, ItemKind
from bot.export.fhir import Checker, InvalidResource
from bot.export.fhir_values import Row, item_code, item_value
from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from tests.export.conftest import NOW, Ward


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
        "K-1", 1, "d0", "AM", None, None, "pressure", 138, "138/90", "", "v", False, False, "answered", None
    )
    parts = item_value(item, row)["component"]
    assert [(each["valueQuantity"]["value"], each["valueQuantity"]["code"]) for each in parts] == [
        (138, "mm[Hg]"),
        (90, "mm[Hg]"),
    ]


def test_a_new_shape_that_is_not_fhir_stops_the_export_without_telling_its_content() -> None:
    line = b'{"resourceType":"Observation","id":"x","status":"final","code":{"text":7,"x":"secret"}}'
    with pytest.raises(InvalidResource) as refused:
        Checker().check("Observation", "new", line)
    assert "secret" not in str(refused.value)
