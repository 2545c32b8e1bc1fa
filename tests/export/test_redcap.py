"""What REDCap is given: a dictionary it takes into an empty project, and records that fit it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from tests.export.conftest import NOW, Ward

TYPES = {"text", "notes", "radio", "truefalse"}
VALIDATIONS = {"", "number", "integer", "date_ymd", "datetime_seconds_ymd"}


@pytest.fixture
def delivered(recorded: Ward, clinic: Clinic, tmp_path: Path) -> Path:
    export(clinic, tmp_path / "out", Wanted(formats=("redcap",)), NOW)
    return tmp_path / "out"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_dictionary_keeps_redcaps_rules(delivered: Path) -> None:
    fields = read(delivered / "redcap_dictionary.csv")
    names = [each["Variable / Field Name"] for each in fields]
    assert len(fields[0]) == 18
    assert names[0] == "record_id"
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and "__" not in name for name in names)
    assert {each["Field Type"] for each in fields} <= TYPES
    assert {each["Text Validation Type OR Show Slider Number"] for each in fields} <= VALIDATIONS
    assert all(each["Field Label"] for each in fields)
    forms = [each["Form Name"] for each in fields]
    assert forms == sorted(forms, key=forms.index), "the fields of a form must stand together"


def test_every_data_point_fits_its_field(delivered: Path) -> None:
    fields = {each["Variable / Field Name"]: each for each in read(delivered / "redcap_dictionary.csv")}
    points = read(delivered / "redcap_records.csv")
    assert list(points[0]) == ["record", "field_name", "value"]
    for point in points:
        field = fields[point["field_name"]]
        choices = field["Choices, Calculations, OR Slider Labels"]
        if field["Field Type"] == "radio":
            assert point["value"] in [each.split(",")[0].strip() for each in choices.split("|")]
        if field["Field Type"] == "truefalse":
            assert point["value"] in ("0", "1")
        if field["Text Validation Type OR Show Slider Number"] == "datetime_seconds_ymd":
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", point["value"])
        if field["Text Validation Min"]:
            low, high = float(field["Text Validation Min"]), float(field["Text Validation Max"])
            assert low <= float(point["value"]) <= high


def test_what_was_answered_is_there_and_what_is_missing_has_its_reason(delivered: Path) -> None:
    records: dict[str, dict[str, str]] = {}
    for point in read(delivered / "redcap_records.csv"):
        records.setdefault(point["record"], {})[point["field_name"]] = point["value"]
    first = next(
        each
        for each in records.values()
        if (each["patient_code"], each.get("slot")) == ("K-0001", "d1-morning")
    )
    assert (first["anxiety"], first["red_flags_chest_pain"], first["red_flags_none"]) == ("8", "1", "0")
    reasons = [each["reason"] for each in records.values() if "reason" in each]
    assert sorted(reasons) == ["expired", "expired", "not_delivered", "paused", "superseded"]
    assert [each["alert_patient_code"] for name, each in records.items() if name == "alert-1"] == ["K-0001"]
