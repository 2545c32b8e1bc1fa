"""Enrolling: invites, consent page by page, time zone, quiet hours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.message import ReplyKind
from storage.tables import Message, PatientStatus, Role
from tests.flows.clinic_night import House


def test_a_patient_enrols_step_by_step_and_the_program_may_die_between_any_two(house: House) -> None:
    phone = house.new_patient()
    assert "Which language?" in phone.screen
    phone.taps("English")
    for page in range(1, 9):
        assert f"page {page} of 8" in phone.screen
        assert house.patient(phone).consent_at is None
        if page < 8:
            phone.taps("Next")
    phone.taps("I agree")
    patient = house.patient(phone)
    assert patient.status == PatientStatus.ACTIVE
    assert (patient.consent_version, patient.consent_at) == ("2026-11 draft en", house.now)
    assert "day and night" in phone.screen
    phone.taps("No")
    phone.taps("10:00 (America/Chicago)")
    assert "quiet" in phone.screen
    phone.taps("21:30 to 07:30")
    assert "All set" in phone.screen and phone.code in phone.screen
    assert house.patient(phone).step == ""
    assert "911" in phone.bubbles[phone.pinned[0]].text
    assert "checkin" in phone.menu


def test_the_language_is_spanish_from_the_first_tap_on(house: House) -> None:
    phone = house.new_patient()
    phone.taps("Español")
    assert "página 1 de 8" in phone.screen


def test_consent_cannot_be_given_before_its_last_page_was_shown(house: House) -> None:
    phone = house.new_patient()
    phone.taps("English")
    for forged in (
        "e:agree",
        "e:page:8",
        "e:page:3",
        "e:page:-1",
        "e:page:x",
        "e:teach:no",
        "e:zone:UTC",
        "e:ask:zone",
    ):
        phone.presses(forged)
        assert "Nothing was changed" in phone.notices[-1]
    assert house.patient(phone).consent_at is None
    assert house.patient(phone).status == PatientStatus.CONSENTING


def test_who_says_no_is_told_how_else_and_can_come_back(house: House) -> None:
    phone = house.new_patient()
    phone.taps("English")
    for _ in range(7):
        phone.taps("Next")
    phone.taps("No, thank you")
    assert "Your care does not change" in phone.screen and "911" in phone.screen
    assert house.patient(phone).status == PatientStatus.WITHDRAWN
    phone.says("/start")
    assert "Which language?" in phone.screen


def test_typing_works_as_well_as_tapping(house: House) -> None:
    phone = house.new_patient()
    phone.says("english")
    for _ in range(7):
        phone.says("next")
    assert "page 8 of 8" in phone.screen
    phone.says("yes")
    phone.says("no")
    phone.says("Denver")
    phone.says("10 pm - 6 am")
    patient = house.patient(phone)
    assert (patient.zone, patient.quiet_from, patient.quiet_to) == ("America/Denver", "22:00", "06:00")
    assert "All set" in phone.screen


def test_a_forged_zone_button_changes_nothing(house: House) -> None:
    phone = house.enrolled()
    phone.presses("e:zone:Mars/Phobos")
    phone.presses("e:quiet:25:00-99:00")
    phone.presses("e:lang:xx")
    assert house.patient(phone).zone == "America/Chicago"
    assert house.patient(phone).quiet_from == "21:30"
    assert house.patient(phone).language == "en"


def test_every_kind_of_bad_invite_has_a_sentence_of_its_own(house: House) -> None:
    _, used = house.invite()
    house.phone().says(f"/start {used}")
    _, expired = house.invite()
    stranger = house.phone()
    stranger.says(f"/start {used}")
    assert "used before" in stranger.screen
    house.now += timedelta(days=8)
    stranger.says(f"/start {expired}")
    assert "too old" in stranger.screen
    stranger.says("/start AAAABBBBCCCCDDDDEEEE12")
    assert "don't know this invite" in stranger.screen
    stranger.says("/start ünïcode")
    assert "does not look like an invite" in stranger.screen
    stranger.says(f"/start {'A' * 64}")
    assert "don't know this invite" in stranger.screen
    stranger.says("/start")
    assert "need an invite" in stranger.screen
    for screen in stranger.log:
        assert "911" in screen and "988" in screen


def test_guessing_invites_is_limited_and_told_to_the_clinic(house: House) -> None:
    admin = house.clinician("Ada", role=Role.ADMIN)
    stranger = house.phone()
    _, good = house.invite()
    for number in range(5):
        stranger.says(f"/start guess{number}")
    stranger.says(f"/start {good}")
    assert "too many tries" in stranger.screen
    assert "5 wrong invites" in admin.screen
    house.now += timedelta(hours=1)
    stranger.says(f"/start {good}")
    assert "Which language?" in stranger.screen


def test_a_stranger_gets_crisis_numbers_and_where_to_ask_and_nothing_is_kept(house: House) -> None:
    stranger = house.phone()
    stranger.says("I want to die")
    assert "911" in stranger.screen and "988" in stranger.screen and "555-0100" in stranger.screen
    stranger.sends(ReplyKind.VOICE)
    assert "invite" in stranger.screen
    stranger.presses("c:forged:x:=1")
    assert "does nothing" in stranger.notices[-1]
    assert house.all(Message) == []


def test_before_consent_words_are_judged_but_not_kept(house: House) -> None:
    okafor = house.clinician()
    phone = house.new_patient()
    phone.says("hello?")
    assert "don't save" in "\n".join(phone.log) and "911" in "\n".join(phone.log)
    assert house.all(Message) == []
    phone.says("I am going to kill myself tonight")
    assert house.all(Message) == []
    assert "SUI-1" in house.rules()
    assert "kill" not in okafor.everything
    assert phone.code in okafor.everything


def test_a_new_phone_needs_a_new_invite_and_the_old_one_is_a_stranger_again(house: House, maria) -> None:
    from bot.flows.invites import invite_again

    with house.clinic() as clinic, clinic.db.transaction() as tx:
        from storage import patients

        patient = patients.by_code(tx, maria.code)
        assert patient is not None
        fresh = invite_again(clinic, tx, patient, "staff:test", house.now).code
    new = house.phone()
    new.code = maria.code
    new.says(f"/start {fresh}")
    assert "Which language?" in new.screen
    maria.says("hello")
    assert "need an invite" in maria.screen


def test_a_group_is_left_after_saying_why_and_a_patient_who_writes_there_is_answered_in_private(
    house: House, maria
) -> None:
    group = house.phone(chat_id=-500)
    house.receive(group, ReplyKind.ADDED, private=False, sender_id=maria.chat_id)
    assert "private" in group.screen and group.left
    before = len(house.messages())
    house.receive(
        group, ReplyKind.TEXT, private=False, sender_id=maria.chat_id, text="hi all, I slept 3 hours"
    )
    assert "wrote in a group" in maria.screen
    assert len(group.bubbles) == 1
    assert len(house.messages()) == before


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_answered_question_of_enrolment_keeps_no_buttons(house: House, language: str) -> None:
    phone = house.walked_through_enrolment(language)
    words = house.content.wording(language)
    left = [button.data for each in phone.bubbles.values() for row in each.buttons for button in row]
    assert [each for each in left if each.startswith("e:")] == []
    for chosen in ("patient.language.name", "patient.enrol.agree", "patient.enrol.teach_no"):
        assert any(each.text.endswith(f"✓ {words.say(chosen)}") for each in phone.bubbles.values()), chosen


def test_a_button_that_was_refused_stays(house: House) -> None:
    phone = house.new_patient()
    phone.taps("English")
    phone.presses("e:agree")
    assert phone.has_button("Next") or any(row for row in phone._newest()[0].buttons)
