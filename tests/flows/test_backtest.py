"""A changed rule set on what was recorded, and one that only records."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.content import Content, load_content, prompts_folder
from bot.export.burden import burden_picture
from bot.flows.backtest import backtest, shadowed
from bot.flows.clinic import Clinic
from bot.flows.replies import receive_reply
from bot.message import Reply, ReplyKind
from storage import inbox, patients
from storage.database import Database
from storage.tables import Alert, PatientStatus
from tests.flows.clinic_night import House, Phone

NOW = datetime(2026, 3, 3, 16, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def milder(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """A content in which no rule about the body is an emergency any more."""
    folder = tmp_path_factory.mktemp("prompts") / "prompts"
    shutil.copytree(prompts_folder(), folder)
    body = folder / "rules" / "body.toml"
    body.write_text(body.read_text().replace('level = "emergency"', 'level = "urgent"'))
    return load_content(folder)


def test_the_rules_in_use_find_on_the_record_what_they_found_when_it_was_made(
    house: House, maria: Phone
) -> None:
    house.clinician()
    house.treated(maria)
    maria.says("I am going to kill myself tonight")
    found = {rule for rule in house.rules() if rule != "ASK-1"}
    start, end = house.now - timedelta(days=1), house.now + timedelta(minutes=1)

    burden = house.act(lambda clinic: backtest(clinic, clinic.content, start, end, house.now, "staff:test"))

    assert {hit.rule_id for hit in burden.before} == found
    assert burden.before == burden.after
    assert not burden.new and not burden.lost


def test_a_changed_level_shows_as_lost_with_patient_and_rule(house: House, milder: Content) -> None:
    phone = house.at_check_in("HOME")
    phone.taps("Chest pain")
    phone.taps("Done")
    start, end = house.now - timedelta(days=2), house.now + timedelta(minutes=1)

    burden = house.act(lambda clinic: backtest(clinic, milder, start, end, house.now, "staff:test"))

    assert [(hit.patient, hit.rule_id, hit.level.key) for hit in burden.lost] == [
        (phone.code, "MED-1", "emergency")
    ]
    assert "1 lost:" in list(burden.lines())
    assert burden_picture(burden).startswith(PNG)


def test_a_shadow_rule_set_records_and_pages_nobody(database: Database, content: Content) -> None:
    clinic = Clinic(database, replace(content, phrases=Deaf()), shadow=content)
    with database.transaction() as tx:
        patient = patients.enrol(tx, "demo", NOW, language="en", zone="UTC", protocol="single_infusion")
        patients.link_chat(tx, patient, 7001)
        patient.consent_at, patient.status = NOW, PatientStatus.ACTIVE
        inbox.store(tx, "care", 1, 7001, {}, NOW)
    words = "I am going to kill myself tonight"
    receive_reply(clinic, Reply("care", 1, ReplyKind.TEXT, 7001, 7001, NOW, text=words, message_id=1), NOW)

    with database.reading() as tx:
        assert not tx.scalars(select(Alert)).all(), "the shadow raises nothing"
    burden = shadowed(clinic, NOW - timedelta(days=1), NOW + timedelta(minutes=1))
    assert not burden.before
    assert "SUI-1" in {hit.rule_id for hit in burden.new}


class Deaf:
    """A reader of words that hears nothing: what is found, only the shadow found."""

    def judge(self, _: str) -> tuple[()]:
        return ()

    def reads_as(self, _: str) -> str:
        return ""
