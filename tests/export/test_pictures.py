"""What a clinician sees in two minutes: the chart, its words, the summary, the caseload."""

from __future__ import annotations

import io
import logging
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader
from sqlmodel import select

from bot.content import Content, load_content
from bot.export.course import runs
from bot.export.folder import ExportRefused
from bot.flows.caseload import as_table, caseload, today_lines
from bot.flows.clinic import Clinic
from bot.flows.courses import course_data
from bot.flows.digest import weekly_digest
from bot.flows.staff_alerts import OUTCOMES
from bot.flows.staff_record import REVIEWED
from bot.flows.summaries import chart_of, write_summary
from storage import audit
from storage.database import Database
from storage.patients import by_code
from storage.tables import Audit
from tests.export.conftest import TREATED_AT, Ward

MORNINGS = ["nightmare_count", "nightmare_distress", "sleep_hours", "anxiety"]
LATER = TREATED_AT + timedelta(days=10)


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def clinic(sqlite_database: Database, content: Content) -> Clinic:
    return Clinic(sqlite_database, content)


@pytest.fixture
def followed(sqlite_database: Database) -> Ward:
    """Ten mornings after treatment and five before; two missed; anxiety rises at the end; one alert."""
    ward = Ward(sqlite_database)
    ana = ward.patient("K-0001")
    treatment = ward.treatment(ana)
    for day in range(-5, 11):
        due = TREATED_AT + timedelta(days=day, hours=-7)
        missed = day in (4, 5)
        check_in = ward.check_in(
            treatment, f"day{day}", due, items=MORNINGS, status="missed" if missed else "answered",
            night_on=date(2026, 3, 1),
        )  # fmt: skip
        if missed:
            continue
        values = {"nightmare_count": 3 - day / 5, "sleep_hours": 5, "anxiety": 4 if day < 8 else 9}
        for item, value in values.items():
            ward.answer(check_in, item, due + timedelta(minutes=5), value=float(max(0, int(value))))
    check_in = ward.check_in(treatment, "evening", TREATED_AT + timedelta(hours=4), items=["side_effects"])
    ward.answer(check_in, "se_nausea", TREATED_AT + timedelta(hours=4), value=2.0)
    ward.alert(
        ana, TREATED_AT + timedelta(days=8), ("ANX-2",), state="resolved", next_action_at=None,
        claimed_at=TREATED_AT + timedelta(days=8, minutes=12), outcome="called, agreed to come in",
        resolved_at=TREATED_AT + timedelta(days=8, hours=1),
    )  # fmt: skip
    ward.message(ana, "שלום =1+1 😀 it was hard", TREATED_AT + timedelta(days=3))
    quiet = ward.patient("K-0002")
    silent = ward.treatment(quiet)
    for day in (1, 2, 3):
        ward.check_in(silent, f"day{day}", TREATED_AT + timedelta(days=day), items=MORNINGS, status="missed")
    ward.patient("K-0003")
    return ward


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_chart_is_a_picture_and_says_the_same_in_words(
    followed: Ward, clinic: Clinic, language: str
) -> None:
    with clinic.db.reading() as tx:
        patient = by_code(tx, "K-0001")
        assert patient is not None
        png, words = chart_of(clinic, tx, patient, LATER, language)
    picture = Image.open(io.BytesIO(png))
    assert picture.width > 800
    assert len(picture.convert("L").getcolors() or []) > 20, "nothing is left of it in grey"
    direction = {"en": "higher is worse", "es": "más alto es peor"}[language]
    assert "K-0001" in words
    assert direction in words


def test_a_line_is_not_drawn_across_missed_mornings(followed: Ward, clinic: Clinic) -> None:
    with clinic.db.reading() as tx:
        patient = by_code(tx, "K-0001")
        assert patient is not None
        course = course_data(clinic, tx, patient, LATER, "en")
    anxiety = next(line for line in course.lines if line.key == "anxiety")
    assert [len(run) for run in runs(anxiety)] == [9, 5]
    assert anxiety.usual is not None
    assert anxiety.usual.middle == 4


def test_the_patients_own_chart_names_no_code_alert_or_score(followed: Ward, clinic: Clinic) -> None:
    with clinic.db.reading() as tx:
        patient = by_code(tx, "K-0001")
        assert patient is not None
        _, words = chart_of(clinic, tx, patient, LATER, "en", own=True)
    assert "K-0001" not in words
    assert "urgent" not in words


def test_the_summary_is_two_pages_with_words_only_when_asked(
    followed: Ward, clinic: Clinic, tmp_path: Path
) -> None:
    write_summary(clinic, "K-0001", tmp_path / "plain.pdf", LATER)
    write_summary(clinic, "K-0001", tmp_path / "words.pdf", LATER, with_text=True, actor="staff:1")

    plain, words = PdfReader(tmp_path / "plain.pdf"), PdfReader(tmp_path / "words.pdf")
    assert (len(plain.pages), len(words.pages)) == (2, 2)
    text = "\n".join(page.extract_text() for page in plain.pages)
    for told in ("K-0001", "ANX-2", "12 min", "called, agreed to come in", "moderate"):
        assert told in text
    assert "it was hard" not in text
    assert "it was hard" in "\n".join(page.extract_text() for page in words.pages)
    with clinic.db.reading() as tx:
        lines = [row for row in tx.exec(select(Audit)).all() if row.action == "summary.made"]
        assert [line.details["with_text"] for line in lines] == [False, True]
        assert audit.verify(tx).intact


