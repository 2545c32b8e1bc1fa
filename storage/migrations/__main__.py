"""Draft the next migration from what changed in `storage/tables.py`.

    python -m storage.migrations "What changed"

The draft is to be read and corrected: a changed CHECK is not seen, and new columns of tables that
hold rows need a `server_default`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from storage import migrations


def draft(what: str) -> None:
    """Write the next revision into `versions/`."""
    number = f"{int(migrations.newest() or 0) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'draft.db'}")
        with engine.begin() as connection:
            migrations.upgrade(connection)
            command.revision(migrations.config(connection), what, autogenerate=True, rev_id=number)
        engine.dispose()


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]))
