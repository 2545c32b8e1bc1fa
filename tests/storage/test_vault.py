"""Sealing: a value opens in its own row only, and nowhere once its patient is erased."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from storage import vault as sealing
from storage.database import Database, StorageError
from storage.ids import new_id
from storage.tables import Contact, Message, Patient, PatientKey, Site
from storage.vault import Erased, Vault, WrongKey
from tests.databases import MASTER_KEY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND_KEY = bytes(range(100, 132))
WORDS = "I could not sleep, \U0001f319 and \ud83d is half a moon"


def new_patient(tx, code: str = "K-0001") -> Patient:
    if tx.get(Site, "northside") is None:
        tx.add(Site(id="northside"))
        tx.flush()
    patient = Patient(id=new_id(NOW), site_id="northside", code=code, created_at=NOW)
    tx.add(patient)
    sealing.new_patient_key(tx, patient.id)
    return patient


def new_message(tx, patient: Patient, text: str = WORDS) -> Message:
    message = Message(id=new_id(NOW), patient_id=patient.id, sent_at=NOW, received_at=NOW)
    sealing.seal(tx, message, "text_sealed", text)
    tx.add(message)
    tx.flush()
    return message


def test_words_are_read_back_exactly_and_stored_nowhere_in_the_clear(database):
    with database.transaction() as tx:
        message_id = new_message(tx, new_patient(tx)).id
    with database.reading() as tx:
        message = tx.get_one(Message, message_id)
        assert sealing.unseal(tx, message, "text_sealed") == WORDS
        assert b"sleep" not in message.text_sealed
        assert sealing.unseal(tx, message, "text_sealed") is not None


def test_nothing_sealed_reads_as_nothing(database):
    with database.transaction() as tx:
        patient = new_patient(tx)
        assert sealing.unseal(tx, patient, "chat_sealed") is None


def test_the_same_words_never_look_the_same(database):
    with database.transaction() as tx:
        patient = new_patient(tx)
        message = new_message(tx, patient)
        first = message.text_sealed
        assert sealing.seal(tx, message, "text_sealed", WORDS) != first


@pytest.mark.parametrize("moved", ["row", "column", "table", "patient", "changed"])
def test_a_ciphertext_put_elsewhere_does_not_open(database, moved):
    with database.transaction() as tx:
        patient = new_patient(tx)
        message = new_message(tx, patient)
        stolen = message.text_sealed
        target, column = {
            "row": lambda: (new_message(tx, patient, "other"), "text_sealed"),
            "column": lambda: (patient, "chat_sealed"),
            "table": lambda: (patient, "chat_sealed"),
            "patient": lambda: (new_message(tx, new_patient(tx, "K-0002"), "other"), "text_sealed"),
            "changed": lambda: (message, "text_sealed"),
        }[moved]()
        setattr(target, column, stolen[:-1] + bytes([stolen[-1] ^ (moved == "changed")]))
        with pytest.raises(WrongKey) as caught:
            sealing.unseal(tx, target, column)
        assert "sleep" not in str(caught.value)


def test_a_staff_address_is_sealed_under_the_master_key(database):
    contact = Contact(id=new_id(NOW), staff_id="s", rank=0, channel="sms", created_at=NOW)
    with database.reading() as tx:
        sealed = sealing.seal(tx, contact, "address_sealed", "+44 7700 900123")
        assert sealed[:4] == sealing.key_id(MASTER_KEY)
        assert sealing.unseal(tx, contact, "address_sealed") == "+44 7700 900123"


def test_destroying_a_patients_key_closes_everything_of_theirs_and_nothing_else(database):
    with database.transaction() as tx:
        gone, stays = new_patient(tx), new_patient(tx, "K-0002")
        lost, kept = new_message(tx, gone), new_message(tx, stays)
        assert sealing.unseal(tx, lost, "text_sealed") == WORDS
        sealing.destroy_patient_key(tx, gone.id)
        with pytest.raises(Erased):
            sealing.unseal(tx, lost, "text_sealed")
        with pytest.raises(Erased):
            sealing.seal(tx, lost, "text_sealed", "more")
        assert sealing.unseal(tx, kept, "text_sealed") == WORDS


def test_an_erasure_by_another_process_counts_at_once(database, database_url, vault):
    with database.transaction() as tx:
        patient = new_patient(tx)
        message = new_message(tx, patient)
    other = Database.open(database_url, vault)
    with other.transaction() as tx:
        sealing.destroy_patient_key(tx, patient.id)
    other.close()
    with database.reading() as tx, pytest.raises(Erased):
        sealing.unseal(tx, message, "text_sealed")


def test_hashes_find_a_chat_and_an_invite_and_never_mix_them(database):
    with database.reading() as tx:
        assert sealing.chat_hash(tx, 7) == sealing.chat_hash(tx, 7)
        assert sealing.chat_hash(tx, 7) != sealing.chat_hash(tx, 8)
        assert sealing.chat_hash(tx, 7) != sealing.token_hash(tx, "7")


def test_two_databases_under_one_master_key_share_no_hash(database, tmp_path, vault):
    other = Database.open(f"sqlite:///{tmp_path / 'other.db'}", vault, create=True)
    other.migrate()
    with database.reading() as ours, other.reading() as theirs:
        assert sealing.chat_hash(ours, 7) != sealing.chat_hash(theirs, 7)
    other.close()


def test_a_master_key_is_retired_without_losing_a_word_or_a_hash(database, database_url):
    with database.transaction() as tx:
        patient = new_patient(tx)
        message = new_message(tx, patient)
        contact = Contact(id=new_id(NOW), staff_id="s", rank=0, channel="sms", created_at=NOW)
        before = sealing.chat_hash(tx, 7)
    both = Database.open(database_url, Vault([SECOND_KEY, MASTER_KEY]))
    with both.transaction() as tx:
        assert sealing.rewrap(tx) == 3  # two keys of the database, one patient's
        assert sealing.rewrap(tx) == 0
        sealing.seal(tx, contact, "address_sealed", "pager")
    both.close()
    after = Database.open(database_url, Vault([SECOND_KEY]))
    with after.reading() as tx:
        assert sealing.unseal(tx, tx.get_one(Message, message.id), "text_sealed") == WORDS
        assert sealing.chat_hash(tx, 7) == before
        wrapped = tx.scalars(select(PatientKey.wrapped)).all()
        assert {each[:4] for each in wrapped} == {sealing.key_id(SECOND_KEY)}
    after.close()


def test_retiring_a_master_key_reseals_what_belongs_to_no_patient(database, database_url):
    from storage.tables import Staff

    with database.transaction() as tx:
        tx.add(Site(id="northside"))
        tx.flush()
        staff = Staff(id=new_id(NOW), site_id="northside", name="Ada", role="lead", created_at=NOW)
        sealing.seal(tx, staff, "chat_sealed", "42")
        tx.add(staff)
    both = Database.open(database_url, Vault([SECOND_KEY, MASTER_KEY]))
    with both.transaction() as tx:
        assert sealing.rewrap(tx) == 3
    both.close()
    after = Database.open(database_url, Vault([SECOND_KEY]))
    with after.reading() as tx:
        assert sealing.unseal(tx, tx.get_one(Staff, staff.id), "chat_sealed") == "42"
    after.close()


def test_another_databases_key_is_refused_by_name(database_url):
    with pytest.raises(StorageError) as caught:
        Database.open(database_url, Vault([SECOND_KEY]))
    line = str(caught.value)
    assert sealing.key_id(MASTER_KEY).hex() in line
    assert sealing.key_id(SECOND_KEY).hex() in line
    assert "\n" not in line


@pytest.mark.parametrize("keys", [[], [b"short"], [bytes(31)], [bytes(33)]])
def test_a_key_of_the_wrong_length_is_refused(keys):
    with pytest.raises(ValueError, match="key"):
        Vault(keys)


def test_a_patients_words_written_before_the_key_exists_are_refused(database):
    with database.transaction() as tx:
        stray = Message(id=new_id(NOW), patient_id="nobody", sent_at=NOW, received_at=NOW)
        with pytest.raises(Erased):
            sealing.seal(tx, stray, "text_sealed", "words")
