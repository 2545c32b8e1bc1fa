"""One bot per SQLite file: a second one is refused with the first one's process id."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from storage.refusal import StorageError


@contextmanager
def single_process(url: str) -> Iterator[None]:
    """Keep the SQLite file at `url` to this process while the block runs; PostgreSQL takes several.

    The kernel gives the lock back when the process dies, however it dies.

    Raises:
        StorageError: another process has it.
    """
    place = make_url(url)
    if place.get_backend_name() != "sqlite":
        yield
        return
    path = Path(f"{place.database}.lock")
    try:
        file = path.open("a+")
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be opened ({error.strerror}); correct the owner or mode"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise StorageError(
                f"{place.database}: is in use by process {holder}; stop that one first, two would send twice"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