@pytest.mark.parametrize("code", [*OUTCOMES, REVIEWED])
def test_how_an_alert_ended_is_said_in_words(
    followed: Ward, clinic: Clinic, tmp_path: Path, code: str
) -> None:
    with clinic.db.reading() as tx:
        patient = by_code(tx, "K-0001")
    assert patient is not None
    followed.alert(
        patient.id, TREATED_AT + timedelta(days=9), state="resolved", next_action_at=None, resolved_at=LATER,
        outcome=code,
    )  # fmt: skip
    write_summary(clinic, "K-0001", tmp_path / "s.html", LATER)
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    english, spanish = (clinic.content.wording(each).say(f"record.outcome.{code}") for each in ("en", "es"))
    assert english in html and english != spanish
    assert f">{code}<" not in html


def test_a_very_long_record_still_makes_two_pages(followed: Ward, clinic: Clinic, tmp_path: Path) -> None:
    with clinic.db.reading() as tx:
        patient = by_code(tx, "K-0001")
        assert patient is not None
    for number in range(15):
        followed.message(patient.id, "long words " * 300, TREATED_AT + timedelta(hours=number))
        followed.alert(
            patient.id, TREATED_AT + timedelta(days=2, hours=number), state="resolved", next_action_at=None,
            resolved_at=LATER, outcome="a long outcome " * 40,
        )  # fmt: skip
    write_summary(clinic, "K-0001", tmp_path / "long.pdf", LATER, with_text=True)
    assert len(PdfReader(tmp_path / "long.pdf").pages) == 2


def test_the_html_needs_nothing_else_and_runs_nothing(followed: Ward, clinic: Clinic, tmp_path: Path) -> None:
    with clinic.db.reading() as tx:
        patient = by_code(tx, "K-0001")
        assert patient is not None
    followed.message(patient.id, "<script>alert(1)</script>\x00\ud800", TREATED_AT + timedelta(days=4))
    write_summary(clinic, "K-0001", tmp_path / "s.html", LATER, with_text=True)
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html.replace("http-equiv", "")
    assert 'alt="Chart K-0001' in html


def test_making_a_summary_logs_no_words(
    followed: Ward, clinic: Clinic, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        write_summary(clinic, "K-0001", tmp_path / "s.pdf", LATER, with_text=True)
    assert not [
        record for record in caplog.records if "hard" in record.getMessage() or "😀" in str(record.args)
    ]


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        pytest.param("K-9999", "s.pdf", "no patient has this code", id="an unknown code"),
        pytest.param("K-0001", "s.docx", "must end in .pdf or .html", id="a format we do not write"),
        pytest.param("K-0001", "there.pdf", "is there already", id="a file that exists"),
        pytest.param("K-0001", "nowhere/s.pdf", "is no folder", id="a folder that does not"),
    ],
)
def test_a_summary_that_cannot_be_written_is_refused(
    followed: Ward, clinic: Clinic, tmp_path: Path, code: str, name: str, said: str
) -> None:
    (tmp_path / "there.pdf").write_text("mine")
    with pytest.raises(ExportRefused, match=said):
        write_summary(clinic, code, tmp_path / name, LATER)
    assert (tmp_path / "there.pdf").read_text() == "mine"


def test_the_caseload_says_who_is_silent_and_who_is_getting_worse(followed: Ward, clinic: Clinic) -> None:
    ana, quiet, new = caseload(clinic, "demo", LATER)
    assert (ana.code, [each.item_id for each in ana.worse], ana.silent) == ("K-0001", ["anxiety"], False)
    assert (quiet.code, quiet.missed, quiet.silent) == ("K-0002", 3, True)
    assert (new.code, new.heard_at, new.treatment_number) == ("K-0003", None, None)


def test_one_missed_check_in_is_not_yet_silence(followed: Ward, clinic: Clinic) -> None:
    first_missed = TREATED_AT + timedelta(days=1, hours=7)
    by_code_ = {each.code: each for each in caseload(clinic, "demo", first_missed)}
    assert (by_code_["K-0002"].missed, by_code_["K-0002"].silent) == (1, False)


def test_the_table_has_a_line_for_every_patient(followed: Ward, clinic: Clinic) -> None:
    found = caseload(clinic, "demo", LATER)
    lines = as_table(found).split("\n")
    assert len(lines) == 4
    assert "Worry or fear 4>9" in lines[1]
    assert found[0].as_json()["code"] == "K-0001"


@pytest.mark.parametrize("language", ["en", "es"])
def test_today_and_the_week_name_codes_and_nobodys_answers(
    followed: Ward, clinic: Clinic, content: Content, language: str
) -> None:
    lines = today_lines(caseload(clinic, "demo", LATER), content.wording(language), LATER, 12)
    assert any("K-0002" in line for line in lines)
    with clinic.db.reading() as tx:
        digest = weekly_digest(clinic, tx, "demo", LATER, language, "Europe/Madrid")
    assert "K-0002" in digest
    assert "2026-04-06" in digest
    assert "hard" not in digest
