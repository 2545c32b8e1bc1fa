"""The one door to the database: SQLite embedded, PostgreSQL when one machine is not enough.

On SQLite every writer begins with BEGIN IMMEDIATE: a transaction that reads first and writes later
would fail at once when another wrote in between, however long it was told to wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from storage import migrations
from storage import vault as sealing
from storage.refusal import BUSY_SECONDS, RESTORE, StorageError, check_file, explain, lost_a_race, name_of
from storage.vault import Vault, WrongKey

__all__ = ["Database", "StorageError"]

T = TypeVar("T")
TRIES = 5
CHECKPOINTS = 3
CONNECTIONS = 16  # more than the threads that use them
URGENT_CONNECTIONS = 3
WAL_BYTES = 64 * 1024 * 1024
MIGRATION_LOCK = 0x6D696772
READING = {"reading": True}


class Database:
    """The database of this process, open.

    Alerts have connections of their own (`urgent`), so that whatever uses up the others cannot
    keep a page waiting.
    """

    def __init__(self, place: URL, vault: Vault) -> None:
        self.place = place
        self.vault = vault
        self.engine = _engine(place, CONNECTIONS)
        self.dialect = self.engine.dialect.name
        self._urgent = _engine(place, URGENT_CONNECTIONS)
        self._reading = _reader(place, self.engine)
        self._secrets: dict[str, bytes] = {}
        self._current = False

    @classmethod
    def open(cls, url: str, vault: Vault, *, create: bool = False) -> Database:
        """Open the database at `url` ("sqlite:///file" or "postgresql+psycopg://...").

        `create` allows a new one: without it a missing or empty database is an error, so that a
        wrong path is never taken for a clinic without patients.

        Raises:
            StorageError: it is missing, not a database, damaged, locked, not writable, newer than
                this program, or sealed under another key.
        """
        place = _place(url)
        if place.get_backend_name() == "sqlite":
            check_file(Path(place.database or ""), create)
        db = cls(place, vault)
        try:
            db._examine(create)
        except BaseException:
            db.close()
            raise
        return db

    def _examine(self, create: bool) -> None:
        with self._explained(), self.engine.begin() as connection:
            if self.dialect == "sqlite":
                _check_pages(self.place, connection)
            revision = migrations.present(connection)
            has_keys = inspect(connection).has_table("secret")
        if revision is None and not create:
            raise StorageError(f"{name_of(self.place)}: has no tables; correct the setting, or {RESTORE}")
        if revision is not None and revision not in migrations.known():
            raise StorageError(
                f"{name_of(self.place)}: has schema {revision}, newer than this program, which knows"
                f" up to {migrations.newest()}; install the newer program"
            )
        if has_keys:
            self._check_key()

    def _check_key(self) -> None:
        with self._explained(), self._session(self._reading) as tx:
            try:
                sealing.open_secrets(tx)
            except WrongKey as error:
                ours = ", ".join(self.vault.key_ids)
                raise StorageError(
                    f"{name_of(self.place)}: {error}; ours: {ours}; add its master key to the settings"
                ) from None

    def migrate(self) -> None:
        """Bring the database to the shape this program needs; a new one gets its tables and keys.

        Raises:
            StorageError: it cannot be written to.
        """
        with self.building() as tx:
            migrations.upgrade(tx.connection())
            sealing.make_secrets(tx)

    @contextmanager
    def building(self) -> Iterator[Session]:
        """One transaction in which the tables take another shape, or stay as they were.

        SQLite must copy a table to change its rules, which no foreign key may notice: they are
        checked at the end instead.
        """
        engine = _engine(self.place, 1)
        if self.dialect == "sqlite":
            event.listen(
                engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF")
            )
        try:
            with self._explained(), engine.begin() as connection:
                if self.dialect == "postgresql":
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                with Session(connection, info=self._info()) as tx:
                    yield tx
                    tx.commit()
                self._check_links(connection)
        finally:
            engine.dispose()

    def _check_links(self, connection: Connection) -> None:
        if self.dialect == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise StorageError(f"{name_of(self.place)}: rows refer to rows that are not there; {RESTORE}")

    def check(self) -> None:
        """Refuse to work in tables of another shape than this program's.

        Raises:
            StorageError: the schema is older or newer.
        """
        with self._explained(), self._session(self._reading) as tx:
            migrations.require_current(tx)
        self._current = True

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One write transaction: everything in it is kept, or nothing.

        Raises:
            StorageError: the database is locked, full, read-only, damaged, gone, or of another shape.
        """
        with self._writing(self.engine) as session:
            yield session

    @contextmanager
    def urgent(self) -> Iterator[Session]:
        """As `transaction`, on the connections kept for alerts."""
        with self._writing(self._urgent) as session:
            yield session

    @contextmanager
    def _writing(self, engine: Engine) -> Iterator[Session]:
        if not self._current:
            self.check()
        with self._explained(), self._session(engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of one moment, for reading only; writers are not held up.

        Raises:
            StorageError: the database is damaged or gone.
        """
        with self._explained(), self._session(self._reading) as session:
            yield session

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with Session(engine, expire_on_commit=False, info=self._info()) as session:
            yield session

    def _info(self) -> dict[str, Any]:
        return {"vault": self.vault, "secrets": self._secrets, "place": name_of(self.place)}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if trouble := explain(self.place, error):
                raise trouble from error
            raise

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

    def checkpoint(self) -> bool:
        """Move what was written into the database file and empty the write-ahead log.

        False: a reader was in the way, and some of the log is still there. True on PostgreSQL,
        which sees to it itself.
        """
        if self.dialect != "sqlite":
            return True
        with closing(self.engine.raw_connection()) as connection:
            busy, _, _ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def scrub(self) -> bool:
        """Overwrite what was deleted where the engine still holds it. False: a reader was in the way."""
        if self.dialect == "sqlite":
            return any(self.checkpoint() for _ in range(CHECKPOINTS))
        with self._explained(), self.engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM FULL patient_key")
        return True

    def close(self) -> None:
        for engine in (self.engine, self._urgent, self._reading):
            engine.dispose()


def _place(url: str) -> URL:
    shapes = "sqlite:////folder/aftercare.db or postgresql+psycopg://account@host/aftercare"
    try:
        place = make_url(url)
    except ArgumentError:
        raise StorageError(f"the address of the database cannot be read; write {shapes}") from None
    if place.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StorageError(f"{place.drivername}: no such kind of database is supported; write {shapes}")
    if place.drivername == "sqlite" and place.database in (None, "", ":memory:"):
        raise StorageError(f"{url}: names no file, so nothing would be kept; write {shapes}")
    return place


def _engine(place: URL, connections: int) -> Engine:
    if place.get_backend_name() == "sqlite":
        settings: dict[str, Any] = {"timeout": BUSY_SECONDS}
    else:
        settings = {"connect_timeout": BUSY_SECONDS, "options": f"-c lock_timeout={BUSY_SECONDS * 1000:.0f}"}
    engine = create_engine(
        place,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=place.get_backend_name() == "postgresql",
        connect_args=settings,
    )
    if place.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "handle_error", _drop_details)
    return engine


def _reader(place: URL, engine: Engine) -> Engine:
    """Return an engine whose transactions see one moment and cannot write."""
    if place.get_backend_name() == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    reader = _engine(place, CONNECTIONS)
    event.listen(reader, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    return reader.execution_options(**READING)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own: `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"journal_size_limit={WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _drop_details(context: ExceptionContext) -> None:
    """PostgreSQL adds the values of the row to its errors; those must not reach a log."""
    diagnosis = getattr(context.original_exception, "diag", None)
    text = getattr(diagnosis, "message_primary", None)
    if text and context.sqlalchemy_exception is not None:
        context.original_exception.args = (text,)
        context.sqlalchemy_exception.args = (f"({type(context.original_exception).__name__}) {text}",)


def _check_pages(place: URL, connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise StorageError(f"{name_of(place)}: is damaged; {RESTORE}")
