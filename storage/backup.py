"""Backup and restore: a whole, proven copy, that does not bring back anybody who was erased.

A backup is two files. The data file holds every table but the patients' keys. The keys file beside
it holds those, and each backup replaces it: so there is one place where an erased patient's key
is gone for good, and every older data file is closed for that patient with it. Both carry only
what is sealed already, and are of no use without the master key.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Table, column, inspect, make_url, select, table
from sqlmodel import Session, SQLModel, col

from storage import audit, erasure, migrations, sealed_file
from storage.database import Database
from storage.dump import lines_of, load
from storage.refusal import StorageError, name_of
from storage.sealed_file import Manifest
from storage.single import single_process
from storage.tables import Patient, PatientKey, PatientStatus, instant_text
from storage.vault import Vault

KEYS_NAME = "patient-keys.aftercare"


def backup(db: Database, path: Path, now: datetime, *, actor: str = "cli") -> Manifest:
    """Write the database to the new file `path`, and the patients' keys to the one file beside it.

    Both are of one moment; the bot may go on meanwhile.

    Raises:
        StorageError: `path` is there already or cannot be written; no half file is left.
    """
    if path.exists() or path.is_symlink():
        raise StorageError(f"{path}: is there already and is not written over; choose another name")
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {path.parent} does not exist; make it first")
    with db.transaction() as tx:
        audit.record(tx, now, actor, "backup.made", f"file:{path.name}")
    with db.reading() as tx:
        # The keys first: newer keys beside older data close nothing, older keys beside newer data would.
        _write(tx, path.with_name(KEYS_NAME), "keys", [_keys_table()], now)
        return _write(tx, path, "data", _data_tables(), now)


def write_keys(db: Database, path: Path, now: datetime) -> Manifest:
    """Replace the keys file at `path`: after an erasure this closes every older backup beside it."""
    with db.reading() as tx:
        return _write(tx, path, "keys", [_keys_table()], now)


def _keys_table() -> Table:
    return SQLModel.metadata.tables["patient_key"]


def _data_tables() -> list[Table]:
    return [each for each in SQLModel.metadata.sorted_tables if each is not _keys_table()]


def _write(tx: Session, path: Path, kind: str, tables: list[Table], now: datetime) -> Manifest:
    rows: dict[str, int] = {}
    manifest = Manifest(kind, instant_text(now), migrations.newest(), "", rows, audit.head(tx), "")
    return sealed_file.write(path, lines_of(tx, tables, rows), manifest, tx.info["vault"])


def restore(path: Path, url: str, vault: Vault, now: datetime, *, keys: Path | None = None) -> Manifest:
    """Make a new database at `url` out of a backup; `keys` is the keys file, beside `path` by default.

    Everything is proven before anything is touched. Patients erased since the backup was made have
    no key in the newer keys file, and are erased again.

    Raises:
        StorageError: a file is missing, cut, changed, newer than this program or made under another
            key, or `url` already holds a database.
    """
    manifest = sealed_file.prove(path, "data", vault)
    keys = keys or path.with_name(KEYS_NAME)
    _check(path, manifest, keys, sealed_file.prove(keys, "keys", vault))
    with single_process(url), _new_database(url, vault) as db, db.building() as tx:
        _fill(tx, path, keys, manifest, now)
    return manifest


def _check(path: Path, manifest: Manifest, keys: Path, keys_manifest: Manifest) -> None:
    if manifest.schema not in migrations.known():
        raise StorageError(
            f"{path}: has schema {manifest.schema}, newer than this program, which knows up to"
            f" {migrations.newest()}; install the newer program"
        )
    if keys_manifest.made_at < manifest.made_at:
        raise StorageError(
            f"{keys}: was made {keys_manifest.made_at}, before the backup ({manifest.made_at}), and may lack"
            " patients; put the newest keys file there"
        )


@contextmanager
def _new_database(url: str, vault: Vault) -> Iterator[Database]:
    """Give an empty database that takes its name only when all went well."""
    place = make_url(url)
    if place.get_backend_name() != "sqlite":
        with _emptied(Database.open(url, vault, create=True)) as db:
            yield db
        return
    final = Path(place.database or "")
    if any(Path(f"{final}{end}").exists() for end in ("", "-wal", "-shm")):
        raise StorageError(f"{final}: there is a database already; move it and its -wal file away first")
    draft = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        with _emptied(Database.open(f"sqlite:///{draft}", vault, create=True)) as db:
            yield db
            db.checkpoint()
        draft.replace(final)
    finally:
        for end in ("", "-wal", "-shm"):
            Path(f"{draft}{end}").unlink(missing_ok=True)


@contextmanager
def _emptied(db: Database) -> Iterator[Database]:
    try:
        with db.engine.connect() as connection:
            if inspect(connection).has_table("patient"):
                raise StorageError(f"{name_of(db.place)}: holds tables already; restore into an empty one")
        yield db
    finally:
        db.close()


def _fill(tx: Session, path: Path, keys: Path, manifest: Manifest, now: datetime) -> None:
    migrations.upgrade(tx.connection(), manifest.schema)
    counts = load(tx, sealed_file.read(path), lambda *_: True)
    if counts != Counter(manifest.rows):
        raise StorageError(f"{path}: holds other rows than its manifest says; use another backup")
    patients: set[str] = set(tx.scalars(select(column("id")).select_from(table("patient"))))
    load(tx, sealed_file.read(keys), lambda _, row: row["patient_id"] in patients)
    migrations.upgrade(tx.connection())
    report = audit.verify(tx, manifest.audit_head)
    if not report.intact:
        raise StorageError(f"{path}: its audit chain does not hold: {report.problem}; use another backup")
    again = _erase_again(tx, now)
    audit.record(tx, now, "cli", "backup.restored", "database", made_at=manifest.made_at, erased=again)


def _erase_again(tx: Session, now: datetime) -> int:
    """Erase the patients whose key was destroyed after the backup, and return how many there were."""
    keyless = select(Patient).where(
        col(Patient.status) != PatientStatus.ERASED,
        col(Patient.id).not_in(select(col(PatientKey.patient_id))),
    )
    found = list(tx.scalars(keyless))
    for patient in found:
        erasure.close_alerts(tx, patient, now)
        rows = erasure.erase(tx, patient, now)
        audit.record(tx, now, "cli", erasure.ACTION, f"patient:{patient.id}", rows=rows, with_alert=True)
    return len(found)
