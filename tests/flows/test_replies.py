"""Every reply is kept as the consent allows, judged, and answered honestly."""

from __future__ import annotations

import pytest

from bot.flows.replies import set_aside
from bot.message import ReplyKind
from storage import audit, inbox
from storage.tables import Alert, Message, PatientStatus
from storage.vault import unseal
from tests.flows.clinic_night import House, Phone

CRISIS = "I want to die"


def test_a_note_outside_a_check_in_is_kept_and_acknowledged_without_a_promise(
    house: House, maria: Phone
) -> None:
    maria.says("The rain kept me up.")
    assert "saved your words" in maria.screen and "8:00 am to 5:00 pm" in maria.screen
    with house.looking() as tx:
        assert [unseal(tx, each, "text_sealed") for each in map(tx.merge, house.messages())] == [
            "The rain kept me up."
        ]
    assert house.rules() == []


def test_a_bare_command_is_not_kept_as_words_but_words_after_one_are_judged(
    house: House, maria: Phone
) -> None:
    maria.says("/help")
    assert house.messages() == []
    maria.says("/help I want to die")
    assert "SUI-3" in house.rules()
    assert len(house.messages()) == 1


def test_the_same_sentence_is_not_said_twice_in_a_row(house: House, maria: Phone) -> None:
    for text in ("It rained.", "Then it stopped.", "Now it is sunny."):
        maria.says(text)
    assert len(maria.log) == 1
    assert len(maria.reactions) == 2
    assert len(house.messages()) == 3


def test_a_crisis_is_raised_in_and_out_of_a_check_in(house: House, maria: Phone, okafor: Phone) -> None:
    maria.says(CRISIS)
    assert "SUI-3" in house.rules()
    assert maria.code in okafor.everything
    assert "killing yourself right now" in maria.everything
    assert "die" not in okafor.everything
    assert "saved your words" not in maria.everything


def test_a_typed_answer_to_the_direct_question_counts_as_the_tap_does(
    house: House, maria: Phone, okafor: Phone
) -> None:
    maria.says(CRISIS)
    maria.says("yes")
    assert house.alerts()[0].level == "emergency"
    assert "911" in maria.everything and "988" in maria.everything


def test_a_second_crisis_within_the_hour_joins_and_does_not_repeat_the_list(
    house: House, maria: Phone, okafor: Phone
) -> None:
    maria.says(CRISIS)
    first = maria.log[-1]
    maria.says("I really want to die")
    assert len(house.alerts()) == 1
    assert maria.log[-1] != first or len(maria.log) == 1


def test_an_edit_from_calm_to_urgent_raises_and_from_urgent_to_calm_lowers_nothing(
    house: House, maria: Phone, okafor: Phone
) -> None:
    maria.says("quiet evening")
    calm = house.messages()[0].message_id
    assert calm is not None and house.rules() == []
    maria.edits(calm, CRISIS)
    assert "SUI-3" in house.rules()
    level = house.alerts()[0].level
    maria.edits(calm, "quiet evening after all")
    assert (house.alerts()[0].state, house.alerts()[0].level) == ("open", level)
    assert [each.version for each in house.messages()] == [1, 2, 3]


def test_within_a_day_of_a_treatment_what_cannot_be_read_is_urgent(house: House, maria: Phone) -> None:
    house.treated(maria)
    maria.sends(ReplyKind.VOICE)
    assert house.alerts()[0].level == "urgent"


def test_the_words_under_a_picture_are_judged(house: House, maria: Phone) -> None:
    maria.sends(ReplyKind.PHOTO, text=CRISIS)
    assert {"UNK-1", "SUI-3"} <= set(house.rules())


def test_a_language_nobody_entered_is_asked_about_and_told_to_a_person(house: House, maria: Phone) -> None:
    maria.says("Мне очень плохо, помогите мне пожалуйста")
    assert "Which language" in maria.screen and "911" in maria.screen
    assert house.rules() == ["UNK-1"]
    maria.taps("Español")
    assert house.patient(maria).language == "es"


def test_a_forwarded_message_is_judged_and_is_no_answer(house: House) -> None:
    phone = house.at_check_in("AM")
    phone.says("3", forwarded=True)
    assert house.responses() == {}
    assert house.messages()[-1].kind == "forwarded"


