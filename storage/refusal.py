"""Why the database cannot be used, in one line: the place, what is wrong, the next step."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

BUSY_SECONDS = 10
SQLITE_HEADER = b"SQLite format 3\x00"
RESTORE = "stop the bot and put the last backup in its place with: aftercare restore"
_RIGHTS = "give the bot's account the right to write the file and its folder"

_SQLITE = {
    "SQLITE_BUSY": f"has been locked by another program for {BUSY_SECONDS} s; find and stop that program",
    "SQLITE_LOCKED": f"has been locked by another program for {BUSY_SECONDS} s; find and stop that program",
    "SQLITE_FULL": "cannot grow: the disk is full; make room, and it goes on by itself",
    "SQLITE_READONLY": f"cannot be written to; {_RIGHTS}",
    "SQLITE_CANTOPEN": f"cannot be opened; {_RIGHTS}",
    "SQLITE_PERM": f"cannot be opened; {_RIGHTS}",
    "SQLITE_CORRUPT": f"is damaged; {RESTORE}",
    "SQLITE_NOTADB": f"is not a database; correct the setting, or {RESTORE}",
    "SQLITE_IOERR": "could not be read or written: the disk reports an error; look at the disk first",
}
_POSTGRES = {
    "08": "cannot be reached; see that the server runs and that the address is right",
    "25": "is read-only (a standby?); point the setting at the server that may be written to",
    "28": "refuses this account; correct the account or its password in the setting",
    "3D": "does not exist on the server; make it with createdb, or correct the setting",
    "53": "is out of disk, memory or connections; make room on the server",
    "55": f"has been locked by another program for {BUSY_SECONDS} s; find and stop that program",
    "57": "is shutting down or starting up; wait until it answers",
    "58": "reports an error of its disk; look at the server before anything else",
    "XX": f"is damaged; {RESTORE}",
}


class StorageError(Exception):
    """The database cannot be used. The message is one line: place, what is wrong, next step."""


def name_of(place: URL) -> str:
    """Return how people call the database: its file, or its address without the password."""
    if place.get_backend_name() == "sqlite":
        return place.database or "sqlite://"
    return place.render_as_string(hide_password=True)


def explain(place: URL, error: DBAPIError) -> StorageError | None:
    """Return what to tell people when the database itself is in trouble; None when our statement was."""
    if isinstance(error, IntegrityError | ProgrammingError) or lost_a_race(error):
        return None
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    if code:
        return _known(place, _SQLITE, "_".join(code.split("_")[:2]))
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if not state and isinstance(error, OperationalError):
        state = _refused_while_connecting(str(error.orig))
    return _known(place, _POSTGRES, state[:2])


def _refused_while_connecting(text: str) -> str:
    """Return the class of an error that the driver gives without one, before a connection stands."""
    if "does not exist" in text:
        return "28" if "role" in text else "3D"
    return "28" if "password" in text else "08"


def _known(place: URL, reasons: dict[str, str], code: str) -> StorageError | None:
    return StorageError(f"{name_of(place)}: {reasons[code]}") if code in reasons else None


def lost_a_race(error: DBAPIError) -> bool:
    """Whether PostgreSQL undid a transaction because of another one, so that it may be tried again.

    Class 40: serialization failure, deadlock.
    """
    return str(getattr(error.orig, "sqlstate", None) or "").startswith("40")


def check_file(path: Path, create: bool) -> None:
    """Refuse a SQLite file that is not there, not readable or not a database.

    `create` allows one that is not there or is empty.

    Raises:
        StorageError: what is wrong and what to do.
    """
    if not path.parent.is_dir():
        raise StorageError(
            f"{path}: the folder {path.parent} does not exist; make it, or correct the setting"
        )
    if path.is_dir():
        raise StorageError(f"{path}: is a folder; the setting must name a file in it")
    if path.exists():
        _check_start(path, create)
    elif not create:
        raise StorageError(
            f"{path}: there is no database here; correct the setting, or make one with: aftercare init"
        )


def _check_start(path: Path, create: bool) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}); correct the owner or mode") from None
    if start == SQLITE_HEADER or (not start and create):
        return
    if not start:
        raise StorageError(f"{path}: is empty (0 bytes); {RESTORE}")
    raise StorageError(f"{path}: {_SQLITE['SQLITE_NOTADB']}")
