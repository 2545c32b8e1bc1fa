"""Reading a great many rows at one moment: Arrow batches straight from the engine, flat in memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from adbc_driver_manager import Error
from adbc_driver_manager.dbapi import Connection
from sqlmodel import Session, SQLModel

from storage.database import Database, StorageError
from storage.vault import Erased, token_hash, unseal

BATCH_ROWS = 8_192
AHEAD = 1  # batches read while one is being written
PG_BATCH_BYTES = 8 << 20
SHIFT_WEEKS = 104


class Snapshot:
    """One consistent view of the database, for as long as the export takes. Writers are not held up."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self._connection = connection
        self.dialect = dialect

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a small query."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def number(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query; the next batches are read while the last is being used.

        On SQLite the query's first row only gives the columns their types and is left out.
        """
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**self._options())
            try:
                cursor.execute(sql)
                reader = cursor.fetch_record_batch()
                skip = 1 if self.dialect == "sqlite" else 0
                for batch in _ahead(reader):
                    yield batch.slice(skip)
                    skip = 0
            except (Error, pa.ArrowException) as error:
                raise StorageError("the database stopped answering during the export; try again") from error

    def _options(self) -> dict[str, str | int]:
        if self.dialect == "sqlite":
            return {"adbc.sqlite.query.batch_rows": BATCH_ROWS}
        return {"adbc.postgresql.batch_size_hint_bytes": PG_BATCH_BYTES}


@contextmanager
def snapshot(db: Database) -> Iterator[Snapshot]:
    """Open one moment of the database for reading.

    Raises:
        StorageError: it cannot be opened.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # the others keep what they were given
    try:
        connection = _connect(db)
    except Error as error:
        raise StorageError("the database cannot be opened for the export; run: aftercare doctor") from error
    with connection:
        yield Snapshot(connection, db.dialect)


def _connect(db: Database) -> Connection:
    url = db.engine.url
    if db.dialect == "sqlite":
        import adbc_driver_sqlite.dbapi as sqlite

        path = quote(str(Path(url.database or "").resolve()))
        connection: Connection = sqlite.connect(f"file:{path}?mode=ro")
        _begin(connection, "SELECT count(*) FROM site")  # the view is of the first read, so read now
        return connection
    import adbc_driver_postgresql.dbapi as postgres

    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = postgres.connect(address)
    _begin(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    _begin(connection, "SELECT count(*) FROM site")
    return connection


def _begin(connection: Connection, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        if sql.startswith("SELECT"):
            cursor.fetchall()


def _ahead(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the reader's batches, read in a thread of their own a little ahead."""
    waiting: queue.Queue[Any] = queue.Queue(AHEAD)
    given_up = threading.Event()

    def read() -> None:
        try:
            for batch in reader:
                if not _offer(waiting, batch, given_up):
                    return
            _offer(waiting, None, given_up)
        except BaseException as error:  # handed to the one who reads
            _offer(waiting, error, given_up)

    thread = threading.Thread(target=read, name="export-reader", daemon=True)
    thread.start()
    try:
        while (found := waiting.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        given_up.set()
        thread.join()


def _offer(waiting: queue.Queue[Any], item: Any, given_up: threading.Event) -> bool:
    while not given_up.is_set():
        try:
            waiting.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


def revealer(tx: Session, table: type[SQLModel], column: str) -> Callable[..., list[str | None]]:
    """Return a function that opens the sealed words of a column, row by row, None where there are none.

    Words of a patient erased while the export runs are gone: they come as None.
    """

    def reveal(
        ids: Sequence[str], patients: Sequence[str | None], sealed: Sequence[bytes | None]
    ) -> list[str | None]:
        return [
            None
            if each is None
            else _opened(tx, table(id=row_id, patient_id=patient, **{column: each}), column)
            for row_id, patient, each in zip(ids, patients, sealed, strict=True)
        ]

    return reveal


def _opened(tx: Session, row: SQLModel, column: str) -> str | None:
    try:
        return unseal(tx, row, column)
    except Erased:
        return None


@dataclass(frozen=True)
class Pseudonym:
    """What a patient is called in a de-identified export, and by how many weeks their dates move."""

    code: str
    weeks: int


def pseudonyms(tx: Session, codes: Iterable[str]) -> dict[str, Pseudonym]:
    """Return a pseudonym for every patient code: the same in every export, of no use without our key."""
    return {code: _pseudonym(token_hash(tx, f"export:{code}")) for code in codes}


def _pseudonym(digest: str) -> Pseudonym:
    return Pseudonym(f"S-{digest[:12]}", -1 - int(digest[12:20], 16) % SHIFT_WEEKS)
