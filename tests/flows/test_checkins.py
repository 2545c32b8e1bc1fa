"""Check-ins on one card: tapped, typed, corrected, reminded about, closed, answered late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.flows import cards, checkins, treatments
from bot.message import Outgoing, OutgoingKind, ReplyKind
from storage import checkins as stored
from storage import outbox
from storage.tables import CheckIn, OutboxKind, Response
from tests.flows.clinic_night import House, Phone


@pytest.fixture
def morning(house: House) -> Phone:
    """A patient on the morning after the treatment, with the first question on the card."""
    phone = house.enrolled()
    house.treated(phone)
    house.skip_to(house.local(8, days=1))
    return phone


def test_the_card_asks_one_question_at_a_time_in_one_message(house: House, morning: Phone) -> None:
    card = morning.card()
    assert "Question 1 of" in card.text and "Wednesday 4 March, 08:00" in card.text
    before = len(morning.bubbles)
    for answer in ("2", "6", "5.5", "3", "8"):
        morning.taps(answer)
    assert len(morning.bubbles) == before
    assert morning.card().message_id == card.message_id
    found = {item: each.value for item, each in house.responses().items()}
    assert found == {
        "nightmare_count": 2,
        "nightmare_distress": 6,
        "sleep_hours": 5.5,
        "sleep_quality": 3,
        "anxiety": 8,
    }


def test_every_keypad_says_in_words_which_way_it_runs(house: House, morning: Phone) -> None:
    morning.taps("0")
    morning.taps("7")
    assert "A higher number means better." in morning.card().text
    rows = [[button.text for button in row] for row in morning.card().buttons]
    assert rows[:3] == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9", "10"]]
    morning.taps("7")
    assert "A higher number means worse." in morning.card().text


def test_hours_are_on_pages_with_the_usual_ones_first(house: House, morning: Phone) -> None:
    morning.taps("0")
    assert morning.has_button("6.5") and not morning.has_button("2")
    morning.taps("Fewer hours")
    morning.taps("2.5")
    assert house.responses()["sleep_hours"].value == 2.5


def test_follow_ups_are_asked_only_for_side_effects_picked(house: House, morning: Phone) -> None:
    for answer in ("0", "7", "7", "2"):
        morning.taps(answer)
    assert "Tap all that fit" in morning.card().text
    morning.taps("Done")
    assert "at least one" in morning.notices[-1]
    nausea = _label(house, "side_effects", "nausea")
    morning.taps(nausea)
    assert morning.has_button(f"✓ {nausea}")
    morning.taps("Done")
    assert house.responses()["side_effects"].code == "nausea"
    item = house.content.items["side_effects"]
    follow_up = dict(item.follow_ups)["nausea"]
    assert house.content.wording("en").item(follow_up).question in morning.card().text


def test_a_side_effect_that_was_still_there_is_asked_about_again_the_next_morning(
    house: House, morning: Phone
) -> None:
    for answer in ("0", "7", "7", "2"):
        morning.taps(answer)
    for effect in ("nausea", "dizziness"):
        morning.taps(_label(house, "side_effects", effect))
    morning.taps("Done")
    morning.taps("Medium")
    morning.taps("None")
    house.skip_to(house.local(8, days=1))
    assert house.check_ins("open")[0].items[-1] == "se_nausea"
    assert "se_dizziness" not in house.check_ins("open")[0].items


def _label(house: House, item: str, option: str, language: str = "en") -> str:
    return house.content.wording(language).item(item).options[option]


def test_back_skip_and_change_keep_both_the_old_and_the_new_answer(house: House, morning: Phone) -> None:
    morning.taps("2")
    morning.taps("Back")
    morning.taps("3")
    morning.taps("Skip")
    assert house.responses()["nightmare_count"].value == 3
    assert house.responses()["nightmare_distress"].status == "skipped"
    old, new = [each for each in house.all(Response) if each.item_id == "nightmare_count"]
    assert (old.value, old.superseded) == (2, True)
    assert (new.value, new.supersedes) == (3, old.id)


def test_the_summary_says_what_was_saved_and_lets_one_answer_be_changed(house: House, morning: Phone) -> None:
    _answer_all(house, morning)
    assert "Your answers are saved" in morning.card().text
    assert house.check_ins("answered")[0].kind == "AM"
    morning.taps("Change an answer")
    short = house.content.wording("en").item("anxiety").short
    morning.taps(short)
    morning.taps("9")
    assert house.responses()["anxiety"].value == 9
    assert "9 of 10" in morning.card().text


def _answer_all(house: House, phone: Phone) -> None:
    for answer in ("0", "7", "7", "2"):
        phone.taps(answer)
    phone.taps(_label(house, "side_effects", "none"))
    phone.taps("Done")
    phone.taps(_label(house, "since_use", "none"))
    phone.taps("Done")


def test_an_edited_message_corrects_the_answer_read_from_it(house: House, morning: Phone) -> None:
    for answer in ("0", "7", "7"):
        morning.taps(answer)
    morning.says("3")
    typed = house.messages()[0].message_id
    assert typed is not None
    morning.edits(typed, "8")
    assert house.responses()["anxiety"].value == 8
    assert [each.version for each in house.messages()] == [1, 2]
    morning.edits(typed, "lots")
    assert house.responses()["anxiety"].value == 8
    assert [each.version for each in house.messages()] == [1, 2, 3]


def test_the_same_tap_twice_is_one_answer_and_shows_the_same_card(house: House, morning: Phone) -> None:
    bubble, button = morning.button("0")
    morning.presses(button.data, bubble.message_id)
    shown = morning.card().text
    morning.presses(button.data, bubble.message_id)
    assert len(house.all(Response)) == 1
    assert morning.card().text == shown


def test_the_same_update_twice_is_handled_once(house: House, morning: Phone) -> None:
    reply = house.receive(morning, ReplyKind.TEXT, text="0")
    sent = house.sent_count()
    house.deliver_update(reply)
    assert (len(house.all(Response)), house.sent_count()) == (1, sent)


def test_another_tap_on_a_question_already_answered_is_refused_in_words(house: House, morning: Phone) -> None:
    _, zero = morning.button("0")
    _, three = morning.button("3")
    morning.presses(zero.data)
    morning.presses(three.data)
    assert "already answered" in morning.notices[-1]
    assert house.responses()["nightmare_count"].value == 0


def test_forged_and_foreign_taps_change_nothing(house: House, morning: Phone) -> None:
    check_in = house.check_ins("open")[0]
    other = house.enrolled()
    _, zero = morning.button("0")
    other.presses(zero.data)
    assert "does not belong" in other.notices[-1]
    here = f"c:{check_in.id}:"
    on_card = ("nightmare_count:" + each for each in ("=99", "=-1", "=x", "!", ">x", ""))
    elsewhere = (f"{here}anxiety:=5", f"{here}nope:*", "c:::", "c:x:y:=1", "a:claim:1", "", "c:" + "x" * 60)
    for forged in (*(here + each for each in on_card), *elsewhere):
        morning.presses(forged)
    assert house.responses() == {}


def test_a_card_of_yesterday_is_refused_in_words_and_never_answers_today(
    house: House, morning: Phone
) -> None:
    bubble, button = morning.button("3")
    house.skip_to(house.local(15))
    assert "its time is over" in morning.card().text
    morning.presses(button.data, bubble.message_id)
    assert "time for this check-in is over" in morning.notices[-1]
    assert house.responses() == {}
    assert house.check_ins("missed")[0].key == "evening" or house.check_ins("missed")


def test_a_late_answer_is_asked_for_kept_and_marked(house: House, morning: Phone) -> None:
    morning.taps("1")
    house.skip_to(house.local(15))
    morning.taps("Answer now")
    morning.taps("9")
    response = house.responses()["nightmare_distress"]
    assert (response.value, response.late) == (9, True)
    assert not house.responses()["nightmare_count"].late


def test_words_sent_in_time_and_received_late_are_the_answer_of_then(house: House, morning: Phone) -> None:
    sent_at = house.now + timedelta(hours=1)
    house.skip_to(house.local(15))
    house.receive(morning, ReplyKind.TEXT, text="4", sent_at=sent_at)
    response = house.responses()["nightmare_count"]
    assert (response.value, response.late, response.answered_at) == (4, False, sent_at)
    assert response.received_at == house.now


def test_when_the_next_check_in_comes_typed_words_belong_to_it(house: House, morning: Phone) -> None:
    house.skip_to(house.local(15))
    morning.taps("Answer now")
    house.skip_to(house.local(8, days=1))
    morning.says("2")
    with house.looking() as tx:
        answered = tx.scalars(select(Response)).one()
        assert tx.get(CheckIn, answered.check_in_id).key == "d2-morning"


def test_two_reminders_at_most_silently_and_none_in_quiet_hours(house: House, morning: Phone) -> None:
    house.until(house.local(13, 55))
    reminders = [each for each in morning.log if each.startswith("This check-in is still open")]
    assert len(reminders) == 2
    assert morning.card().silent
    assert (
        len([each for each in morning.bubbles.values() if each.text.startswith("This check-in is further")])
        >= 2
    )
    house.wait(minutes=10)
    assert house.check_ins("missed")


def test_a_reminder_inside_quiet_hours_is_dropped(house: House) -> None:
    phone = house.enrolled()
    house.treated(phone)
    house.until(house.local(17))
    phone.presses("e:quiet:15:00-18:30")
    count = len([each for each in phone.log if "still open" in each])
    house.until(house.local(18, 25))
    assert len([each for each in phone.log if "still open" in each]) == count


def test_no_more_than_one_process_opens_a_check_in(house: House, morning: Phone) -> None:
    sent = house.sent_count()
    with house.clinic() as clinic:
        assert checkins.open_due(clinic, house.now) == 0
    assert house.sent_count() == sent


def test_no_more_is_opened_than_can_be_sent_counting_the_cards_that_wait(house: House) -> None:
    for _ in range(5):
        house.treated(house.enrolled())
    house.now += timedelta(hours=2)
    with house.clinic() as clinic:
        assert checkins.open_due(clinic, house.now, 3) == 3
        assert checkins.open_due(clinic, house.now, 3) == 0, "three cards wait still"
        assert checkins.open_due(clinic, house.now, 4) == 1
        house.carry()
        assert checkins.open_due(clinic, house.now, 3) == 1


def test_nobody_is_reminded_while_as_many_cards_wait_as_can_be_sent(house: House, morning: Phone) -> None:
    house.now = house.local(20)
    with house.clinic() as clinic:
        with clinic.db.transaction() as tx:
            for chat in (1, 2):
                card = Outgoing(OutgoingKind.MESSAGE, chat, "How was your night?")
                outbox.put(tx, card, kind=OutboxKind.CARD, now=house.now)
        assert checkins.remind(clinic, house.now, 2) == 0
        house.carry()
        assert checkins.remind(clinic, house.now, 2) > 0


def test_cancel_keeps_the_answers_and_checkin_goes_on_at_the_first_open_question(
    house: House, morning: Phone
) -> None:
    morning.taps("1")
    morning.says("/cancel")
    assert "1 answers are saved" in morning.screen
    house.wait(hours=1)
    morning.says("/checkin@aftercare_bot")
    assert "Question 2 of" in morning.card().text
    morning.taps("4")
    assert house.responses()["nightmare_distress"].value == 4


def test_checkin_without_anything_open_starts_one_of_the_patients_own(house: House) -> None:
    phone = house.enrolled()
    phone.says("/checkin")
    assert "Nothing is open" in phone.screen
    house.treated(phone)
    phone.says("/checkin")
    phone.taps("0")
    own = next(each for each in house.check_ins("open") if each.key.startswith("own-"))
    assert house.responses()["nightmare_count"].check_in_id == own.id


def test_button_data_fits_telegrams_limit_for_every_item(house: House, morning: Phone) -> None:
    check_in = house.check_ins("open")[0]
    for item in house.content.items.values():
        codes = [option.code for option in item.options] or ["10.5"]
        for code in codes:
            assert len(cards.data(check_in, item.id, cards.VALUE, code).encode()) <= 64


def test_every_item_can_be_shown_in_every_language(house: House, morning: Phone) -> None:
    check_in = house.check_ins("open")[0]
    with house.talking(morning) as talk:
        for language in house.content.languages:
            talk.patient.language = language
            for item in house.content.items:
                text, buttons = cards.question(talk, asking_only(check_in, item), {})
                assert 0 < len(text) < 4096
                assert all(len(button.data.encode()) <= 64 for row in buttons for button in row)


def asking_only(check_in: CheckIn, item: str) -> CheckIn:
    check_in.items, check_in.item_id = [item], item
    return check_in


def test_a_later_treatment_replaces_what_it_makes_pointless(house: House, maria: Phone) -> None:
    house.treated(maria)
    first = {each.key for each in house.check_ins("planned")}
    house.wait(hours=48)
    house.treated(maria)
    assert "d3-morning" in first
    superseded = house.check_ins("superseded")
    assert superseded and all("later treatment" in each.reason for each in superseded)
    planned = house.check_ins("planned")
    assert len({(each.treatment_id, each.key) for each in planned}) == len(planned)


def test_the_same_treatment_told_twice_is_recognised(house: House, maria: Phone) -> None:
    house.treated(maria)
    planned = len(house.check_ins())
    house.treated(maria, house.now + timedelta(minutes=20))
    assert len(house.check_ins()) == planned


def test_a_moved_treatment_moves_what_is_to_come_and_leaves_what_was_sent(house: House, maria: Phone) -> None:
    house.treated(maria)
    house.skip_to(house.now + timedelta(hours=2))
    sent = house.check_ins("open")[0]
    planned = {each.key: each.due_at for each in house.check_ins("planned")}
    with house.talking(maria) as talk:
        given = stored.treatments(talk.tx, talk.patient.id)[0]
        treatments.move(talk, given, given.ended_at + timedelta(days=1), "staff:test")
    after = {each.key: each.due_at for each in house.check_ins("planned")}
    assert after["d1-morning"] == planned["d1-morning"] + timedelta(days=1)
    assert house.check_ins("open")[0].due_at == sent.due_at


def test_a_cancelled_treatment_takes_its_check_ins_along(house: House, maria: Phone) -> None:
    house.treated(maria)
    with house.talking(maria) as talk:
        treatments.cancel(talk, stored.treatments(talk.tx, talk.patient.id)[0], "staff:test")
    assert house.check_ins("planned") == []
    sent = len(maria.log)
    house.skip_to(house.local(9, days=1))
    assert len(maria.log) == sent


def test_a_reply_while_its_check_in_is_being_sent_is_accepted_once(house: House) -> None:
    phone = house.enrolled()
    house.treated(phone)
    house.now = house.local(8, days=1)
    with house.clinic() as clinic:
        checkins.open_due(clinic, house.now)
    reply = replace(house.reply(phone, ReplyKind.TEXT), text="0")
    house.deliver_update(reply)
    assert house.responses()["nightmare_count"].value == 0
    assert len([each for each in phone.bubbles.values() if each.kind == "card"]) == 1
