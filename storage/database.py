"""The one door to the database: SQLite embedded, PostgreSQL when one machine is not enough.

On SQLite every writer begins with BEGIN IMMEDIATE: a transaction that reads first and writes later
would fail at once when another wrote in between, however long it was told to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from storage import migrations
from storage import vault as sealing
from storage.engines import CONNECTIONS, engine_for, place_of, reader_for
from storage.refusal import BUSY_SECONDS, RESTORE, StorageError, check_file, explain, lost_a_race, name_of
from storage.turns import Turns, is_urgent
from storage.vault import Vault, WrongKey

__all__ = ["Database", "StorageError"]

T = TypeVar("T")
TRIES = 5
CHECKPOINTS = 3
URGENT_CONNECTIONS = 10  # more than the threads that are urgent: four at replies must not keep a page out
MIGRATION_LOCK = 0x6D696772


class Database:
    """The database of this process, open.

    Alerts have connections of their own (`urgent`), so that whatever uses up the others cannot
    keep a page waiting.
    """

    def __init__(self, place: URL, vault: Vault) -> None:
        self.place = place
        self.vault = vault
        self.engine = engine_for(place, CONNECTIONS)
        self.dialect = self.engine.dialect.name
        self._urgent = engine_for(place, URGENT_CONNECTIONS)
        self._reading = reader_for(place, self.engine)
        self._secrets: dict[str, bytes] = {}
        self._current = False
        self.turns = Turns(BUSY_SECONDS, side_by_side=self.dialect != "sqlite")

    @classmethod
    def open(cls, url: str, vault: Vault, *, create: bool = False) -> Database:
        """Open the database at `url` ("sqlite:///file" or "postgresql+psycopg://...").

        `create` allows a new one: without it a missing or empty database is an error, so that a
        wrong path is never taken for a clinic without patients.

        Raises:
            StorageError: it is missing, not a database, damaged, locked, not writable, newer than
                this program, or sealed under another key.
        """
        place = place_of(url)
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
            raise StorageError(
                f"{name_of(self.place)}: has no tables; correct the setting, or run: aftercare init"
            )
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
        engine = engine_for(self.place, 1)
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

        A thread that said `storage.turns.be_urgent` goes before others, on connections of its own.

        Raises:
            StorageError: the database is locked, full, read-only, damaged, gone, or of another shape.
        """
        with self._writing(self._urgent if is_urgent() else self.engine) as session:
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
        with (
            self.turns.taken(),
            self._explained(),
            self._session(engine) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A view of one moment, for reading only; writers are not held up.

        Raises:
            StorageError: the database is damaged or gone.
        """
        self.turns.give_way()
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


def _check_pages(place: URL, connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise StorageError(f"{name_of(place)}: is damaged; {RESTORE}")
