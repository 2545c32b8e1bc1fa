"""How a migration runs, and how a new one is drafted: in the transaction of the connection it is given."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString, SQLModel

from storage.tables import Instant


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Return how a column's type is written in a migration: without the library it was declared with."""
    if kind == "type" and isinstance(item, Instant):
        autogen.imports.add("from storage.tables import Instant")
        return "Instant()"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length or ''})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render,
    compare_type=True,
)
context.run_migrations()
