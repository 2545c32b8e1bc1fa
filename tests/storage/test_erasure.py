"""Erasing a patient: their words are in no file, nobody else loses anything, and it happens once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.flows.clinic import Clinic
from bot.flows.erasure import EraseRefused, Receipt, erase
from bot.message import Outgoing, OutgoingKind
from storage import audit, inbox, outbox, patients
from storage import vault as sealing
from storage.database import Database
from storage.ids import new_id
from storage.tables import (
    Alert,
    AlertState,
    CheckIn,
    CheckInStatus,
    FindingRow,
    Inbox,
    InboxState,
    Message,
    Outbox,
    OutboxKind,
    OutboxState,
    Patient,
    PatientStatus,
    Treatment,
)
from tests.databases import new_sqlite

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORDS = "the water again, all night"
CHAT = 700_123_456


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(db=database, content=None)


def enrol(db: Database, chat: int = CHAT) -> str:
    """A patient with a chat, words, a finding, a check-in under way, queued and sent messages."""
    with db.transaction() as tx:
        patient = patients.enrol(tx, "northside", NOW, language="en", zone="Europe/London")
        patients.link_chat(tx, patient, chat)
        message = patients.keep_message(tx, patient, NOW, kind="text", text=WORDS, sent_at=NOW, message_id=5)
        finding = FindingRow(
            id=new_id(NOW), patient_id=patient.id, rule_id="R1", level="urgent", rules_version="1",
            message_id=message.id, found_at=NOW,
        )  # fmt: skip
        sealing.seal(tx, finding, "evidence_sealed", WORDS)
        treatment = Treatment(
            id=new_id(NOW), patient_id=patient.id, protocol="p", ended_at=NOW, zone="UTC", created_at=NOW
        )
        tx.add_all([finding, treatment])
        tx.flush()
        for key, status in (("today", CheckInStatus.OPEN), ("tomorrow", CheckInStatus.PLANNED)):
            tx.add(
                CheckIn(
                    id=new_id(NOW), patient_id=patient.id, treatment_id=treatment.id, key=key, kind="DAY",
                    due_at=NOW, closes_at=NOW + HOUR, zone="UTC", status=status, opened_at=NOW,
                )
            )  # fmt: skip
        for kind in (OutboxKind.CARD, OutboxKind.REMINDER):
            outgoing = Outgoing(OutgoingKind.MESSAGE, chat, WORDS)
            outbox.put(tx, outgoing, kind=kind, now=NOW, patient_id=patient.id)
        outbox.put(tx, Outgoing(OutgoingKind.MESSAGE, chat, WORDS), kind=OutboxKind.NOTICE, now=NOW)
        inbox.store(tx, "care", new_update(tx), chat, {"text": WORDS}, NOW)
        tx.flush()
        inbox.mark_done(tx, "care", new_update(tx) - 1, NOW)
        return patient.code


def new_update(tx) -> int:
    return (inbox.last_update_id(tx, "care") or 0) + 1


def raise_alert(db: Database, code: str, state: AlertState = AlertState.OPEN) -> str:
    with db.transaction() as tx:
        patient = patients.by_code(tx, code)
        alert = Alert(
            id=new_id(NOW), site_id="northside", patient_id=patient.id, level="urgent", rule_id="R1",
            rules_version="1", raised_at=NOW, next_action_at=NOW, state=state,
        )  # fmt: skip
        tx.add(alert)
        return alert.id


def every_sealed(tx, patient_id: str) -> list[bytes]:
    rows = [
        row for table in (Message, FindingRow, Outbox, Inbox)
        for row in tx.scalars(select(table).where(table.patient_id == patient_id))
    ]  # fmt: skip
    names = ("text_sealed", "evidence_sealed", "payload_sealed", "raw_sealed")
    return [each for row in rows for name in names if (each := getattr(row, name, None)) is not None]


def test_nothing_of_an_erased_patient_can_be_read_or_reached(clinic):
    code = enrol(clinic.db)
    receipt = erase(clinic, code.lower(), NOW, "cli")
    assert receipt == Receipt(code, NOW, receipt.rows, 1, already=False, scrubbed=True)
    assert receipt.rows == {"finding": 1, "message": 1, "outbox": 2, "inbox": 1}
    with clinic.db.reading() as tx:
        patient = tx.scalars(select(Patient)).one()
        assert patient.status == PatientStatus.ERASED
        assert (patient.chat_sealed, patient.chat_hash) == (None, None)
        assert every_sealed(tx, patient.id) == []
        hashed = sealing.chat_hash(tx, CHAT)
        assert tx.scalars(select(Outbox).where(Outbox.chat_hash == hashed)).all() == []
        assert tx.scalars(select(Inbox).where(Inbox.chat_hash == hashed)).all() == []
        with pytest.raises(sealing.Erased):
            sealing.patient_key(tx, patient.id)
        assert audit.verify(tx).intact


def test_nothing_more_is_sent_and_no_check_in_stays_open(clinic):
    code = enrol(clinic.db)
    erase(clinic, code, NOW, "cli")
    with clinic.db.reading() as tx:
        states = set(tx.scalars(select(Outbox.state)))
        check_ins = {row.key: (row.status, row.reason) for row in tx.scalars(select(CheckIn))}
    assert states == {OutboxState.CANCELLED}
    assert check_ins == {
        "today": (CheckInStatus.PARTIAL, "erased"),
        "tomorrow": (CheckInStatus.SKIPPED, "erased"),
    }


def test_a_message_on_its_way_is_never_sent_again(clinic):
    code = enrol(clinic.db)
    with clinic.db.transaction() as tx:
        sending = outbox.lease(tx, "routine", "one", NOW, 1, HOUR)[0]
    erase(clinic, code, NOW, "cli")
    with clinic.db.transaction() as tx:
        assert not outbox.put_back(tx, sending.id, "one", NOW, "transient")
        assert outbox.lease(tx, "routine", "two", NOW + 2 * HOUR, 10, HOUR) == []


def test_the_second_time_gives_the_first_receipt(clinic):
    code = enrol(clinic.db)
    first = erase(clinic, code, NOW, "cli")
    second = erase(clinic, code, NOW + HOUR, "staff:1", with_alert=True)
    assert second.already
    assert (second.erased_at, second.rows, second.audit_line) == (NOW, first.rows, first.audit_line)
    with clinic.db.reading() as tx:
        assert audit.head(tx)[0] == 1


def test_others_keep_everything(clinic):
    enrol(clinic.db, chat=1)
    stays = enrol(clinic.db, chat=2)
    with clinic.db.reading() as tx:
        patient = patients.by_code(tx, stays)
        before = every_sealed(tx, patient.id)
    erase(clinic, "K-0001", NOW, "cli")
    with clinic.db.reading() as tx:
        assert every_sealed(tx, patient.id) == before
        message = tx.scalars(select(Message).where(Message.patient_id == patient.id)).one()
        assert sealing.unseal(tx, message, "text_sealed") == WORDS


@pytest.mark.parametrize("claimed", [False, True])
def test_an_unresolved_alert_stands_in_the_way(clinic, claimed):
    code = enrol(clinic.db)
    alert_id = raise_alert(clinic.db, code)
    with pytest.raises(EraseRefused, match="--with-alert"):
        erase(clinic, code, NOW, "cli")
    with clinic.db.reading() as tx:
        assert patients.by_code(tx, code).status == PatientStatus.INVITED
    erase(clinic, code, NOW, "cli", with_alert=True)
    with clinic.db.reading() as tx:
        alert = tx.get_one(Alert, alert_id)
    assert (alert.state, alert.outcome, alert.resolved_at) == (AlertState.RESOLVED, "erased", NOW)


def test_a_message_nobody_read_yet_stands_in_the_way(clinic):
    code = enrol(clinic.db)
    with clinic.db.transaction() as tx:
        inbox.store(tx, "care", 50, CHAT, {"text": "help"}, NOW)
    with pytest.raises(EraseRefused, match=r"1 message\(s\)"):
        erase(clinic, code, NOW, "cli")
    erase(clinic, code, NOW, "cli", with_alert=True)
    with clinic.db.reading() as tx:
        assert tx.get_one(Inbox, ("care", 50)).state == InboxState.DONE


def test_a_code_nobody_has_is_refused(clinic):
    with pytest.raises(EraseRefused, match="K-0999: there is no patient"):
        erase(clinic, "K-0999", NOW, "cli")


def test_no_file_holds_the_words_the_chat_or_the_sealed_words(tmp_path, sqlite_database):
    code = enrol(sqlite_database)
    with sqlite_database.reading() as tx:
        patient_id = patients.by_code(tx, code).id
        sealed = every_sealed(tx, patient_id)
        wrapped = tx.scalar(select(sealing.PatientKey.wrapped))
    assert len(sealed) > 3
    assert erase(Clinic(sqlite_database, None), code, NOW, "cli").scrubbed
    for file in Path(tmp_path).iterdir():
        content = file.read_bytes()
        assert WORDS.encode() not in content
        assert str(CHAT).encode() not in content
        assert not any(each in content for each in [*sealed, wrapped])


def test_a_reader_in_the_way_is_said_on_the_receipt(tmp_path, vault, monkeypatch):
    monkeypatch.setattr("storage.engines.BUSY_SECONDS", 0.05)
    db = new_sqlite(f"sqlite:///{tmp_path / 'aftercare.db'}", vault)
    code = enrol(db)
    with db.reading() as reader:
        assert reader.scalars(select(Patient)).all()
        assert not erase(Clinic(db, None), code, NOW, "cli").scrubbed
    assert db.scrub()
    assert Path(f"{db.place.database}-wal").stat().st_size == 0
    db.close()
