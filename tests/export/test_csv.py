"""What a clinic finds in the CSV files it takes away."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.content import load_content
from bot.flows.clinic import Clinic
from bot.flows.exports import ExportRefused, NothingToExport, Wanted, export, verify
from storage import audit
from storage.database import Database
from tests.export.conftest import NOW, Ward


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_answer_and_every_gap_is_one_row(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    manifest = export(clinic, tmp_path / "out", Wanted(), NOW)

    rows = rows_of(tmp_path / "out", "answers")
    reasons = Counter(row["reason"] for row in rows if row["status"] == "missing")
    assert len(rows) == manifest.tables["answers"]
    assert Counter(row["status"] for row in rows) == {"answered": 5, "skipped": 3, "missing": 14}
    # three questions are always asked; distress only after nightmares, so its absence is no gap
    assert reasons == {"expired": 5, "not_delivered": 3, "paused": 3, "superseded": 3}


def test_a_changed_answer_is_there_twice(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(), NOW)

    anxiety = [
        row for row in rows_of(tmp_path / "out", "answers") if row["item"] == "anxiety" and row["value"]
    ]
    assert [(row["value"], row["edited"], row["superseded"]) for row in anxiety] == [
        ("7", "false", "true"),
        ("8", "true", "false"),
    ]


def test_times_are_utc_and_the_patients_own_clock(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(patient="K-0001"), NOW)

    rows = {row["slot"]: row for row in rows_of(tmp_path / "out", "answers") if row["item"] == "nightmares"}
    before, after = rows["d1-morning"], rows["d3-morning"]  # the clocks went forward in between
    assert (before["due_utc"], before["due_local"]) == ("2026-03-28 07:00:00", "2026-03-28 08:00:00")
    assert (after["due_utc"], after["due_local"]) == ("2026-03-30 07:00:00", "2026-03-30 09:00:00")
    assert before["zone"] == "Europe/Madrid"
    assert before["hours_since_treatment"] == "17.05"
    assert after["late"] == "true"


def test_a_cell_a_spreadsheet_would_run_is_disarmed(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(), NOW)

    labels = {row["label"] for row in rows_of(tmp_path / "out", "answers")}
    assert "'=Chest pain, Seizure" in labels


def test_free_text_only_when_asked_and_that_is_audited(
    recorded: Ward, clinic: Clinic, database: Database, tmp_path: Path
) -> None:
    export(clinic, tmp_path / "plain", Wanted(), NOW)
    export(clinic, tmp_path / "texts", Wanted(with_text=True), NOW, actor="staff:lead")

    assert "text" not in rows_of(tmp_path / "plain", "answers")[0]
    assert not (tmp_path / "plain" / "messages.csv").exists()
    assert "8, it was =bad" in {row["text"] for row in rows_of(tmp_path / "texts", "answers")}
    assert [row["text"] for row in rows_of(tmp_path / "texts", "messages")] == ["ניסיון =1+1 😀"]
    assert "came in; ECG normal" in {row["outcome_text"] for row in rows_of(tmp_path / "texts", "alerts")}
    with database.reading() as tx:
        assert audit.verify(tx).intact


def test_alerts_carry_their_minutes_and_rules(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(), NOW)

    (alert,) = rows_of(tmp_path / "out", "alerts")
    assert alert["rules"] == "CV-1+SUI-3"
    assert (alert["minutes_to_paged"], alert["minutes_to_claimed"]) == ("0.05", "5")
    assert (alert["minutes_to_contacted"], alert["outcome"]) == ("", "seen in clinic")


def test_wide_is_one_row_a_check_in(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    manifest = export(clinic, tmp_path / "out", Wanted(), NOW)

    rows = rows_of(tmp_path / "out", "check_ins")
    by_slot = {(row["patient_code"], row["slot"]): row for row in rows}
    first = by_slot["K-0001", "d1-morning"]
    assert len(rows) == manifest.tables["check_ins"] == 7
    assert (first["anxiety"], first["red_flags_code"]) == ("8", "chest_pain+seizure")
    assert (first["items_answered"], first["reason"]) == ("3", "")
    assert by_slot["K-0002", "d1-morning"]["items_skipped"] == "3"
    assert by_slot["K-0001", "d4-evening"]["reason"] == "not_delivered"


def test_the_dictionary_explains_every_column(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(), NOW)

    explained = {(row["table"], row["column"]) for row in rows_of(tmp_path / "out", "dictionary")}
    for table in ("answers", "check_ins", "alerts", "treatments"):
        assert {(table, name) for name in rows_of(tmp_path / "out", table)[0]} <= explained
    assert "chest_pain" in str(rows_of(tmp_path / "out", "items"))


def test_a_range_holds_the_days_of_the_patients_calendar(
    recorded: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    wanted = Wanted(from_on=date(2026, 3, 28), to_on=date(2026, 3, 28))
    export(clinic, tmp_path / "out", wanted, NOW)

    assert {row["slot"] for row in rows_of(tmp_path / "out", "answers")} == {"d1-morning"}


def test_an_export_of_nothing_says_so_and_leaves_nothing(
    recorded: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    with pytest.raises(NothingToExport, match="from 2031-01-01"):
        export(clinic, tmp_path / "out", Wanted(from_on=date(2031, 1, 1)), NOW)
    assert [each.name for each in tmp_path.iterdir() if "out" in each.name] == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(Wanted(patient="K-9999"), "K-9999: no patient", id="an unknown code"),
        pytest.param(Wanted(site="moon"), "moon: there is no such site", id="an unknown site"),
        pytest.param(Wanted(formats=("doc",)), "no format doc", id="an unknown format"),
        pytest.param(
            Wanted(from_on=date(2026, 2, 2), to_on=date(2026, 2, 1)),
            "turn them round",
            id="a range backwards",
        ),
        pytest.param(Wanted(deidentify=True, with_text=True), "never has free text", id="a contradiction"),
        pytest.param(Wanted(patient="' OR '1'='1"), "no patient has this code", id="SQL in a code"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    recorded: Ward, clinic: Clinic, tmp_path: Path, wanted: Wanted, said: str
) -> None:
    with pytest.raises(ExportRefused, match=said) as refused:
        export(clinic, tmp_path / "out", wanted, NOW)
    assert "\n" not in str(refused.value)


def test_a_delivered_folder_proves_itself(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(clinic, folder, Wanted(), NOW)
    assert verify(folder) == []

    answers = folder / "answers.csv"
    answers.write_bytes(answers.read_bytes().replace(b"17.05", b"17.06"))
    (folder / "extra.txt").write_text("")
    (folder / "alerts.csv").unlink()
    problems = verify(folder)
    assert any(problem.startswith("answers.csv: is not the file") for problem in problems)
    assert "alerts.csv: is missing" in problems
    assert "extra.txt: is not in the manifest" in problems


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson", "xlsx", "fhir", "redcap"])
def test_a_manifest_that_was_made_to_fit_does_not_prove_a_folder(
    recorded: Ward, clinic: Clinic, tmp_path: Path, kind: str
) -> None:
    """Whoever changes the numbers of a file changes them against what the database counted."""
    folder = tmp_path / "out"
    export(clinic, folder, Wanted(formats=(kind,)), NOW)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    table, count = next(
        (name, rows)
        for each in manifest["files"]
        for name, rows in each["rows"].items()
        if name in manifest["tables"]
    )
    for each in manifest["files"]:
        each["rows"] = {name: rows + (name == table) for name, rows in each["rows"].items()}
    path.write_text(json.dumps(manifest))
    assert any(
        f"{count + 1} rows of {table}, and that the database counts {count}" in each
        for each in verify(folder)
    )


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_the_rows_of_a_file_are_counted_again(
    recorded: Ward, clinic: Clinic, tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "out"
    export(clinic, folder, Wanted(formats=(kind,)), NOW)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"] = {}
    manifest["files"][0]["rows"] = {"all": 7_000}
    path.write_text(json.dumps(manifest))
    assert any("rows; the manifest says 7000" in each for each in verify(folder))


def test_since_last_brings_only_what_is_new(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "first", Wanted(), NOW)
    with pytest.raises(NothingToExport, match="since"):
        export(clinic, tmp_path / "second", Wanted(since_last=True), NOW.replace(hour=20))


def test_scores_are_counted_by_the_database_itself(ward: Ward, clinic: Clinic, tmp_path: Path) -> None:
    """Two questionnaires begun, one of them not finished; a replaced answer begins nothing."""
    content = load_content()
    whole = replace(clinic, content=content)
    phq, gad = (content.instruments[each].items for each in ("phq9", "gad7"))
    treatment = ward.treatment(ward.patient("K-0001"))
    both = ward.check_in(treatment, "w1-sun", NOW - timedelta(days=1), items=[*phq, *gad])
    none = ward.check_in(treatment, "w2-sun", NOW - timedelta(hours=9), items=list(phq))
    for place, item in enumerate([*phq, gad[0]]):
        ward.answer(both, item, NOW - timedelta(hours=20, seconds=-place), value=1.0, code="1")
    ward.answer(none, phq[0], NOW - timedelta(hours=8), value=1.0, superseded=True)
    manifest = export(whole, tmp_path / "out", Wanted(formats=("csv", "ndjson")), NOW)
    rows = rows_of(tmp_path / "out", "scores")
    assert manifest.tables["scores"] == len(rows) == 2
    assert {(row["instrument"], row["value"]) for row in rows} == {("phq9", "9"), ("gad7", "")}


def test_a_questionnaire_finished_after_an_export_is_scored_whole_in_the_next(
    ward: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    """An incremental export with the new answers alone would refuse the total, or give a part of it."""
    content = load_content()
    whole, questions = replace(clinic, content=content), content.instruments["phq9"].items
    check_in = ward.check_in(
        ward.treatment(ward.patient("K-0001")), "w1-sun", NOW - timedelta(hours=3), items=list(questions)
    )
    for place, item in enumerate(questions):
        at = NOW + timedelta(hours=-2 if place < 4 else 2, seconds=place)
        if place == 4:
            export(whole, tmp_path / "first", Wanted(since_last=True), NOW)
        ward.answer(check_in, item, at, value=1.0, code="1")
    later = NOW + timedelta(hours=12)
    manifest = export(whole, tmp_path / "second", Wanted(formats=("csv", "ndjson"), since_last=True), later)
    scored = {each: rows_of(tmp_path / each, "scores") for each in ("first", "second")}
    assert [row["value"] for row in scored["first"]] == [""]
    assert [row["value"] for row in scored["second"]] == ["9"]
    assert manifest.tables["scores"] == 1
    (response,) = (tmp_path / "second/QuestionnaireResponse.ndjson").read_text().splitlines()
    assert len(json.loads(response)["item"]) == len(questions)


def test_a_raised_dose_is_a_column_of_its_treatment(ward: Ward, clinic: Clinic, tmp_path: Path) -> None:
    patient = ward.patient("K-0001")
    ward.treatment(patient)
    ward.treatment(patient, NOW, 2, increased=True)
    export(clinic, tmp_path / "out", Wanted(), NOW + timedelta(days=1))
    raised = {row["treatment_number"]: row["increased"] for row in rows_of(tmp_path / "out", "treatments")}
    assert raised == {"1": "false", "2": "true"}
