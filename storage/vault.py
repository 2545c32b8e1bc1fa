"""Sealing: what a patient wrote and where to reach anybody is ciphertext from the first write.

Every sealed value is bound to its table, column and row, so that it opens nowhere else. A patient's
values are sealed under a data key of their own, and that key is kept wrapped by a master key:
destroying it erases every copy, backups included. Several master keys may be given: the first
seals, all of them open, so that a key can be retired without a night of re-encryption.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Table, delete, insert, inspect, select, true, update
from sqlmodel import Session, SQLModel, col

from storage.tables import Patient, PatientKey, Secret

KEY_BYTES = 32
ID_BYTES = 4
NONCE_BYTES = 12
INDEX = "index"
AUDIT = "audit"


class Erased(Exception):
    """The patient's data key is gone: nothing sealed under it can ever be read again."""


class WrongKey(Exception):
    """None of the master keys opens this value."""


class Vault:
    """The master keys of this process: the first seals, all of them open."""

    def __init__(self, master_keys: Sequence[bytes]) -> None:
        if not master_keys:
            raise ValueError("a vault needs at least one master key")
        for key in master_keys:
            if len(key) != KEY_BYTES:
                raise ValueError(f"a master key is {len(key)} bytes; it must be {KEY_BYTES}")
        self._keys = {key_id(key): key for key in master_keys}
        self._sealing = master_keys[0]

    @property
    def sealing_id(self) -> bytes:
        """The id of the key that seals now."""
        return key_id(self._sealing)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys, in hex, the sealing one first. An id does not give the key away."""
        return tuple(each.hex() for each in self._keys)

    def seal(self, plain: bytes, place: str) -> bytes:
        return seal_bytes(self._sealing, plain, place)

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed at `place`.

        Raises:
            WrongKey: it was sealed under another master key, at another place, or was changed.
        """
        key = self._keys.get(sealed[:ID_BYTES])
        if key is None:
            raise WrongKey(f"{place} was sealed under key {sealed[:ID_BYTES].hex()}, which is not among ours")
        return unseal_bytes(key, sealed, place)

    def sign(self, message: bytes) -> bytes:
        """Return a signature that only holders of the sealing master key can make."""
        return _signature(self._sealing, message)

    def signed(self, message: bytes, key_name: str, signature: bytes) -> bool:
        """Whether `signature` was made over `message` under the master key of this id (in hex)."""
        key = self._keys.get(bytes.fromhex(key_name))
        return key is not None and hmac.compare_digest(_signature(key, message), signature)


def _signature(key: bytes, message: bytes) -> bytes:
    signing_key = hmac.new(key, b"aftercare signing", hashlib.sha256).digest()
    return hmac.new(signing_key, message, hashlib.sha256).digest()


def key_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:ID_BYTES]


def seal_bytes(key: bytes, plain: bytes, place: str) -> bytes:
    """Return key id, nonce and ciphertext; `place` must be given again to open it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return key_id(key) + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal_bytes(key: bytes, sealed: bytes, place: str) -> bytes:
    nonce, body = sealed[ID_BYTES : ID_BYTES + NONCE_BYTES], sealed[ID_BYTES + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, body, place.encode())
    except (InvalidTag, ValueError):
        raise WrongKey(f"{place} does not open: it was changed, moved, or sealed under another key") from None


def place_of(row: Any, column: str) -> str:
    """Return the table, column and row a value belongs to, in words a seal is bound to."""
    mapper = inspect(row).mapper
    identity = ":".join(str(value) for value in mapper.primary_key_from_instance(row))
    return f"{mapper.local_table.name}.{column}.{identity}"


def seal(tx: Session, row: Any, column: str, text: str | bytes) -> bytes:
    """Seal `text` into `row.<column>` and return the ciphertext.

    It is sealed under the patient's own key when the row is or belongs to a patient, otherwise
    under the master key. The row must have its id.

    Raises:
        Erased: the patient's key was destroyed.
    """
    plain = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    place = place_of(row, column)
    patient_id = patient_of(row)
    if patient_id is None:
        sealed = vault_of(tx).seal(plain, place)
    else:
        sealed = seal_bytes(patient_key(tx, patient_id), plain, place)
    setattr(row, column, sealed)
    return sealed


def unseal_raw(tx: Session, row: Any, column: str) -> bytes | None:
    """Return the bytes sealed in `row.<column>`, or None when it is empty.

    Raises:
        Erased: the patient's key was destroyed.
        WrongKey: the value was changed or moved, or the master key is another's.
    """
    sealed = getattr(row, column)
    if sealed is None:
        return None
    patient_id = patient_of(row)
    if patient_id is None:
        return vault_of(tx).unseal(sealed, place_of(row, column))
    return unseal_bytes(patient_key(tx, patient_id), sealed, place_of(row, column))


def unseal(tx: Session, row: Any, column: str) -> str | None:
    """Return the text sealed in `row.<column>`, or None when it is empty. Raises as `unseal_raw`."""
    plain = unseal_raw(tx, row, column)
    return None if plain is None else plain.decode("utf-8", "surrogatepass")


def patient_of(row: Any) -> str | None:
    return row.id if isinstance(row, Patient) else getattr(row, "patient_id", None)


def vault_of(tx: Session) -> Vault:
    vault: Vault = tx.info["vault"]
    return vault


def new_patient_key(tx: Session, patient_id: str) -> None:
    """Give a patient the data key that everything of theirs will be sealed under."""
    tx.flush()  # the patient's own row first: the key refers to it
    wrapped = vault_of(tx).seal(secrets.token_bytes(KEY_BYTES), f"patient_key.wrapped.{patient_id}")
    tx.execute(insert(PatientKey).values(patient_id=patient_id, wrapped=wrapped))


def destroy_patient_key(tx: Session, patient_id: str) -> None:
    """Delete a patient's data key. Nothing sealed under it can be read again, in any copy."""
    tx.execute(delete(PatientKey).where(col(PatientKey.patient_id) == patient_id))
    _keys_of(tx).pop(patient_id, None)


