"""Consent is asked for again after a year and when its text changes; meanwhile nothing stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from storage.tables import Audit, PatientStatus
from tests.flows.clinic_night import House, Phone

ONCE_A_YEAR = "once a year"
CHANGED = "has changed"


def agreed(house: House, phone: Phone, at: datetime, version: str = "2026-11 draft en") -> None:
    with house.looking() as tx:
        patient = tx.merge(house.patient(phone))
        patient.consent_at, patient.consent_version = at, version


@pytest.fixture
def maria(lone_house: House) -> Phone:
    return lone_house.enrolled()


@pytest.mark.parametrize(
    ("version", "age", "asked"),
    [
        pytest.param("2026-11 draft en", timedelta(days=365), ONCE_A_YEAR, id="exactly a year old"),
        pytest.param("2026-11 draft en", timedelta(days=365, seconds=-1), "", id="a second less"),
        pytest.param("2025-01 en", timedelta(days=1), CHANGED, id="another version"),
        pytest.param("2026-11 borrador es", timedelta(days=1), "", id="the same version in Spanish"),
    ],
)
def test_the_next_check_in_brings_the_question_when_it_is_due(
    lone_house: House, maria: Phone, version: str, age: timedelta, asked: str
) -> None:
    spanish = lone_house.content.wording("es").say("patient.consent.version")
    lone_house.treated(maria)
    morning = lone_house.local(8, days=1)
    agreed(lone_house, maria, morning - age, version.replace("2026-11 borrador", spanish))
    lone_house.skip_to(morning)
    assert ("page 1 of 8" in maria.everything) is bool(asked)
    assert asked in maria.everything
    assert "Question 1 of" in maria.card().text


def due(house: House, phone: Phone) -> None:
    """Let the morning's check-in come to somebody whose consent is of another version."""
    house.treated(phone)
    agreed(house, phone, house.now - timedelta(days=30), "2025-01 en")
    house.skip_to(house.local(8, days=1))


def read_on(phone: Phone) -> None:
    for _ in range(7):
        phone.taps("Next")


def test_answers_go_on_meanwhile_and_yes_is_kept_with_version_and_time(
    lone_house: House, maria: Phone
) -> None:
    due(lone_house, maria)
    maria.taps("Next")
    maria.says("2")
    assert lone_house.responses()["nightmare_count"].value == 2
    for _ in range(6):
        maria.taps("Next")
    maria.taps("I agree")
    patient = lone_house.patient(maria)
    assert (patient.consent_version, patient.consent_at) == ("2026-11 draft en", lone_house.now)
    assert (patient.status, patient.step) == (PatientStatus.ACTIVE, "")
    given = [each for each in lone_house.all(Audit) if each.action == "consent.given"]
    assert given[-1].details["earlier"] == "2025-01 en"
    said = len(maria.log)
    lone_house.skip_to(lone_house.local(8, days=1))
    assert not [each for each in maria.log[said:] if "page 1 of 8" in each]


def test_no_is_withdrawal_in_the_usual_words(lone_house: House, maria: Phone) -> None:
    due(lone_house, maria)
    read_on(maria)
    maria.taps("No, thank you")
    assert lone_house.patient(maria).status == PatientStatus.WITHDRAWN
    assert "You have stopped" in maria.screen and "911" in maria.screen
    said = len(maria.log)
    lone_house.skip_to(lone_house.now + timedelta(days=2))
    assert len(maria.log) == said


def test_nobody_agrees_to_a_page_that_was_not_shown(lone_house: House, maria: Phone) -> None:
    maria.presses("r:agree")
    due(lone_house, maria)
    for forged in ("r:agree", "r:decline", "r:page:8", "r:page:0", "r:page:x", "r:", "r:page"):
        maria.presses(forged)
        assert "Nothing was changed" in maria.notices[-1]
    assert lone_house.patient(maria).consent_version == "2025-01 en"


def test_without_an_answer_it_is_asked_again_after_a_week_and_not_before(
    lone_house: House, maria: Phone
) -> None:
    due(lone_house, maria)
    lone_house.treated(maria, lone_house.now - timedelta(hours=3))
    for _ in range(6):
        lone_house.skip_to(lone_house.local(8, days=1))
    assert len([each for each in maria.log if "page 1 of 8" in each]) == 1
    lone_house.treated(maria)
    for _ in range(3):
        lone_house.skip_to(lone_house.local(8, days=1))
    assert len([each for each in maria.log if "page 1 of 8" in each]) == 2


def test_at_night_it_is_not_asked(lone_house: House, maria: Phone) -> None:
    lone_house.treated(maria)
    agreed(lone_house, maria, lone_house.now - timedelta(days=400))
    with lone_house.looking() as tx:
        tx.merge(lone_house.patient(maria)).quiet_from = "11:00"
    lone_house.skip_to(lone_house.local(12))
    assert "Question 1 of" in maria.card().text
    assert "page 1 of 8" not in maria.everything


def test_a_new_version_in_the_content_is_what_counts(lone_house: House, maria: Phone) -> None:
    lone_house.treated(maria)
    english = lone_house.content.languages["en"]
    changed = replace(english, sentences={**english.sentences, "patient.consent.version": "2027-02"})
    lone_house.content = replace(
        lone_house.content, languages={**lone_house.content.languages, "en": changed}
    )
    lone_house.skip_to(lone_house.local(8, days=1))
    assert CHANGED in maria.everything
    read_on(maria)
    assert "2027-02" in maria.everything
    maria.taps("I agree")
    assert lone_house.patient(maria).consent_version == "2027-02 en"
