"""Backup and restore: whole or not at all, between both engines, and nobody erased comes back."""

from __future__ import annotations

import base64
import os
import resource
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from bot.flows.clinic import Clinic
from bot.flows.erasure import erase
from storage import audit, inbox, migrations, patients
from storage import vault as sealing
from storage.backup import KEYS_NAME, backup, restore, write_keys
from storage.database import Database, StorageError
from storage.tables import Message, Patient, PatientStatus
from storage.vault import Vault
from tests.databases import MASTER_KEY
from tests.storage.test_erasure import CHAT, NOW, WORDS, enrol

LATER = NOW + timedelta(hours=1)
OTHER_KEY = bytes(range(50, 82))


@pytest.fixture
def file(database: Database, tmp_path: Path) -> Path:
    """A backup of a clinic with two patients."""
    enrol(database)
    enrol(database, chat=8)
    path = tmp_path / "monday.backup"
    backup(database, path, NOW)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_server").empty_database()
    return f"sqlite:///{tmp_path / 'restored.db'}"


def rows_of(db: Database) -> dict[str, list[tuple]]:
    with db.reading() as tx:
        return {
            table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
            for table in SQLModel.metadata.sorted_tables
        }


def refusal(file: Path, url: str, vault: Vault) -> str:
    with pytest.raises(StorageError) as caught:
        restore(file, url, vault, LATER)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def untouched(url: str, vault: Vault) -> bool:
    if url.startswith("sqlite"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        return not [each for each in folder.iterdir() if "restored" in each.name and each.suffix != ".lock"]
    with pytest.raises(StorageError, match="has no tables"):
        Database.open(url, vault)
    return True


def test_everything_comes_back_on_either_engine(database, file, empty_url, vault):
    before = rows_of(database)
    manifest = restore(file, empty_url, vault, LATER)
    db = Database.open(empty_url, vault)
    after = rows_of(db)
    restored_line = after["audit"].pop()
    assert after == before
    assert restored_line[3] == "backup.restored"
    assert manifest.rows["patient"] == 2
    with db.reading() as tx:
        assert audit.verify(tx).intact
        message = tx.scalars(select(Message)).first()
        assert sealing.unseal(tx, message, "text_sealed") == WORDS
        assert tx.scalar(select(Patient.chat_hash).where(Patient.code == "K-0001")) == sealing.chat_hash(
            tx, CHAT
        )
    db.close()


def test_updates_that_came_after_the_backup_are_taken_in_again(file, empty_url, vault):
    restore(file, empty_url, vault, LATER)
    db = Database.open(empty_url, vault)
    with db.transaction() as tx:
        assert not inbox.store(tx, "care", 1, CHAT, {"text": "handled before the backup"}, LATER)
        assert inbox.store(tx, "care", 99, CHAT, {"text": "still queued at Telegram"}, LATER)
    db.close()


def test_a_patient_erased_after_the_backup_stays_erased(database, file, empty_url, vault):
    erase(Clinic(database, None), "K-0001", LATER, "cli")
    write_keys(database, file.with_name(KEYS_NAME), LATER)
    restore(file, empty_url, vault, LATER)
    db = Database.open(empty_url, vault)
    with db.reading() as tx:
        gone = tx.scalars(select(Patient).where(Patient.code == "K-0001")).one()
        assert (gone.status, gone.chat_hash) == (PatientStatus.ERASED, None)
        kept = tx.scalars(select(Message)).all()
        assert [each.text_sealed is None for each in kept if each.patient_id == gone.id] == [True]
        stays = patients.by_code(tx, "K-0002")
        assert [sealing.unseal(tx, each, "text_sealed") for each in kept if each.patient_id == stays.id] == [
            WORDS
        ]
        assert audit.verify(tx).intact
    db.close()


def test_older_keys_than_the_data_are_refused_for_they_would_erase_newcomers(
    database, file, empty_url, vault
):
    old_keys = file.with_name(KEYS_NAME).read_bytes()
    enrol(database, chat=9)
    newer = file.with_name("tuesday.backup")
    backup(database, newer, LATER)
    file.with_name(KEYS_NAME).write_bytes(old_keys)
    assert "may lack patients" in refusal(newer, empty_url, vault)
    assert untouched(empty_url, vault)


def test_the_words_are_in_no_backup_file_and_the_keys_in_one(database, file):
    with database.reading() as tx:
        wrapped = list(tx.scalars(select(sealing.PatientKey.wrapped)))
    data, keys = (zipfile.ZipFile(each).read("rows.jsonl") for each in (file, file.with_name(KEYS_NAME)))
    for secret in (WORDS.encode(), str(CHAT).encode()):
        assert secret not in data + keys
    assert len(wrapped) == 2
    for each in wrapped:
        assert base64.b64encode(each) in keys
        assert base64.b64encode(each) not in data


def rewrite(file: Path, change: Callable[[str, bytes], bytes]) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def change_a_row(file: Path) -> None:
    rewrite(
        file,
        lambda name, content: (
            content.replace(b"northside", b"southside") if name == "rows.jsonl" else content
        ),
    )


def drop_a_row(file: Path) -> None:
    rewrite(file, lambda name, content: content[: content.rindex(b"[")] if name == "rows.jsonl" else content)


def change_the_manifest(file: Path) -> None:
    rewrite(file, lambda name, content: content.replace(b'"patient": 2', b'"patient": 1'))


def claim_a_newer_schema(file: Path) -> None:
    rewrite(file, lambda name, content: content.replace(b'"schema": "0', b'"schema": "9'))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("which", ["data", "keys"])
@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (cut, "is cut, damaged or not a backup"),
        (flip_a_bit, "is cut, damaged or not a backup"),
        (lambda file: file.write_bytes(b""), "is cut, damaged or not a backup"),
        (lambda file: file.write_text("hello"), "is cut, damaged or not a backup"),
        (drop_a_row, "rows were changed"),
        (claim_a_newer_schema, "manifest was changed"),
        (Path.unlink, "there is no such file"),
    ],
    ids=["cut", "bit", "empty", "text", "row dropped", "manifest", "missing"],
)
def test_a_file_that_is_not_as_it_was_written_is_refused_before_anything_is_touched(
    file, empty_url, vault, tamper, says, which
):
    victim = file if which == "data" else file.with_name(KEYS_NAME)
    tamper(victim)
    line = refusal(file, empty_url, vault)
    assert str(victim) in line
    assert says in line
    assert untouched(empty_url, vault)