def patient_key(tx: Session, patient_id: str) -> bytes:
    """Return a patient's data key, remembered for this transaction only: erasing elsewhere counts at once."""
    keys = _keys_of(tx)
    if patient_id not in keys:
        wrapped = tx.scalar(select(col(PatientKey.wrapped)).where(col(PatientKey.patient_id) == patient_id))
        if wrapped is None:
            raise Erased(f"patient {patient_id} has no data key")
        keys[patient_id] = vault_of(tx).unseal(wrapped, f"patient_key.wrapped.{patient_id}")
    return keys[patient_id]


def _keys_of(tx: Session) -> dict[str, bytes]:
    keys: dict[str, bytes] = tx.info.setdefault("patient_keys", {})
    return keys


def chat_hash(tx: Session, chat_id: int) -> str:
    """Return the keyed hash a chat is looked up by: equal for equal chats, useless without the key."""
    return _keyed(tx, "chat", str(chat_id))


def token_hash(tx: Session, code: str) -> str:
    """Return the keyed hash an invite's code is looked up by."""
    return _keyed(tx, "token", code)


def _keyed(tx: Session, purpose: str, value: str) -> str:
    message = f"{purpose}:{value}".encode("utf-8", "surrogatepass")
    return hmac.new(secret(tx, INDEX), message, hashlib.sha256).hexdigest()


def secret(tx: Session, name: str) -> bytes:
    """Return one of the database's own keys. They outlive master keys: retiring one changes no hash."""
    secrets_known: dict[str, bytes] = tx.info["secrets"]
    if name not in secrets_known:
        wrapped = tx.scalar(select(col(Secret.wrapped)).where(col(Secret.name) == name))
        if wrapped is None:
            raise WrongKey(f"the database has no {name} key; it was not made by this program")
        secrets_known[name] = vault_of(tx).unseal(wrapped, f"secret.wrapped.{name}")
    return secrets_known[name]


def open_secrets(tx: Session) -> None:
    """See that the master keys are those of this database.

    Raises:
        WrongKey: they are another's, or the database has no keys of its own yet.
    """
    for name in (INDEX, AUDIT):
        secret(tx, name)


def make_secrets(tx: Session) -> None:
    """Give a new database its own keys; an existing one keeps them."""
    for name in (INDEX, AUDIT):
        if tx.get(Secret, name) is None:
            wrapped = vault_of(tx).seal(secrets.token_bytes(KEY_BYTES), f"secret.wrapped.{name}")
            tx.add(Secret(name=name, wrapped=wrapped))
    tx.flush()


def rewrap(tx: Session) -> int:
    """Move everything sealed under an older master key to the first one, and return how many.

    Patients' words stay as they are: only the wrapping of their keys changes. Afterwards the older
    master keys open nothing that is needed and can be taken out of the settings.
    """
    return sum(_rewrap_column(tx, table, column) for table, column in _master_sealed())


def _master_sealed() -> list[tuple[Table, str]]:
    """Return the columns whose values may be sealed under a master key."""
    tables = SQLModel.metadata.sorted_tables
    sealed = [(each, name) for each in tables for name in dict(each.columns) if name.endswith("_sealed")]
    wrapped = [(each, "wrapped") for each in tables if "wrapped" in each.columns]
    return [(table, name) for table, name in sealed if table.name != "patient"] + wrapped


def _rewrap_column(tx: Session, table: Table, name: str) -> int:
    column = table.columns[name]
    identity = list(table.primary_key.columns)
    older = tx.execute(select(*identity, column).where(column.is_not(None), _not_patients(table))).all()
    vault, moved = vault_of(tx), 0
    for *key, sealed in older:
        if sealed[:ID_BYTES] == vault.sealing_id:
            continue
        place = f"{table.name}.{name}." + ":".join(str(part) for part in key)
        again = vault.seal(vault.unseal(sealed, place), place)
        ours = [each == part for each, part in zip(identity, key, strict=True)]
        tx.execute(update(table).where(*ours).values({name: again}))
        moved += 1
    return moved


def _not_patients(table: Table) -> ColumnElement[bool]:
    if table.name != "patient_key" and "patient_id" in table.columns:
        return table.columns["patient_id"].is_(None)
    return true()
