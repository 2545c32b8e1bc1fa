"""Every format read back by another library: the same values, typed, and nothing that runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from bot.export import tables
from bot.export.formats import FORMATS
from bot.export.guard import clean, disarm, rearm
from bot.export.names import FORMAT_NAMES
from bot.export.tables import CELL_CHARACTERS, Sheet, Stream, write_csv, write_parquet, write_xlsx
from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from tests.export.conftest import NOW, Ward

AWKWARD = (
    "=1+1", "-5", "+44 20", "@SUM(A1)", "\t=1", "'=x", "＝1", '"quoted", comma', "line\nend\r\nand\rmore",
    "NUL \x00 and bell \x07", "\ud800 alone", "שלום עולם", "مرحبا \u202e", "😀👨‍👩‍👧", "", " ", "'",
    "_x0041_", "\ufeffmark", "\ufffe\uffff", "a" * 4096,
)  # fmt: skip
any_text = st.text(
    st.one_of(st.characters(), st.sampled_from("=+-@'\"\t\r\n\x00\u202e\ud800\ufffe;,")), max_size=4096
)
GENTLY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def stream_of(texts: Iterable[str], numbers: Iterable[float] | None = None) -> Stream:
    listed = [clean(each) for each in texts]
    values = list(numbers) if numbers is not None else [-5.0] * len(listed)
    batch = pa.record_batch(
        [pa.array(listed, pa.string()), pa.array(values, pa.float64())], ["words", "value"]
    )
    return Stream(batch.schema, [batch])


@GENTLY
@given(texts=st.lists(any_text, min_size=1, max_size=8))
@example(texts=list(AWKWARD))
def test_property_any_text_comes_back_equal_after_the_guard(tmp_path: Path, texts: list[str]) -> None:
    wanted = [clean(each) for each in texts]
    write_csv(stream_of(texts), tmp_path / "t.csv")
    write_parquet(stream_of(texts), tmp_path / "t.parquet")
    write_xlsx([Sheet("t", stream_of(texts), len(texts))], tmp_path / "t.xlsx")

    read = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, dtype={"words": str}, lineterminator="\n")
    assert [rearm(each) if each[:1] == "'" else each for each in read["words"]] == wanted
    assert list(read["value"]) == [-5.0] * len(texts), "negative numbers stay numbers"
    query = f"SELECT words FROM read_parquet('{tmp_path / 't.parquet'}')"
    assert [row[0] for row in duckdb.sql(query).fetchall()] == wanted
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["t"]
    cells = [sheet.cell(line, 1) for line in range(2, len(texts) + 2)]
    assert [each.data_type for each in cells if each.value] == ["s"] * sum(bool(each.value) for each in cells)
    shown = [unescape(str(each.value or "")) for each in cells]
    assert [rearm(each) for each in shown] == wanted


@GENTLY
@given(text=any_text)
@example(text="=cmd|' /C calc'!A0")
def test_property_no_guarded_text_begins_like_a_formula(text: str) -> None:
    guarded = disarm(clean(text))
    assert guarded[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert rearm(guarded) == clean(text)
    assert "\x00" not in guarded
    guarded.encode("utf-8")


def test_any_words_survive_the_whole_way(ward: Ward, clinic: Clinic, tmp_path: Path) -> None:
    patient = ward.patient("K-0001")
    kept = [each for each in AWKWARD if each]
    for words in kept:
        ward.message(patient, words, NOW)
    export(clinic, tmp_path / "out", Wanted(("csv", "parquet", "xlsx"), with_text=True), NOW)

    wanted = sorted(clean(each) for each in kept)
    read = pd.read_csv(tmp_path / "out" / "messages.csv", keep_default_na=False, lineterminator="\n")
    assert sorted(rearm(each) for each in read["text"]) == wanted
    query = f"SELECT text FROM read_parquet('{tmp_path / 'out' / 'messages.parquet'}')"
    assert sorted(row[0] for row in duckdb.sql(query).fetchall()) == wanted


def test_the_workbook_is_typed_filtered_and_frozen(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    manifest = export(clinic, tmp_path / "out", Wanted(formats=("xlsx",)), NOW)

    book = openpyxl.load_workbook(tmp_path / "out" / "aftercare.xlsx")
    assert book.sheetnames[:2] == ["answers", "check_ins"]
    assert "dictionary" in book.sheetnames
    sheet = book["answers"]
    assert sheet.max_row - 1 == manifest.tables["answers"]
    assert sheet.auto_filter.ref is not None
    assert sheet.freeze_panes == "B2"
    names = [each.value for each in sheet[1]]
    row = dict(zip(names, [each.value for each in sheet[2]], strict=True))
    assert row["due_local"] == pd.Timestamp("2026-03-28 08:00:00")
    assert isinstance(row["hours_since_treatment"], float)
    assert isinstance(row["late"], bool)


def test_parquet_keeps_the_types_and_the_zone(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(formats=("parquet",)), NOW)
    frame = pd.read_parquet(tmp_path / "out" / "answers.parquet")
    assert str(frame["due_utc"].dt.tz) == "UTC"
    assert frame["due_local"].dt.tz is None
    assert frame["value"].max() == 8.0


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SHEET_ROWS", 10)
    names = [f"row {number}" for number in range(25)]
    rows = write_xlsx([Sheet("answers", stream_of(names), 25)], tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert rows == {"answers": 25}
    assert book.sheetnames == ["answers", "answers (2)", "answers (3)"]
    read = [sheet.cell(line, 1).value for sheet in book for line in range(2, sheet.max_row + 1)]
    assert read == names


@pytest.mark.parametrize("extra", [0, 1], ids=["as long as a cell holds", "one longer"])
def test_a_text_longer_than_a_cell_is_cut_and_marked(tmp_path: Path, extra: int) -> None:
    text = "a" * (CELL_CHARACTERS + extra)
    write_xlsx([Sheet("t", stream_of([text]), 1)], tmp_path / "t.xlsx")
    read = openpyxl.load_workbook(tmp_path / "t.xlsx")["t"].cell(2, 1).value
    assert len(read) == CELL_CHARACTERS
    assert read.endswith("…") == bool(extra)


def test_the_workbook_and_the_csv_tell_the_same(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    export(clinic, tmp_path / "out", Wanted(formats=("csv", "xlsx", "parquet")), NOW)
    csv_frame = pd.read_csv(tmp_path / "out" / "answers.csv", keep_default_na=False, dtype=str)
    sheet_frame = pd.read_excel(
        tmp_path / "out" / "aftercare.xlsx", "answers", keep_default_na=False, dtype=str
    )
    for name in ("patient_code", "slot", "item", "status", "reason", "label"):
        assert list(csv_frame[name]) == list(sheet_frame[name])


def test_a_deidentified_export_gives_nobody_away_and_keeps_distances(
    recorded: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    export(clinic, tmp_path / "real", Wanted(formats=("parquet",)), NOW)
    for name in ("one", "two"):
        export(clinic, tmp_path / name, Wanted(formats=("parquet", "ndjson"), deidentify=True), NOW)

    real = pd.read_parquet(tmp_path / "real" / "answers.parquet")
    hidden = pd.read_parquet(tmp_path / "one" / "answers.parquet")
    again = pd.read_parquet(tmp_path / "two" / "answers.parquet")
    assert not set(real["patient_code"]) & set(hidden["patient_code"])
    assert hidden["patient_code"].equals(again["patient_code"])
    assert hidden["due_utc"].equals(again["due_utc"])
    moved = (real["due_utc"] - hidden["due_utc"]).dt.days
    assert moved.groupby(real["patient_code"]).nunique().tolist() == [1, 1]
    assert set(moved % 7) == {0}
    assert list(hidden["hours_since_treatment"]) == list(real["hours_since_treatment"])
    assert hidden["zone"].isna().all()
    everything = "".join(path.read_bytes().decode("latin-1") for path in (tmp_path / "one").iterdir())
    for secret in ("K-0001", "K-0002", "Europe/Madrid", "demo"):
        assert secret not in everything, secret


def test_the_manifest_adds_up(recorded: Ward, clinic: Clinic, tmp_path: Path) -> None:
    formats = ("csv", "parquet", "xlsx", "fhir", "ndjson", "redcap")
    export(clinic, tmp_path / "out", Wanted(formats=formats), NOW)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for file in manifest["files"]:
        for table, rows in file["rows"].items():
            assert rows == manifest["tables"].get(table, rows)
    parts = manifest["parts"]
    assert manifest["tables"]["answers"] == parts["answers"] + parts["answers_outside"] + parts["missing"]
    assert parts["check_ins_not_due"] == 1
    assert manifest["content_versions"] == ["content-1"]


def test_every_format_has_a_writer_and_a_name() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES
