"""The one door to the database: SQLite embedded, PostgreSQL when one machine is not enough.

On SQLite every writer begins with BEGIN IMMEDIATE: a transaction that reads first and writes later
would fail at once when another wrote in between, however long it was told to wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from storage import migrations
from storage import vault as sealing
from storage.vault import Vault

__all__ = ["Database", "StorageError"]

T = TypeVar("T")
BUSY_SECONDS = 10
TRIES = 5
CONNECTIONS = 8
READING = {"reading": True}


class StorageError(Exception):
    """The database cannot be used. The message is one line: place, value, limit and next step."""


class Database:
    """The database of this process, open."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self.vault = vault
        self.engine = engine
        self.dialect = engine.dialect.name
        self._secrets: dict[str, bytes] = {}
        options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
        self._reading = engine.execution_options(**READING, **options)

    @classmethod
    def open(cls, url: str, vault: Vault, *, create: bool = False) -> Database:
        """Open the database at `url` ("sqlite:///file" or "postgresql+psycopg://...").

        `create` allows a SQLite file that is not there to be made; without it a missing file is an
        error, so that a wrong path is never taken for an empty clinic.

        Raises:
            StorageError: it is missing, not a database, damaged, or newer than this program.
        """
        place = make_url(url)
        if place.get_backend_name() == "sqlite":
            _check_file(place.database or "", create)
        db = cls(_engine(url), vault)
        return db

    def migrate(self) -> None:
        """Bring the database to the shape this program needs; a new one gets its tables and keys."""
        with self.engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7165)")
            migrations.upgrade(connection)
        with self.transaction() as tx:
            sealing.make_secrets(tx)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One write transaction: everything in it is kept, or nothing."""
        with self._session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of one moment, for reading only; writers are not held up."""
        with self._session(self._reading) as session:
            yield session

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        info = {"vault": self.vault, "secrets": self._secrets}
        with Session(engine, expire_on_commit=False, info=info) as session:
            yield session

    def run(self, work: Callable[[Session], T]) -> T:
        """Do `work` in a transaction, and again when it lost a race with another one."""
        for _ in range(TRIES - 1):
            try:
                with self.transaction() as tx:
                    return work(tx)
            except DBAPIError as error:
                if not lost_a_race(error):
                    raise
        with self.transaction() as tx:
            return work(tx)

    def close(self) -> None:
        self.engine.dispose()


def lost_a_race(error: DBAPIError) -> bool:
    """Whether PostgreSQL undid a transaction (class 40: serialization failure, deadlock) that may be tried again."""
    return str(getattr(error.orig, "sqlstate", "") or "").startswith("40")


def _check_file(name: str, create: bool) -> None:
    path = Path(name)
    if not path.parent.is_dir():
        raise StorageError(f"{path}: its folder does not exist; make the folder or correct the setting")
    if not path.exists() and not create:
        raise StorageError(f"{path}: there is no database; start a new one with: aftercare init")


def _engine(url: str) -> Engine:
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        engine = create_engine(
            place, hide_parameters=True, pool_size=CONNECTIONS, connect_args={"timeout": BUSY_SECONDS}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(place, hide_parameters=True, pool_size=CONNECTIONS, pool_pre_ping=True)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own: `_begin_sqlite` does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
