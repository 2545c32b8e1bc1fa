"""The steps that bring a database from one shape to the next, and what shape this program needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import Session

from storage.refusal import StorageError


def config(connection: Connection | None = None) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    settings.attributes["connection"] = connection
    return settings


@cache
def newest() -> str:
    """Return the revision this program was written for."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


@cache
def known() -> frozenset[str]:
    """Return every revision this program knows how to start from."""
    return frozenset(each.revision for each in ScriptDirectory.from_config(config()).walk_revisions())


def present(connection: Connection) -> str | None:
    """Return the revision the database is at; None when it holds no tables of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, to: str = "head") -> None:
    command.upgrade(config(connection), to)


def require_current(tx: Session) -> None:
    """Refuse to work in tables of another shape: a worker must stop while the database moves on.

    Raises:
        StorageError: the schema is older or newer than this program.
    """
    found = tx.scalar(text("SELECT version_num FROM alembic_version"))
    if found == newest():
        return
    older = "stop every program that uses it, then start: aftercare run"
    step = older if found in known() else "install the newer program"
    raise StorageError(f"{tx.info['place']}: has schema {found}; this program needs {newest()}; {step}")