@pytest.mark.parametrize(
    ("tamper", "says"), [(change_a_row, "rows were changed"), (change_the_manifest, "manifest was changed")]
)
def test_a_changed_clinic_is_refused(file, empty_url, vault, tamper, says):
    tamper(file)
    assert says in refusal(file, empty_url, vault)
    assert untouched(empty_url, vault)


def test_a_backup_of_a_newer_program_is_refused(database, file, empty_url, vault, monkeypatch):
    monkeypatch.setattr(migrations, "known", lambda: frozenset({"0000"}))
    assert "newer than this program" in refusal(file, empty_url, vault)


def test_a_backup_under_another_key_is_refused_by_name(file, empty_url):
    line = refusal(file, empty_url, Vault([OTHER_KEY]))
    assert sealing.key_id(MASTER_KEY).hex() in line
    assert sealing.key_id(OTHER_KEY).hex() in line


def test_the_files_are_not_taken_for_each_other(file, empty_url, vault):
    assert "holds keys; data is needed" in refusal(file.with_name(KEYS_NAME), empty_url, vault)


def test_a_database_that_is_there_is_never_replaced(database, database_url, file, vault):
    before = rows_of(database)
    assert any(
        words in refusal(file, database_url, vault) for words in ("database already", "tables already")
    )
    assert rows_of(database) == before


def test_a_backup_is_never_written_over_another_file(database, file, tmp_path):
    content = file.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (file, link, tmp_path):
        with pytest.raises(StorageError, match="is there already"):
            backup(database, path, LATER)
    with pytest.raises(StorageError, match="does not exist"):
        backup(database, tmp_path / "no" / "folder", LATER)
    assert file.read_bytes() == content
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_fills_leaves_no_half_file(sqlite_database, tmp_path):
    enrol(sqlite_database)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    folder = tmp_path / "full"
    folder.mkdir()
    with sqlite_database.transaction() as tx:
        patient = patients.by_code(tx, "K-0001")
        long = os.urandom(300_000).hex()
        patients.keep_message(tx, patient, NOW, kind="text", text=long, sent_at=NOW)
    sqlite_database.checkpoint()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError):
            backup(sqlite_database, folder / "monday.backup", LATER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [each.name for each in folder.iterdir()] == [KEYS_NAME]
