"""Opening the database: what cannot be used is refused in one line, and never replaced by an empty one."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from storage import marks, migrations
from storage.database import Database, StorageError
from storage.single import single_process
from storage.tables import Site, Staff
from storage.vault import Vault
from tests.databases import MASTER_KEY, new_sqlite

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path, vault: Vault) -> Path:
    """A SQLite database that holds something, closed."""
    path = tmp_path / "aftercare.db"
    db = new_sqlite(f"sqlite:///{path}", vault)
    with db.transaction() as tx:
        marks.set_mark(tx, "tick", NOW)
    db.close()
    return path


def refusal(url: str | Path, vault: Vault) -> str:
    address = f"sqlite:///{url}" if isinstance(url, Path) else url
    with pytest.raises(StorageError) as caught:
        Database.open(address, vault)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_missing_file_is_not_replaced_by_an_empty_clinic(tmp_path, vault):
    path = tmp_path / "elsewhere.db"
    assert refusal(path, vault).startswith(f"{path}: there is no database here")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path, vault):
    folder = tmp_path / "gone"
    assert f"the folder {folder} does not exist" in refusal(folder / "aftercare.db", vault)
    with pytest.raises(StorageError):
        Database.open(f"sqlite:///{folder}/aftercare.db", vault, create=True)
    assert not folder.exists()


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path, vault):
    assert "is a folder" in refusal(tmp_path, vault)


@pytest.mark.parametrize("content", [b"\x89PNG not at all", b"code,item,value\n" * 500, b"SQLite format 2"])
def test_another_kind_of_file_is_left_as_it_is(tmp_path, vault, content):
    path = tmp_path / "aftercare.db"
    path.write_bytes(content)
    assert "is not a database" in refusal(path, vault)
    with pytest.raises(StorageError):
        Database.open(f"sqlite:///{path}", vault, create=True)
    assert path.read_bytes() == content


def test_a_file_cut_to_nothing_is_not_taken_for_a_new_one(path, vault):
    path.write_bytes(b"")
    assert "is empty (0 bytes)" in refusal(path, vault)


def test_a_file_of_the_right_kind_without_our_tables_is_refused(tmp_path, vault):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE song (title TEXT)")
    assert "has no tables" in refusal(path, vault)


def test_a_truncated_file_is_called_damaged(path, vault):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    assert "is damaged" in refusal(path, vault)
    assert "aftercare restore" in refusal(path, vault)


def test_a_page_of_noise_is_called_damaged(path, vault):
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    assert "is damaged" in refusal(path, vault)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://host/db", "no such kind of database"),
        ("not an address", "cannot be read"),
    ],
)
def test_an_address_that_cannot_work_is_refused(url, says, vault):
    assert says in refusal(url, vault)


def test_a_server_that_does_not_answer_is_named_without_its_password(vault):
    line = refusal("postgresql+psycopg://nurse:hunter2@127.0.0.1:1/aftercare", vault)
    assert "cannot be reached" in line
    assert "127.0.0.1:1/aftercare" in line
    assert "hunter2" not in line


def test_a_database_missing_on_the_server_is_said(postgres_server, vault):
    url = postgres_server.new_database().replace("/test_", "/gone_", 1)
    assert "does not exist on the server" in refusal(url, vault)


def test_an_empty_database_on_the_server_is_not_taken_for_a_clinic(postgres_server, vault):
    assert "has no tables" in refusal(postgres_server.empty_database(), vault)


def as_nobody(path: Path) -> str:
    """Open the database as an account without rights, and return what it is told."""
    asking, told = multiprocessing.Pipe(duplex=False)

    def attempt() -> None:
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        try:
            Database.open(f"sqlite:///{path}", Vault([MASTER_KEY]))
            told.send("opened")
        except StorageError as error:
            told.send(str(error))

    process = multiprocessing.get_context("fork").Process(target=attempt)
    process.start()
    process.join(30)
    return str(asking.recv())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any account may look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("file_mode", "says"), [(0o444, "cannot be written to"), (0o000, "cannot be read")], ids=["444", "000"]
)
def test_a_file_without_the_rights_is_said(path, open_folder, file_mode, says):
    copy = open_folder / "aftercare.db"
    shutil.copy(path, copy)
    copy.chmod(file_mode)
    open_folder.chmod(0o555)
    line = as_nobody(copy)
    assert says in line
    assert str(copy) in line


def test_a_lock_held_by_another_program_is_said(path, vault, monkeypatch):
    monkeypatch.setattr("storage.engines.BUSY_SECONDS", 0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert "locked by another program" in refusal(path, vault)
    finally:
        other.close()


def test_a_newer_schema_is_refused_and_untouched(database, database_url, vault):
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    line = refusal(database_url, vault)
    assert "schema 9999" in line
    assert migrations.newest() in line
    assert "newer program" in line


def test_an_older_schema_is_told_how_to_move_on_before_anything_is_written(database, database_url, vault):
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    known = migrations.known()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "known", lambda: known | {"0000"})
        older = Database.open(database_url, vault)
        with pytest.raises(StorageError, match="start: aftercare run"), older.transaction() as tx:
            tx.add(Site(id="never"))
    older.close()


def test_a_new_database_has_exactly_the_tables_of_the_program(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_twice_changes_nothing(database):
    database.migrate()
    database.check()


def test_what_is_undone_is_undone_whole(database):
    with pytest.raises(RuntimeError), database.transaction() as tx:
        marks.set_mark(tx, "tick", NOW)
        raise RuntimeError
    with database.reading() as tx:
        assert marks.mark(tx, "tick") is None


def test_a_view_does_not_move_while_it_is_read(database):
    with database.transaction() as tx:
        marks.set_mark(tx, "tick", NOW, "1")
    with database.reading() as before:
        marks.mark(before, "tick")
        with database.transaction() as tx:
            marks.set_mark(tx, "tick", NOW, "2")
        before.expire_all()
        assert marks.mark(before, "tick").value == "1"
    with database.reading() as after:
        assert marks.mark(after, "tick").value == "2"


def test_errors_carry_no_value_of_the_row(database):
    def add_with_no_such_role() -> None:
        with database.transaction() as tx:
            tx.add(Site(id="northside"))
            tx.flush()
            tx.add(Staff(id="1", site_id="northside", name="Ada Lovelace", role="captain", created_at=NOW))

    with pytest.raises(IntegrityError) as caught:
        add_with_no_such_role()
    shown = f"{caught.value} {caught.value!r} {caught.value.orig} {caught.value.__cause__!r}"
    assert "Lovelace" not in shown
    assert "captain" not in shown
    assert "role_known" in shown


def test_sqlite_is_set_to_lose_nothing(sqlite_database):
    with sqlite_database.reading() as tx:
        settings = {
            name: tx.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_the_log_is_emptied_unless_a_reader_is_in_the_way(sqlite_database, monkeypatch):
    log = Path(f"{sqlite_database.place.database}-wal")
    with sqlite_database.transaction() as tx:
        marks.set_mark(tx, "tick", NOW)
    assert log.stat().st_size > 0
    assert sqlite_database.checkpoint()
    assert log.stat().st_size == 0


def test_a_second_bot_on_the_same_file_is_refused_with_the_firsts_number(path):
    url = f"sqlite:///{path}"
    program = (
        "import sys\nfrom storage.single import single_process\n"
        "with single_process(sys.argv[1]):\n    print('holding', flush=True)\n    sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout and first.stdout.readline() == "holding\n"
    with pytest.raises(StorageError, match=f"process {first.pid};"), single_process(url):
        pass
    first.send_signal(signal.SIGKILL)
    first.communicate()
    with (
        single_process(url),
        pytest.raises(StorageError, match=f"process {os.getpid()};"),
        single_process(url),
    ):
        pass


def test_several_bots_may_share_a_server():
    url = "postgresql+psycopg://host/aftercare"
    with single_process(url), single_process(url):
        pass
