"""Where an export may be written, and that it is there whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from bot.export import formats
from bot.export.book import Book
from bot.export.folder import DiskTrouble, ExportRefused, checked_folder
from bot.export.manifest import Unreconciled
from bot.flows import exports
from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export, verify
from storage.database import Database
from storage.tables import Audit, Patient
from storage.vault import destroy_patient_key
from tests.export.conftest import NOW, TREATED_AT, Ward


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "delivery"
    folder.mkdir()
    return folder


def test_a_folder_that_is_there_is_never_written_over(delivery: Path) -> None:
    (delivery / "old").mkdir()
    (delivery / "file").write_text("mine")
    (delivery / "link").symlink_to(delivery / "old")
    for name, said in (
        ("old", "a folder of that name"),
        ("file", "a file of that name"),
        ("link", "symbolic"),
    ):
        with pytest.raises(ExportRefused, match=said):
            checked_folder(delivery / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("../out", r'a folder with "\.\."', id="leads out of the folder"),
        pytest.param("nowhere/out", "there is no such folder", id="the folder above is missing"),
        pytest.param("a\x00b", "is no name", id="NUL in the name"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(delivery: Path, name: str, said: str) -> None:
    with pytest.raises(ExportRefused, match=said):
        checked_folder(delivery / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(delivery: Path) -> None:
    delivery.chmod(0o500)
    with pytest.raises(ExportRefused, match="cannot be written"):
        checked_folder(delivery / "out")


def failing_after(first: int, error: BaseException) -> formats.Writer:
    def write(book: Book, folder: Path) -> Iterator[tuple[Path, dict[str, int]]]:
        path = folder / "answers.csv"
        path.write_bytes(b"x" * first)
        yield path, {"answers": book.tables["answers"]}
        raise error

    return write


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), DiskTrouble, id="the disk fills"),
        pytest.param(OSError(errno.EIO, "Input/output error"), DiskTrouble, id="the disk fails"),
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="Ctrl-C"),
        pytest.param(RuntimeError(), RuntimeError, id="a bug"),
    ],
)
def test_whatever_stops_an_export_leaves_no_file(
    recorded: Ward,
    clinic: Clinic,
    delivery: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    raised: type[BaseException],
) -> None:
    monkeypatch.setitem(exports.FORMATS, "csv", failing_after(100, error))
    with pytest.raises(raised):
        export(clinic, delivery / "out", Wanted(), NOW)
    assert list(delivery.iterdir()) == []


def test_rows_that_do_not_add_up_are_not_delivered(
    recorded: Ward, clinic: Clinic, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loses_a_row(book: Book, folder: Path) -> Iterator[tuple[Path, dict[str, int]]]:
        (folder / "answers.csv").write_text("")
        yield folder / "answers.csv", {"answers": book.tables["answers"] - 1}

    monkeypatch.setitem(exports.FORMATS, "csv", loses_a_row)
    with pytest.raises(Unreconciled, match=r"answers\.csv: 21 rows of answers; the database counts 22"):
        export(clinic, delivery / "out", Wanted(), NOW)
    assert list(delivery.iterdir()) == []


def test_the_start_of_an_export_is_on_record_even_when_it_fails(
    recorded: Ward, clinic: Clinic, database: Database, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(exports.FORMATS, "csv", failing_after(1, RuntimeError()))
    with pytest.raises(RuntimeError):
        export(clinic, delivery / "out", Wanted(), NOW, actor="staff:eve")
    with database.reading() as tx:
        lines = [(line.actor, line.action) for line in tx.exec(select(Audit)) if "export" in line.action]
    assert lines == [("staff:eve", "export.started")]


def test_replies_arriving_meanwhile_do_not_change_the_export(
    recorded: Ward, clinic: Clinic, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export counts first and reads later: an answer written in between must be in neither."""
    usual = formats.FORMATS["csv"]
    check_in = recorded.check_in(recorded.treatment(recorded.patient("K-0009")), "d1", TREATED_AT, items=[])

    def writes_meanwhile(book: Book, folder: Path) -> Iterator[tuple[Path, dict[str, int]]]:
        arriving = threading.Thread(
            target=lambda: [recorded.answer(check_in, f"item{n}", NOW, value=1.0) for n in range(20)]
        )
        arriving.start()
        arriving.join(timeout=20)
        assert not arriving.is_alive(), "replies had to wait for the export"
        yield from usual(book, folder)

    monkeypatch.setitem(exports.FORMATS, "csv", writes_meanwhile)
    first = export(clinic, delivery / "out", Wanted(), NOW)
    assert first.tables["answers"] == 22
    assert verify(delivery / "out") == []
    assert export(clinic, delivery / "again", Wanted(formats=("parquet",)), NOW).tables["answers"] == 42


def test_a_patient_erased_half_way_through_leaves_rows_without_words(
    recorded: Ward, clinic: Clinic, database: Database, delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = formats.FORMATS["parquet"]

    def erases_meanwhile(book: Book, folder: Path) -> Iterator[tuple[Path, dict[str, int]]]:
        with database.transaction() as tx:
            patient = tx.exec(select(Patient).where(Patient.code == "K-0001")).one()
            destroy_patient_key(tx, patient.id)
        yield from usual(book, folder)

    monkeypatch.setitem(exports.FORMATS, "parquet", erases_meanwhile)
    export(clinic, delivery / "out", Wanted(("parquet",), with_text=True), NOW + timedelta(hours=1))
    assert verify(delivery / "out") == []
    late = delivery / "later"
    export(clinic, late, Wanted(("csv",), with_text=True), NOW + timedelta(hours=2))
    assert "=bad" not in (late / "answers.csv").read_text()


def test_an_erased_patient_is_unknown(
    recorded: Ward, clinic: Clinic, database: Database, delivery: Path
) -> None:
    with database.transaction() as tx:
        patient = tx.exec(select(Patient).where(Patient.code == "K-0001")).one()
        patient.status, patient.chat_hash = "erased", None
    with pytest.raises(ExportRefused, match="no patient has this code"):
        export(clinic, delivery / "out", Wanted(patient="K-0001"), NOW)


def test_progress_is_told(recorded: Ward, clinic: Clinic, delivery: Path) -> None:
    told: list[tuple[str, int, int]] = []
    export(clinic, delivery / "out", Wanted(), NOW, progress=lambda *each: told.append(each))
    assert ("answers", 22, 22) in told
