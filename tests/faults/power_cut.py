"""A power cut, played on copies: what a disk may have kept of SQLite's file and of its write-ahead log.

A write that was synced is there; of what came after the last sync anything may be missing, cut in
the middle, or garbage.
"""

from __future__ import annotations

import os
import random
import signal
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text
from sqlmodel import Session, col

from storage import audit
from storage.database import Database, StorageError
from storage.tables import Alert, Inbox
from storage.vault import Vault
from tests.databases import MASTER_KEY

WAL_HEADER, FRAME_HEADER = 32, 24


@dataclass(frozen=True)
class Disk:
    """The two files as they were at one instant, and what Telegram had been told is kept."""

    file: bytes
    log: bytes
    confirmed: frozenset[int]

    @property
    def commits(self) -> list[int]:
        """Where in the log each transaction ends, the ones of before its last restart left out."""
        ends = []
        for at, frame in self._frames():
            size_after_commit = struct.unpack_from(">I", frame, 4)[0]
            if size_after_commit:
                ends.append(at + len(frame))
        return ends

    def pages_in_log(self, until: int) -> list[int]:
        """The pages of the file that the log holds newer, of what of it was synced.

        A checkpoint may be writing them just now; it begins with nothing that is not.
        """
        return sorted({struct.unpack_from(">I", frame)[0] for at, frame in self._frames() if at < until})

    @property
    def page_size(self) -> int:
        return int(struct.unpack_from(">I", self.log, 8)[0]) if len(self.log) >= WAL_HEADER else 0

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        length = FRAME_HEADER + self.page_size
        for at in range(WAL_HEADER, len(self.log) - length + 1, length) if self.page_size else ():
            frame = self.log[at : at + length]
            if frame[8:16] != self.log[16:24]:  # the salts: what is behind is older than the log
                return
            yield at, frame


def stopped(pid: int, path: Path, confirmed: Iterable[int]) -> Disk:
    """Hold the writing process for the moment it takes to copy its files."""
    os.kill(pid, signal.SIGSTOP)
    try:
        _wait_until_stopped(pid)
        log = Path(f"{path}-wal")
        return Disk(path.read_bytes(), log.read_bytes() if log.exists() else b"", frozenset(confirmed))
    finally:
        os.kill(pid, signal.SIGCONT)


def _wait_until_stopped(pid: int) -> None:
    """Every thread of it: a signal reaches them one by one."""
    while True:
        states = [
            each.read_text().rpartition(")")[2].split()[0]
            for each in Path(f"/proc/{pid}/task").glob("*/stat")
        ]
        if set(states) <= {"T", "t"}:
            return


@dataclass(frozen=True)
class Found:
    """What a program that is started on such a disk finds."""

    refused: str
    kept: frozenset[int] = frozenset()
    wrong: tuple[str, ...] = ()


def started_on(disk: Disk, log: bytes, folder: Path, file: bytes | None = None) -> Found:
    """Open copies of the files as the program does at its start, and look at what is there."""
    path = _laid_out(folder, disk.file if file is None else file, log)
    try:
        db = Database.open(f"sqlite:///{path}", Vault([MASTER_KEY]))
    except StorageError as error:
        return Found(str(error))
    try:
        db.migrate()
        with db.reading() as tx:
            return Found("", frozenset(tx.scalars(select(col(Inbox.update_id)))), tuple(_wrong(tx)))
    except StorageError as error:
        return Found(str(error))
    finally:
        db.close()


def _laid_out(folder: Path, file: bytes, log: bytes) -> Path:
    path = folder / "cut.db"
    path.write_bytes(file)
    Path(f"{path}-wal").write_bytes(log)
    Path(f"{path}-shm").unlink(missing_ok=True)
    return path


def _wrong(tx: Session) -> Iterator[str]:
    if not audit.verify(tx).intact:
        yield "the audit chain is broken"
    if tx.execute(text("PRAGMA foreign_key_check")).first():
        yield "rows refer to rows that are not there"
    raised = tx.scalar(select(func.count()).select_from(Alert))
    audited = tx.execute(text("SELECT count(*) FROM audit WHERE action = 'alert.raised'")).scalar_one()
    if raised != audited:
        yield "an alert has no audit line"


def settled_at(disk: Disk, folder: Path) -> int:
    """Return where in the log the last transaction ends that Telegram was told of; synced by then."""
    ends = [WAL_HEADER, *disk.commits]
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        if disk.confirmed <= started_on(disk, disk.log[: ends[middle]], folder).kept:
            high = middle
        else:
            low = middle + 1
    return ends[low]


def torn(disk: Disk, at: int, chance: random.Random) -> bytes:
    """Return the log with everything from `at` on cut off, zeroed, garbage, or garbage in places."""
    kept, lost = disk.log[:at], len(disk.log) - at
    match chance.randrange(4):
        case 0:
            return kept
        case 1:
            return kept + bytes(lost)
        case 2:
            return kept + chance.randbytes(lost)
        case _:
            tail = bytearray(disk.log[at:])
            for start in range(0, lost, 512):  # a sector is whole or not there at all
                if chance.random() < 0.5:
                    tail[start : start + 512] = bytes(len(tail[start : start + 512]))
            return kept + bytes(tail)


def half_written_pages(disk: Disk, settled: int, chance: random.Random) -> bytes:
    """Return the file as a checkpoint leaves it that was cut: pages that the log holds too are torn."""
    file = bytearray(disk.file)
    for page in disk.pages_in_log(settled):
        start = (page - 1) * disk.page_size
        if start + disk.page_size <= len(file) and chance.random() < 0.5:
            half = start + disk.page_size // 2
            file[half : start + disk.page_size] = chance.randbytes(disk.page_size // 2)
    return bytes(file)
