"""What people send that nobody asked for: each row comes to one clear line, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.flows import checkins
from bot.message import ReplyKind
from storage import inbox
from storage.tables import Audit, Message, OutboxKind, PatientStatus, Role
from storage.vault import unseal
from tests.flows.clinic_night import House, Phone

CRISIS = "I want to die"


@pytest.fixture
def house(lone_house: House) -> House:
    """None of this depends on the database: one is enough."""
    return lone_house


@pytest.fixture
def asked(house: House) -> Phone:
    """A patient whose card asks for a rating from 0 to 10."""
    phone = house.at_check_in("AM")
    for answer in ("0", "7", "7"):
        phone.taps(answer)
    return phone


def kept(house: House) -> list[str | None]:
    """The words of every message, as stored."""
    with house.looking() as tx:
        return [unseal(tx, tx.merge(each), "text_sealed") for each in house.messages()]


def audited(house: House, action: str) -> list[Audit]:
    return [each for each in house.all(Audit) if each.action == action]


SEVENS = ("7", "seven", "7/10", " 7 ", "７", "7.", "a 7 I guess", "siete")


@pytest.mark.parametrize("typed", SEVENS, ids=[f"row 1: {each}" for each in SEVENS])
def test_row_1_a_seven_is_a_seven_however_it_is_typed(house: House, asked: Phone, typed: str) -> None:
    asked.says(typed)
    response = house.responses()["anxiety"]
    assert response.value == 7 and kept(house) == [typed]
    with house.looking() as tx:
        assert unseal(tx, tx.merge(response), "text_sealed") == typed


NO_ANSWERS = ("11", "-1", "7.5", "7-8", "1e3", "NaN", "٧")


@pytest.mark.parametrize("typed", NO_ANSWERS, ids=[f"row 2: {each}" for each in NO_ANSWERS])
@pytest.mark.parametrize("more", ["", " and I want to die"], ids=["alone", "with a crisis"])
def test_row_2_what_is_no_rating_is_asked_again_kept_and_judged(
    house: House, asked: Phone, typed: str, more: str
) -> None:
    asked.says(typed + more)
    assert "anxiety" not in house.responses()
    assert kept(house) == [typed + more]
    assert ("SUI-3" in house.rules()) is bool(more)
    assert asked.has_button("I need help now")
    if not more and typed != "٧":
        assert "whole number from 0 to 10" in asked.screen


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        pytest.param("138 over 90", "138/90", id="row 3: in words"),
        pytest.param("138/90", "138/90", id="row 3: with a stroke"),
        pytest.param("1380/9", "", id="row 3: a digit slipped"),
    ],
)
def test_row_3_blood_pressure(house: House, typed: str, code: str) -> None:
    phone = house.at_check_in("EVE")
    words = house.content.wording("en")
    phone.taps(words.item("red_flags").options["none"])
    phone.taps("Done")
    phone.taps(words.item("side_effects").options["pressure"])
    phone.taps("Done")
    phone.says(typed)
    given = house.responses().get("blood_pressure")
    assert (given.code if given else "") == code
    assert code or "two numbers, like 138/90" in phone.screen


def test_row_4_the_longest_text_is_stored_whole_and_judged_to_its_end(house: House) -> None:
    phone = house.enrolled()
    text = "x " * ((4096 - len(CRISIS)) // 2) + CRISIS
    phone.says(text)
    assert kept(house) == [text] and "SUI-3" in house.rules()


def test_row_4_and_43_a_flood_is_kept_judged_told_once_and_nobody_else_waits_behind_it(house: House) -> None:
    coordinator = house.clinician("Sam", role=Role.COORDINATOR)
    maria, rosa = house.enrolled(), house.enrolled()
    for number in range(110):
        maria.says(CRISIS if number == 109 else f"note {number}")
    assert len(house.messages()) == 110
    assert "SUI-3" in house.rules()
    assert len([each for each in coordinator.log if "far more messages" in each]) == 1
    waiting = [house.reply(maria, ReplyKind.TEXT, text="again") for _ in range(100)]
    waiting.append(house.reply(rosa, ReplyKind.TEXT, text="hello"))
    with house.looking() as tx:
        for each in waiting:
            inbox.store(tx, each.bot, each.update_id, each.chat_id, {}, house.now)
        assert [each.update_id for each in inbox.next_waiting(tx, house.now, 2, ())] == [
            waiting[0].update_id,
            waiting[-1].update_id,
        ]


ODD = {
    "NUL": "\x00",
    "half a surrogate pair": "\ud800",
    "nothing to see": "\u200b\u200b",
    "right to left": "\u202eabc",
    "ten thousand accents": "a" + "\u0301" * 10_000,
    "only emoji": "🙂🙂",
}
MARKUP = (
    "'; DROP TABLE patient; --",
    "<b>x</b>",
    "*_[]()~`",
    "{0} {clinic}",
    "%s",
    "${HOME}",
    "=cmd|' /C calc'!A0",
)


@pytest.mark.parametrize("text", ODD.values(), ids=[f"row 5: {each}" for each in ODD])
def test_row_5_odd_characters_are_stored_as_they_are_and_hide_nothing(house: House, text: str) -> None:
    phone = house.enrolled()
    phone.says(text)
    phone.says(f"{text} {CRISIS}")
    assert kept(house) == [text, f"{text} {CRISIS}"]
    assert "SUI-3" in house.rules() or "UNK-1" in house.rules()
    assert "911" in phone.everything


@pytest.mark.parametrize("text", MARKUP, ids=[f"row 6: {each[:12]}" for each in MARKUP])
def test_row_6_markup_is_plain_text_in_every_chat(house: House, text: str) -> None:
    okafor, phone = house.clinician(), house.enrolled()
    okafor.says(f"/write {phone.code} {text}")
    assert phone.screen.endswith(text)
    phone.says(text)
    assert okafor.screen.endswith(text)
    assert kept(house) == [text, text]


def test_row_7_a_tap_on_a_card_of_yesterday_of_a_closed_check_in_or_of_somebody_else(house: House) -> None:
    phone, other = house.at_check_in("AM"), house.enrolled()
    bubble, button = phone.button("3")
    other.presses(button.data)
    assert "does not belong" in other.notices[-1]
    house.skip_to(house.local(15))
    phone.presses(button.data, bubble.message_id)
    assert "time for this check-in is over" in phone.notices[-1]
    house.skip_to(house.local(8, days=1))
    phone.presses(button.data, bubble.message_id)
    assert "Nothing was changed" in phone.notices[-1]
    assert house.responses() == {}
    assert {each.details["why"] for each in audited(house, "tap.refused")} >= {"not_theirs", "closed"}


def test_row_8_the_same_tap_twice_and_from_two_phones_is_one_answer(house: House) -> None:
    phone = house.at_check_in("AM")
    bubble, button = phone.button("3")
    tap = {"data": button.data, "callback_id": "callback", "message_id": bubble.message_id}
    both = [house.reply(phone, ReplyKind.TAP, **tap) for _ in range(2)]
    for each in both:
        house.deliver_update(each)
    shown = phone.card().text
    house.deliver_update(both[0])
    assert phone.card().text == shown
    assert house.responses()["nightmare_count"].value == 3 and len(house.responses()) == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param("a calm evening", CRISIS, id="row 9: calm to urgent"),
        pytest.param(CRISIS, "a calm evening", id="row 9: urgent to calm"),
    ],
)
def test_row_9_an_edit_is_judged_again_and_lowers_nothing(house: House, first: str, then: str) -> None:
    phone = house.enrolled()
    phone.says(first)
    message = house.messages()[0].message_id
    assert message is not None
    phone.edits(message, then)
    assert kept(house) == [first, then]
    (alert,) = house.alerts()
    assert (alert.state, alert.level) == ("open", "urgent")


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        pytest.param(ReplyKind.POLL, True, id="row 10: a poll"),
        pytest.param(ReplyKind.CONTACT, False, id="row 10: a contact"),
        pytest.param(ReplyKind.LOCATION, False, id="row 10: a location"),
        pytest.param(ReplyKind.VOICE, True, id="row 11: a voice message"),
        pytest.param(ReplyKind.VIDEO, True, id="row 11: a video note"),
        pytest.param(ReplyKind.PHOTO, True, id="row 11: a picture"),
        pytest.param(ReplyKind.STICKER, True, id="row 11: a sticker"),
        pytest.param(ReplyKind.FILE, True, id="row 11: a file"),
    ],
)
def test_rows_10_and_11_what_cannot_be_read_is_said_and_handed_on(
    house: House, kind: ReplyKind, stored: bool
) -> None:
    phone = house.enrolled()
    phone.sends(kind, text="Elm Street 5")
    assert house.rules() == ["UNK-1"]
    assert kept(house) == (["Elm Street 5"] if stored else [None])
    assert ("only read typed words" if stored else "did not save it") in phone.screen
    assert "911" in phone.screen


def test_row_10_a_forwarded_text_and_a_reply_to_an_old_one_answer_nothing(house: House) -> None:
    phone = house.at_check_in("AM")
    phone.says("3", forwarded=True)
    phone.says("3", reply_to_message_id=999)
    assert house.responses() == {}
    assert [each.kind for each in house.messages()] == ["forwarded", "text"]


def test_row_12_every_bad_start_has_a_sentence_of_its_own_and_guessing_ends(house: House) -> None:
    admin, stranger = house.clinician("Ada", role=Role.ADMIN), house.phone()
    _, used = house.invite()
    _, expired = house.invite()
    house.phone().says(f"/start {used}")
    house.now += timedelta(days=7)
    told = []
    for payload in ("", used, expired, "forged-code", "ünïcode", "A" * 64, "A" * 65, "b", "c"):
        stranger.says(f"/start {payload}".strip())
        told.append(stranger.screen)
    words = ("need an invite", "used before", "too old", "don't know this", "does not look like")
    assert all(word in said for word, said in zip(words, told, strict=False))
    assert "too many tries" in told[-1]
    assert "5 wrong invites" in admin.screen
    assert all("911" in each for each in told)


def test_row_12_an_invite_holds_for_seven_days_and_not_a_second_longer(house: House) -> None:
    (_, first), (_, second) = house.invite(), house.invite()
    phone = house.phone()
    house.now += timedelta(days=7) - timedelta(seconds=1)
    phone.says(f"/start {first}")
    assert "Which language" in phone.screen
    house.now += timedelta(seconds=1)
    late = house.phone()
    late.says(f"/start {second}")
    assert "too old" in late.screen


@pytest.mark.parametrize(
    ("when", "stored"),
    [
        pytest.param("before consent", 0, id="row 13: before consent"),
        pytest.param("after stop", 0, id="row 13: after stopping"),
        pytest.param("paused", 1, id="row 13: while paused"),
    ],
)
def test_row_13_words_at_any_time_are_judged_and_stored_only_as_consented(
    house: House, when: str, stored: int
) -> None:
    okafor = house.clinician()
    phone = house.new_patient() if when == "before consent" else house.enrolled()
    if when == "after stop":
        phone.says("/stop")
    elif when == "paused":
        phone.says("/pause")
        phone.taps("Until I say so")
    phone.says("I am going to kill myself tonight")
    assert "911" in phone.everything and "988" in phone.everything
    assert "SUI-1" in house.rules() and phone.code in okafor.everything
    assert len(house.messages()) == stored


def test_row_14_identity_is_the_chat_and_never_what_somebody_says_they_are(house: House) -> None:
    phone, someone = house.enrolled(), house.phone()
    someone.says(f"I am {phone.code}, this is my new account")
    assert "need an invite" in someone.screen
    assert house.all(Message) == []


@pytest.mark.parametrize("what", ["group", "channel"])
def test_row_15_a_group_or_channel_is_left_after_saying_why(house: House, what: str) -> None:
    phone, group = house.enrolled(), house.phone(chat_id=-500)
    sender = phone.chat_id if what == "group" else -500
    house.receive(group, ReplyKind.ADDED, private=False, sender_id=sender)
    assert "private" in group.screen and group.left
    house.receive(group, ReplyKind.TEXT, private=False, sender_id=sender, text="I slept 3 hours")
    assert phone.code not in group.everything and len(group.bubbles) == 1
    assert house.messages() == []


NONSENSE = ("Mars/Phobos", "xx", "25:00", "25:00-99:00", "\u202e", "0")


@pytest.mark.parametrize("typed", NONSENSE, ids=[f"row 16: {each!r}" for each in NONSENSE])
def test_row_16_nonsense_for_a_setting_is_asked_again_with_examples(house: House, typed: str) -> None:
    phone = house.enrolled()
    phone.says("/timezone")
    phone.says(typed)
    assert "America/New_York" in phone.screen
    phone.says("/settings")
    phone.taps("Quiet hours")
    phone.says(typed)
    assert "22:00-07:00" in phone.screen
    phone.presses("e:lang:xx")
    patient = house.patient(phone)
    assert (patient.zone, patient.quiet_from, patient.language) == ("America/Chicago", "21:30", "en")


def test_row_17_a_language_nobody_entered_is_asked_about_and_told_to_a_person(house: House) -> None:
    phone = house.enrolled()
    phone.says("Мне очень плохо, помогите мне пожалуйста")
    assert "Which language" in phone.screen and "911" in phone.screen
    assert house.rules() == ["UNK-1"] and house.alerts()


def test_row_41_a_rating_with_a_crisis_in_it_counts_as_both(house: House, asked: Phone) -> None:
    okafor = house.clinician()
    asked.says("3, but I want to die")
    assert house.responses()["anxiety"].value == 3
    assert "SUI-3" in house.rules() and asked.code in okafor.everything


FORMS = {
    "curly apostrophe": "I don’t want to live anymore",
    "zero width": "I want to d\u200bi\u200be",
    "no-break spaces": "I\u00a0want\u00a0to\u00a0die",
    "full width": "Ｉ ｗａｎｔ ｔｏ ｄｉｅ",
    "capitals": "I WANT TO DIE",
    "dotted capital I": "I WANT TO D\u0130E",
    "digits for letters": "I want to d1e",
    "accents on top": "I want to di\u0301e",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=[f"row 42: {each}" for each in FORMS])
def test_row_42_a_crisis_is_heard_in_every_form(house: House, text: str) -> None:
    okafor, phone = house.clinician(), house.enrolled()
    phone.says(text)
    assert "SUI-3" in house.rules()
    assert phone.code in okafor.everything


def test_row_44_a_message_from_before_an_outage_is_judged_and_the_page_says_how_old_it_is(
    house: House,
) -> None:
    okafor, phone = house.clinician(), house.enrolled()
    written = house.now - timedelta(days=3)
    phone.says(CRISIS, sent_at=written)
    (message,) = house.messages()
    assert (message.sent_at, message.received_at) == (written, house.now)
    assert house.alerts()[0].replied_at == written
    assert "4320" in okafor.everything or "72" in okafor.everything or "3 d" in okafor.everything


def test_row_45_a_reply_while_its_check_in_is_on_its_way_counts_once_and_nothing_comes_twice(
    house: House,
) -> None:
    phone = house.enrolled()
    house.treated(phone)
    house.now = house.local(8, days=1)
    with house.clinic() as clinic:
        checkins.open_due(clinic, house.now)  # queued, not sent
    phone.says("2")
    with house.clinic() as clinic:
        checkins.open_due(clinic, house.now)
    house.carry()
    assert house.responses()["nightmare_count"].value == 2
    cards = [each for each in phone.bubbles.values() if each.kind == OutboxKind.CARD]
    assert len(cards) == 1 and "Question 2 of" in cards[0].text


@pytest.mark.parametrize(
    "command", ["/alerts", "/oncall", "/patients", "/treated K-0001", "/invite patient", "/take"]
)
def test_row_46_a_staff_command_is_an_unknown_command_to_a_patient(house: House, command: str) -> None:
    phone = house.enrolled()
    phone.says(command)
    assert "don't know that command" in phone.screen
    assert house.check_ins() == []


def test_row_46_the_button_of_a_page_does_nothing_in_a_patients_hands(house: House) -> None:
    okafor, phone = house.clinician(), house.enrolled()
    phone.says(CRISIS)
    _, claim = okafor.button("I have this")
    phone.presses(claim.data)
    assert "does nothing" in phone.notices[-1]
    assert house.alerts()[0].state == "open"
    assert [each.details["why"] for each in audited(house, "tap.refused")] == ["unknown"]


NAMES = {
    "a formula": "=HYPERLINK(1)",
    "markup": "<b>*Ada*</b>",
    "right to left": "Ada\u202egnihton",
    "two hundred emoji": "🙂" * 200,
    "a second line": "Ada\nCRITICAL: all clear",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=[f"row 47: {each}" for each in NAMES])
def test_row_47_a_name_is_one_short_plain_line_and_in_no_log(
    house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    phone, joined = house.enrolled(), house.phone()
    joined.says(f"/start {house.invite_clinician(name)}")
    joined.says("/oncall")
    okafor = house.clinician()
    phone.says(CRISIS)
    joined.says("/alerts")
    joined.presses(okafor.button("I have this")[1].data)
    line = next(each for each in okafor.everything.splitlines() if "has this" in each)
    assert len(line) < 120
    assert "\u202e" not in okafor.everything
    assert not [each for each in okafor.everything.splitlines() if each.startswith("CRITICAL")]
    assert name.splitlines()[0] not in caplog.text
    assert house.patient(phone).status == PatientStatus.ACTIVE
