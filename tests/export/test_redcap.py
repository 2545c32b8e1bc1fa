"""What REDCap is given: a dictionary it takes into an empty project, and records that fit it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from bot.content import load_content
from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from storage.tables import CheckIn
from tests.export.conftest import NOW, Ward, an_answer_to
from tests.export.redcap_rules import CHOICES, dictionary_problems, record_problems


@pytest.fixture
def delivered(recorded: Ward, clinic: Clinic, tmp_path: Path) -> Path:
    export(clinic, tmp_path / "out", Wanted(formats=("redcap",)), NOW)
    return tmp_path / "out"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def problems(folder: Path) -> list[str]:
    dictionary, records = folder / "redcap_dictionary.csv", folder / "redcap_records.csv"
    fields = read(dictionary)
    return [
        *dictionary_problems(header(dictionary), fields),
        *record_problems(header(records), read(records), fields),
    ]


def test_redcap_would_take_the_dictionary_and_every_data_point(delivered: Path) -> None:
    assert problems(delivered) == []
    assert len(read(delivered / "redcap_records.csv")) > 100


def test_redcap_would_take_every_question_there_is(ward: Ward, clinic: Clinic, tmp_path: Path) -> None:
    content = load_content()
    items = list(content.items.values())
    check_in = ward.check_in(
        ward.treatment(ward.patient("K-0001")), "all", NOW, items=[each.id for each in items]
    )
    for place, item in enumerate(items):
        ward.answer(check_in, item.id, NOW + timedelta(seconds=place), **an_answer_to(item))
    whole, later = replace(clinic, content=content), NOW + timedelta(hours=7)
    for number, language in enumerate(content.languages):
        export(whole, tmp_path / str(number), Wanted(formats=("redcap",), language=language), later)
        assert problems(tmp_path / str(number)) == []
        fields = {
            each["Variable / Field Name"] for each in read(tmp_path / f"{number}/redcap_dictionary.csv")
        }
        answered = {each["field_name"] for each in read(tmp_path / f"{number}/redcap_records.csv")}
        assert len(fields) > len(items) and len(answered) > len(items)


BROKEN_FIELDS = {
    "a capital letter": {"Variable / Field Name": "Anxiety"},
    "a digit first": {"Variable / Field Name": "7_days"},
    "two underscores": {"Variable / Field Name": "a__b"},
    "the same name again": {"Variable / Field Name": "record_id"},
    "a name of REDCap's own": {"Variable / Field Name": "check_in_complete"},
    "a type there is not": {"Field Type": "number"},
    "no label": {"Field Label": " "},
    "a choice without a label": {"Field Type": "radio", CHOICES: "1, yes | 2"},
    "a code twice": {"Field Type": "radio", CHOICES: "1, yes | 1, no"},
    "choices of a text": {"Field Type": "text", CHOICES: "1, yes | 2, no"},
    "a validation there is not": {"Text Validation Type OR Show Slider Number": "iso8601"},
    "limits the wrong way round": {
        "Text Validation Type OR Show Slider Number": "number",
        "Text Validation Min": "10",
        "Text Validation Max": "0",
    },
    "a branch on nothing": {"Branching Logic (Show field only if...)": "[nothing] = '1'"},
    "a form that is torn apart": {"Form Name": "alert"},
}


@pytest.mark.parametrize("broken", BROKEN_FIELDS)
def test_the_checker_sees(delivered: Path, broken: str) -> None:
    path = delivered / "redcap_dictionary.csv"
    fields = read(path)
    fields[2] |= BROKEN_FIELDS[broken]
    assert list(dictionary_problems(header(path), fields)) != []


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
    reasons = [each["reason"] for each in records.values() if each.get("reason")]
    assert sorted(reasons) == ["expired", "expired", "not_delivered", "paused", "superseded"]
    alerts = [each for name, each in records.items() if name.startswith("alert-")]
    assert [each["alert_patient_code"] for each in alerts] == ["K-0001"]


def records_of(folder: Path) -> dict[str, dict[str, str]]:
    records: dict[str, dict[str, str]] = {}
    for point in read(folder / "redcap_records.csv"):
        records.setdefault(point["record"], {})[point["field_name"]] = point["value"]
    return records


def test_a_later_export_changes_its_own_records_and_no_others(
    recorded: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    """The project after two imports is what one import of everything would have made."""
    wanted = Wanted(formats=("redcap", "ndjson"), since_last=True)
    export(clinic, tmp_path / "first", wanted, NOW)
    with recorded.db.reading() as tx:
        missed = tx.scalars(select(CheckIn).where(CheckIn.key == "d4-morning")).one()
        half = tx.scalars(select(CheckIn).where(CheckIn.key == "d3-morning")).one()
    new = recorded.check_in(missed.treatment_id, "d8-morning", NOW + timedelta(hours=1))
    recorded.answer(new, "anxiety", NOW + timedelta(hours=2), value=4.0)
    recorded.answer(missed.id, "anxiety", NOW + timedelta(hours=2), value=5.0, late=True)
    recorded.answer(half.id, "anxiety", NOW + timedelta(hours=2), value=6.0, late=True)
    at = NOW + timedelta(hours=12)
    export(clinic, tmp_path / "second", wanted, at)
    export(clinic, tmp_path / "whole", replace(wanted, since_last=False), at)

    first, second, whole = (records_of(tmp_path / each) for each in ("first", "second", "whole"))
    assert {each["slot"] for each in second.values()} == {"d8-morning", "d4-morning", "d3-morning"}
    imported = {name: first.get(name, {}) | second.get(name, {}) for name in first | second}
    assert {name: without_blanks(each) for name, each in imported.items()} == {
        name: without_blanks(each) for name, each in whole.items()
    }


def without_blanks(record: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in record.items() if value}


def test_a_treatment_taken_back_and_recorded_again_has_records_of_its_own(
    ward: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    """Number, slot and time are the same: only our own id tells the two apart."""
    patient = ward.patient("K-0001")
    for value in (3.0, 7.0):
        check_in = ward.check_in(ward.treatment(patient), "d1-morning", NOW - timedelta(days=1))
        ward.answer(check_in, "anxiety", NOW - timedelta(hours=20), value=value)
    export(clinic, tmp_path / "out", Wanted(formats=("redcap", "ndjson")), NOW)
    assert sorted(each["anxiety"] for each in records_of(tmp_path / "out").values()) == ["3", "7"]
    responses = (tmp_path / "out/QuestionnaireResponse.ndjson").read_text().splitlines()
    assert len({json.loads(each)["id"] for each in responses}) == 2
