"""The folder an export is delivered in: whole under its name, or not there at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class ExportRefused(Exception):
    """The export cannot be written where it was asked for. The message is one line for a person."""


class NothingToExport(Exception):
    """There is nothing in what was asked for. The message is one line for a person."""


class DiskTrouble(Exception):
    """The disk filled up or failed while the export was written. Nothing was left behind."""


@dataclass(frozen=True)
class Workplace:
    """Where an export is being written (`making`) and where it will stand (`final`)."""

    making: Path
    final: Path

    def deliver(self) -> None:
        """Put the finished folder under its final name, safely on disk."""
        for path in sorted(self.making.iterdir()):
            _sync(path)
        _sync(self.making)
        try:
            self.making.rename(self.final)
        except OSError as error:
            raise DiskTrouble(f"{self.final}: cannot take its name: {error.strerror}") from error
        _sync(self.final.parent)

    def take_back(self) -> None:
        """Remove a delivered folder again, because it could not be recorded."""
        shutil.rmtree(self.final, ignore_errors=True)


@contextmanager
def workplace(folder: Path) -> Iterator[Workplace]:
    """Give a place to write an export to `folder`; whatever is not delivered is removed.

    Raises:
        ExportRefused: the folder exists, leads elsewhere, or cannot be written.
        DiskTrouble: the disk filled up or failed.
    """
    final = checked_folder(folder)
    making = final.parent / f".{final.name}.making-{secrets.token_hex(4)}"
    try:
        making.mkdir(mode=0o700)
    except OSError as error:
        raise ExportRefused(
            f"{final.parent}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    try:
        yield Workplace(making, final)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskTrouble(
                f"{final.parent}: the disk is full; nothing was written. Make room and export again"
            ) from error
        raise DiskTrouble(f"{final}: writing failed ({error.strerror}); nothing was written") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def checked_folder(folder: Path) -> Path:
    """Return the absolute folder an export may be written to.

    Raises:
        ExportRefused: it names "..", exists, is a symbolic link, or its parent is not a folder of ours.
    """
    if ".." in folder.parts:
        raise ExportRefused(f'{folder}: a folder with ".." in it is not taken; give the place itself')
    if "\x00" in str(folder) or not folder.name:
        raise ExportRefused(f"{str(folder)!r}: is no name for a folder")
    whole = Path.cwd() / folder
    if whole.is_symlink():
        raise ExportRefused(f"{whole}: is a symbolic link; give the place it leads to")
    if whole.exists():
        kind = "a folder" if whole.is_dir() else "a file"
        raise ExportRefused(f"{whole}: {kind} of that name is there already; choose a new name")
    parent = whole.parent
    if not parent.is_dir():
        raise ExportRefused(f"{parent}: there is no such folder; make it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ExportRefused(f"{parent}: cannot be written; choose another folder")
    return parent.resolve() / whole.name


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
