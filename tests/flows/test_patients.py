"""What a patient can ask for, and stopping: nothing but its confirmation follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.flows import checkins
from bot.flows.patients import command_of, relay_to_patient
from bot.message import ReplyKind
from storage import staff as colleagues
from storage.tables import Outbox, PatientStatus
from tests.flows.clinic_night import House, Phone


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("/help", "help"),
        ("/HELP@aftercare_bot", "help"),
        ("/start abc", "start"),
        ("help", ""),
        ("/", ""),
        (" /help", ""),
    ],
)
def test_commands_are_read_with_or_without_the_bots_name(typed: str, command: str) -> None:
    assert command_of(typed) == command


def test_stop_means_stop(house: House, maria: Phone) -> None:
    house.treated(maria)
    with house.clinic() as clinic:
        house.now = house.local(8, days=1)
        checkins.open_due(clinic, house.now)  # a card is queued and not yet sent
    maria.says("/stop")
    assert house.patient(maria).status == PatientStatus.WITHDRAWN
    assert "You have stopped" in maria.screen and "911" in maria.screen
    assert len(maria.log) == 1
    for _ in range(8):
        house.skip_to(house.now + timedelta(hours=26))
    assert len(maria.log) == 1
    assert house.check_ins("planned", "open") == []
    waiting = [each for each in house.all(Outbox) if each.state == "pending"]
    assert waiting == []


def test_the_bare_word_stop_stops_too_and_start_begins_with_consent(house: House, maria: Phone) -> None:
    maria.says("STOP")
    assert house.patient(maria).status == PatientStatus.WITHDRAWN
    maria.says("/start")
    assert house.patient(maria).status == PatientStatus.CONSENTING
    assert "Which language" in maria.screen


def test_after_stopping_an_old_card_is_refused(house: House) -> None:
    phone = house.at_check_in("AM")
    phone.says("/stop")
    phone.taps("2")
    assert "have stopped" in phone.notices[-1]
    assert house.responses() == {}


def test_a_pause_sends_nothing_until_its_morning_and_then_goes_on(house: House, maria: Phone) -> None:
    house.treated(maria)
    maria.says("/pause")
    maria.taps("1 day")
    assert "Paused until Wednesday 4 March, 07:30" in maria.screen
    said = len(maria.log)
    house.skip_to(house.local(20))
    assert len(maria.log) == said
    house.skip_to(house.local(8, days=1))
    assert house.patient(maria).status == PatientStatus.ACTIVE
    assert "Question 1 of" in maria.card().text
    skipped = house.check_ins("skipped")
    assert skipped and {each.reason for each in skipped} == {"paused"}


def test_an_open_pause_ends_when_the_patient_says_so(house: House, maria: Phone) -> None:
    maria.says("/pause")
    maria.taps("Until I say so")
    house.skip_to(house.now + timedelta(days=30))
    assert house.patient(maria).status == PatientStatus.PAUSED
    maria.says("/pause")
    maria.taps("Go on now")
    assert house.patient(maria).status == PatientStatus.ACTIVE


@pytest.mark.parametrize(
    ("length", "days_away", "status"),
    [
        pytest.param("Until I say so", 30, PatientStatus.PAUSED, id="without an end it goes on"),
        pytest.param("3 days", 2, PatientStatus.PAUSED, id="not over yet"),
        pytest.param("3 days", 4, PatientStatus.ACTIVE, id="over meanwhile"),
    ],
)
@pytest.mark.parametrize("back", [ReplyKind.UNBLOCKED, ReplyKind.TEXT])
def test_a_pause_outlasts_blocking_and_unblocking(
    lone_house: House, length: str, days_away: int, status: PatientStatus, back: ReplyKind
) -> None:
    phone = lone_house.enrolled()
    phone.says("/pause")
    phone.taps(length)
    lone_house.receive(phone, ReplyKind.BLOCKED)
    lone_house.receive(phone, ReplyKind.BLOCKED)
    lone_house.skip_to(lone_house.now + timedelta(days=days_away))
    lone_house.receive(phone, back, text="hello")
    assert lone_house.patient(phone).status == status
    phone.says("/pause")
    phone.taps("Go on now" if status == PatientStatus.PAUSED else "1 day")
    lone_house.receive(phone, ReplyKind.BLOCKED)
    lone_house.receive(phone, ReplyKind.UNBLOCKED)
    again = PatientStatus.ACTIVE if status == PatientStatus.PAUSED else PatientStatus.PAUSED
    assert lone_house.patient(phone).status == again


def test_history_shows_answers_in_words_newest_first(house: House) -> None:
    phone = house.at_check_in("AM")
    phone.says("/history")
    assert "not answered anything" in phone.screen
    phone.taps("2")
    phone.says("seven")
    phone.says("/history")
    assert "Wednesday 4 March, 08:00" in phone.screen
    assert "7 of 10" in phone.screen


def test_language_zone_and_quiet_hours_can_be_changed(house: House, maria: Phone) -> None:
    house.treated(maria)
    before = {each.key: each.due_at for each in house.check_ins("planned")}
    maria.says("/timezone")
    maria.taps("08:00 (America/Los_Angeles)")
    after = {each.key: each.due_at for each in house.check_ins("planned")}
    assert after["d1-morning"] - before["d1-morning"] == timedelta(hours=2)
    maria.says("/language")
    maria.taps("Español")
    assert "español" in maria.screen
    maria.says("/settings")
    assert "America/Los_Angeles" in maria.screen and "Idioma" in maria.screen


def test_an_unknown_command_is_answered_kindly(house: House, maria: Phone) -> None:
    maria.says("/dance")
    assert "/help" in maria.screen


def test_start_again_says_that_they_are_enrolled(house: House, maria: Phone) -> None:
    maria.says("/start")
    assert "already enrolled" in maria.screen


def test_a_clinicians_words_reach_the_patient_and_the_answers_go_back(
    house: House, maria: Phone, okafor: Phone
) -> None:
    with house.talking(maria) as talk:
        staff = colleagues.by_chat(talk.tx, okafor.chat_id)
        assert staff is not None
        assert relay_to_patient(talk, staff, "How are you tonight?") is not None
    house.carry()
    assert "How are you tonight?" in maria.screen
    maria.says("Better, thanks.")
    assert okafor.screen.endswith("Better, thanks.") and maria.code in okafor.screen
    assert "passed your words on" in maria.screen
    house.now += timedelta(days=2)
    heard = len(okafor.log)
    maria.says("And now?")
    assert len(okafor.log) == heard


def test_a_patient_who_stopped_cannot_be_written_to(house: House, maria: Phone, okafor: Phone) -> None:
    maria.says("/stop")
    with house.talking(maria) as talk:
        staff = colleagues.by_chat(talk.tx, okafor.chat_id)
        assert staff is not None
        assert relay_to_patient(talk, staff, "Please come back") is None


def test_a_dose_at_home_is_recorded_by_the_patient_with_one_tap(house: House) -> None:
    phone = house.enrolled(protocol="at_home")
    phone.says("/dose")
    assert "can't tell you whether to take it" in phone.screen
    phone.taps("I took it now")
    assert "do not drive" in phone.screen
    home = next(each for each in house.check_ins("planned") if each.key == "home")
    assert home.due_at == house.now + timedelta(hours=2)
    phone.says("/dose")
    phone.taps("I took it now")
    assert len([each for each in house.check_ins() if each.key == "home"]) == 1


def test_a_raised_dose_at_home_is_asked_about_after_two_hours(house: House) -> None:
    phone = house.enrolled(protocol="daily_low_dose_stable")
    phone.says("/dose")
    phone.taps("I took it now")
    assert [each for each in house.check_ins("planned") if each.key == "home"] == []
    house.skip_to(house.now + timedelta(days=1))
    phone.says("/dose")
    phone.taps("I took more than last time")
    (home,) = [each for each in house.check_ins("planned") if each.key == "home"]
    assert home.due_at == house.now + timedelta(hours=2)


def test_only_a_programme_that_looks_at_raised_doses_asks_about_them(house: House) -> None:
    phone = house.enrolled(protocol="at_home")
    phone.says("/dose")
    assert phone.has_button("I took it now") and not phone.has_button("I took more than last time")


def test_a_dose_is_not_recorded_where_the_clinic_gives_it(house: House, maria: Phone) -> None:
    maria.says("/dose")
    assert "don't know that command" in maria.screen
    maria.presses("dose:taken")
    assert house.check_ins() == []