def test_a_reply_to_an_old_message_is_no_answer_to_the_card(house: House) -> None:
    phone = house.at_check_in("AM")
    phone.says("3", reply_to_message_id=999)
    assert house.responses() == {}
    phone.says("3", reply_to_message_id=phone.card().message_id)
    assert house.responses()["nightmare_count"].value == 3


def test_paused_and_stopped_people_are_still_heard_when_it_is_urgent(
    house: House, maria: Phone, okafor: Phone
) -> None:
    maria.says("/stop")
    maria.says("hello")
    assert "don't save" in maria.screen and "911" in maria.screen
    kept = len(house.messages())
    maria.says("I am going to kill myself tonight")
    assert len(house.messages()) == kept
    assert "SUI-1" in house.rules()
    assert maria.code in okafor.everything


def test_a_message_that_cannot_be_handled_is_set_aside_and_someone_is_paged(
    house: House, maria: Phone, okafor: Phone
) -> None:
    reply = house.reply(maria, ReplyKind.TEXT, text="hello")
    with house.clinic() as clinic:
        with clinic.db.transaction() as tx:
            inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, house.now)
        set_aside(clinic, reply.bot, reply.update_id, house.now)
        set_aside(clinic, reply.bot, reply.update_id, house.now)
    house.carry()
    assert house.rules() == ["UNK-1"]
    assert house.alerts()[0].level == "urgent"
    assert maria.code in okafor.everything


def test_a_strangers_message_that_cannot_be_handled_is_an_alert_of_our_own(
    house: House, okafor: Phone
) -> None:
    reply = house.reply(house.phone(), ReplyKind.TEXT, text="hello")
    with house.clinic() as clinic:
        with clinic.db.transaction() as tx:
            inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, house.now)
        set_aside(clinic, reply.bot, reply.update_id, house.now)
    assert [each.rule_id for each in house.all(Alert)] == ["SYS-1"]


def test_i_need_help_now_is_urgent_and_honest(house: House, okafor: Phone) -> None:
    phone = house.at_check_in("AM")
    phone.taps("I need help now")
    assert house.rules() == ["HELP-1"]
    assert phone.code in okafor.everything
    assert (
        "can't promise" in phone.everything or "Don't wait" in phone.everything or "911" in phone.everything
    )


def test_a_call_can_be_asked_for_today_or_not_now(house: House, maria: Phone) -> None:
    maria.says("just a note")
    maria.taps("Talk to a person")
    maria.taps("Not now")
    assert house.rules() == []
    maria.says("another note")
    maria.says("/help")
    maria.presses("talk:today")
    assert house.rules() == ["HELP-2"]


def test_blocking_the_bot_is_noticed_and_the_coordinator_is_told(house: House, maria: Phone) -> None:
    from storage.tables import Role

    coordinator = house.clinician("Sam", tier=2, role=Role.COORDINATOR)
    house.treated(maria)
    house.receive(maria, ReplyKind.BLOCKED)
    assert house.patient(maria).status == PatientStatus.UNREACHABLE
    assert maria.code in coordinator.everything
    house.receive(maria, ReplyKind.UNBLOCKED)
    assert house.patient(maria).status == PatientStatus.ACTIVE


def test_staff_commands_and_buttons_do_nothing_in_a_patients_hands(
    house: House, maria: Phone, okafor: Phone
) -> None:
    for command in ("/alerts", "/patients", "/oncall", "/treated K-0001", "/invite clinician Eve"):
        maria.says(command)
        assert "don't know that command" in maria.screen
    maria.says(CRISIS)
    claim = next(button for each in okafor.bubbles.values() for row in each.buttons for button in row)
    maria.presses(claim.data)
    assert "does nothing" in maria.notices[-1]
    assert house.alerts()[0].state == "open"


def test_what_a_patient_writes_never_reaches_the_log(
    house: House, maria: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    maria.says("my secret sorrow")
    maria.says("/stop")
    assert "sorrow" not in caplog.text
    assert str(maria.chat_id) not in caplog.text


def test_the_chain_of_audit_lines_holds_after_a_whole_conversation(house: House, maria: Phone) -> None:
    maria.says("note")
    maria.says(CRISIS)
    maria.says("/stop")
    with house.looking() as tx:
        report = audit.verify(tx)
    assert report.holds if hasattr(report, "holds") else report


def test_identity_is_the_chat_and_nothing_else(house: House, maria: Phone) -> None:
    someone = house.phone()
    someone.says(f"I am {maria.code}")
    assert "need an invite" in someone.screen
    assert house.all(Message) == []
