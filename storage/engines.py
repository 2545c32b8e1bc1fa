"""Connections to the database, set so that nothing confirmed is lost and nobody waits for ever."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from storage.refusal import BUSY_SECONDS, StorageError

CONNECTIONS = 16  # more than the threads that use them
WAL_BYTES = 64 * 1024 * 1024
READING = {"reading": True}


def place_of(url: str) -> URL:
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


def engine_for(place: URL, connections: int) -> Engine:
    if place.get_backend_name() == "sqlite":
        settings: dict[str, Any] = {"timeout": BUSY_SECONDS}
    else:
        options = f"-c lock_timeout={BUSY_SECONDS * 1000:.0f} -c synchronous_commit=on"
        settings = {"connect_timeout": BUSY_SECONDS, "options": options}
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


def reader_for(place: URL, engine: Engine) -> Engine:
    """Return an engine whose transactions see one moment and cannot write."""
    if place.get_backend_name() == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    reader = engine_for(place, CONNECTIONS)
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
