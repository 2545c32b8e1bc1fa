"""A file whose rows are proven: written whole or not at all, and read only when nothing in it was changed.

It is a zip of `rows.jsonl` and `manifest.json`. The manifest carries the hash of the rows and is
itself signed under the master key, so that neither can be altered without the key.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from storage.refusal import StorageError
from storage.vault import Vault

ROWS = "rows.jsonl"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """`kind` is "data" or "keys", `rows` counts by table, `audit_head` the chain's end."""

    kind: str
    made_at: str
    schema: str
    key_id: str
    rows: dict[str, int]
    audit_head: tuple[int, str]
    sha256: str
    signature: str = ""

    def signed_bytes(self) -> bytes:
        plain = {**asdict(self), "signature": ""}
        return json.dumps(plain, sort_keys=True).encode()


def write(path: Path, lines: Iterable[bytes], manifest: Manifest, vault: Vault) -> Manifest:
    """Write the file under a temporary name, force it to the disk, and give it its name.

    `manifest.sha256`, `key_id` and `signature` are filled in here.

    Raises:
        StorageError: the folder cannot be written to or the disk is full; no file is left.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("xb") as file:
            signed = _write_zip(file, lines, manifest, vault)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
    finally:
        draft.unlink(missing_ok=True)
    return signed


def _write_zip(file: IO[bytes], lines: Iterable[bytes], manifest: Manifest, vault: Vault) -> Manifest:
    digest = hashlib.sha256()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        with archive.open(ROWS, "w", force_zip64=True) as rows:
            for line in lines:
                digest.update(line)
                rows.write(line)
        whole = {**asdict(manifest), "sha256": digest.hexdigest(), "key_id": vault.sealing_id.hex()}
        unsigned = Manifest(**whole)
        signature = vault.sign(unsigned.signed_bytes()).hex()
        signed = Manifest(**{**asdict(unsigned), "signature": signature})
        archive.writestr(MANIFEST, json.dumps(asdict(signed), indent=1))
    return signed


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prove(path: Path, kind: str, vault: Vault) -> Manifest:
    """Return the manifest of a file that is whole, unchanged, of this `kind` and under one of our keys.

    Raises:
        StorageError: it is not; says why.
    """
    with _opened(path) as archive:
        manifest = _read_manifest(path, archive)
        if manifest.kind != kind:
            raise StorageError(f"{path}: holds {manifest.kind}; {kind} is needed here")
        if manifest.key_id not in vault.key_ids:
            raise StorageError(
                f"{path}: was made under master key {manifest.key_id}; ours: {', '.join(vault.key_ids)};"
                " add its master key to the settings"
            )
        if not vault.signed(manifest.signed_bytes(), manifest.key_id, bytes.fromhex(manifest.signature)):
            raise StorageError(f"{path}: its manifest was changed after it was made; use another backup")
        digest = hashlib.sha256()
        for line in _lines(archive):
            digest.update(line)
    if digest.hexdigest() != manifest.sha256:
        raise StorageError(f"{path}: its rows were changed after it was made; use another backup")
    return manifest


def read(path: Path) -> Iterator[bytes]:
    """Return the rows of a file that was proven."""
    with _opened(path) as archive:
        yield from _lines(archive)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise StorageError(f"{path}: there is no such file; correct the name") from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror}); correct the owner or mode") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError):
        raise StorageError(f"{path}: is cut, damaged or not a backup; use another one") from None


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    plain = json.loads(archive.read(MANIFEST))
    plain["audit_head"] = tuple(plain["audit_head"])
    return Manifest(**plain)


def _lines(archive: zipfile.ZipFile) -> Iterator[bytes]:
    with archive.open(ROWS) as rows:
        yield from rows
