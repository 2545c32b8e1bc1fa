"""What people do in a chat, read from the Bot API's raw updates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.read import chat_of, read_update
from bot.message import Reply, ReplyKind

RECEIVED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SENT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MAYA = {"id": 501, "is_bot": False, "first_name": "Maya", "language_code": "es"}
CHAT = {"id": 501, "type": "private", "first_name": "Maya"}


def message(**more: Any) -> dict[str, Any]:
    return {"message_id": 7, "date": int(SENT.timestamp()), "chat": CHAT, "from": MAYA, **more}


def read(raw: dict[str, Any]) -> Reply | None:
    return read_update({"update_id": 12, **raw}, "care", RECEIVED)


def read_one(raw: dict[str, Any]) -> Reply:
    reply = read(raw)
    assert reply is not None
    return reply


def test_words_are_kept_exactly_as_they_were_written() -> None:
    reply = read_one({"message": message(text="  I can't\u200b do this \u202eanymore\n")})
    assert reply.text == "  I can't\u200b do this \u202eanymore\n"
    assert (reply.kind, reply.chat_id, reply.sender_id, reply.update_id) == (ReplyKind.TEXT, 501, 501, 12)
    assert reply.private
    assert reply.language_code == "es"


def test_the_time_is_when_it_was_written_not_when_it_came() -> None:
    assert read_one({"message": message(text="hello")}).sent_at == SENT


@pytest.mark.parametrize("date", [0, -1, 10**30, None, "yesterday", 2.5])
def test_a_nonsense_time_becomes_the_time_it_came(date: Any) -> None:
    assert read_one({"message": message(text="hello") | {"date": date}}).sent_at == RECEIVED


@pytest.mark.parametrize(
    ("field", "body", "kind"),
    [
        ("voice", {"file_id": "a", "duration": 3}, ReplyKind.VOICE),
        ("audio", {"file_id": "a"}, ReplyKind.VOICE),
        ("photo", [{"file_id": "a"}], ReplyKind.PHOTO),
        ("sticker", {"file_id": "a"}, ReplyKind.STICKER),
        ("video", {"file_id": "a"}, ReplyKind.VIDEO),
        ("video_note", {"file_id": "a"}, ReplyKind.VIDEO),
        ("document", {"file_id": "a"}, ReplyKind.FILE),
        ("location", {"latitude": 1, "longitude": 2}, ReplyKind.LOCATION),
        ("contact", {"phone_number": "1"}, ReplyKind.CONTACT),
        ("poll", {"id": "1", "question": "Should I?"}, ReplyKind.POLL),
        ("dice", {"emoji": "🎲", "value": 3}, ReplyKind.OTHER),
        ("something_of_next_year", {}, ReplyKind.OTHER),
    ],
)
def test_every_kind_of_message_is_a_reply(field: str, body: Any, kind: ReplyKind) -> None:
    assert read_one({"message": message(**{field: body})}).kind is kind


def test_an_animation_is_a_video_although_it_is_a_document_too() -> None:
    both = message(animation={"file_id": "a"}, document={"file_id": "a"})
    assert read_one({"message": both}).kind is ReplyKind.VIDEO


def test_a_caption_counts_as_words() -> None:
    reply = read_one({"message": message(photo=[{}], caption="this is the rope")})
    assert (reply.kind, reply.text) == (ReplyKind.PHOTO, "this is the rope")


def test_the_question_of_a_poll_counts_as_words() -> None:
    assert read_one({"message": message(poll={"question": "Should I end it?"})}).text == "Should I end it?"


def test_a_forwarded_message_says_so() -> None:
    assert read_one({"message": message(text="theirs", forward_origin={"type": "user"})}).forwarded
    assert not read_one({"message": message(text="mine")}).forwarded


def test_a_reply_to_an_older_message_names_it() -> None:
    assert (
        read_one({"message": message(text="yes", reply_to_message={"message_id": 3})}).reply_to_message_id
        == 3
    )


def test_an_edit_is_the_new_words_at_the_time_of_the_edit() -> None:
    edited_at = int(RECEIVED.timestamp()) - 60
    reply = read_one({"edited_message": message(text="I want to die", edit_date=edited_at)})
    assert (reply.kind, reply.text, reply.message_id) == (ReplyKind.EDIT, "I want to die", 7)
    assert reply.sent_at.timestamp() == edited_at


def test_a_live_location_that_moves_is_no_reply() -> None:
    assert read({"edited_message": message(location={"latitude": 1, "longitude": 2})}) is None


@pytest.mark.parametrize(
    "card",
    [
        pytest.param({"message_id": 7, "date": int(SENT.timestamp()), "chat": CHAT, "text": "x"}, id="fresh"),
        pytest.param({"message_id": 7, "date": 0, "chat": CHAT}, id="too old for Telegram to show"),
    ],
)
def test_a_tap_is_read_whether_or_not_its_card_can_still_be_seen(card: dict[str, Any]) -> None:
    reply = read_one({"callback_query": {"id": "99", "from": MAYA, "message": card, "data": "a:1"}})
    assert (reply.kind, reply.data, reply.callback_id, reply.message_id) == (ReplyKind.TAP, "a:1", "99", 7)
    assert (reply.chat_id, reply.sent_at) == (501, RECEIVED)


def test_a_tap_that_names_no_chat_can_be_answered_by_nobody() -> None:
    assert read({"callback_query": {"id": "99", "from": MAYA, "inline_message_id": "x", "data": "a"}}) is None


def test_a_press_in_a_group_is_the_pressers_own() -> None:
    card = {"message_id": 7, "date": 1, "chat": {"id": -100, "type": "supergroup"}}
    reply = read_one({"callback_query": {"id": "1", "from": MAYA, "message": card, "data": "a"}})
    assert (reply.chat_id, reply.sender_id, reply.private) == (-100, 501, False)


def membership(chat: dict[str, Any], before: str, after: str) -> dict[str, Any]:
    states = {"old_chat_member": {"status": before}, "new_chat_member": {"status": after}}
    return {"my_chat_member": {"chat": chat, "from": MAYA, "date": 1, **states}}


@pytest.mark.parametrize(
    ("chat", "before", "after", "kind"),
    [
        (CHAT, "member", "kicked", ReplyKind.BLOCKED),
        (CHAT, "kicked", "member", ReplyKind.UNBLOCKED),
        ({"id": -5, "type": "group"}, "left", "member", ReplyKind.ADDED),
        ({"id": -5, "type": "channel"}, "left", "administrator", ReplyKind.ADDED),
        ({"id": -5, "type": "group"}, "member", "kicked", ReplyKind.REMOVED),
        ({"id": -5, "type": "group"}, "administrator", "left", ReplyKind.REMOVED),
    ],
)
def test_blocking_adding_and_removing_are_told_apart(
    chat: dict[str, Any], before: str, after: str, kind: ReplyKind
) -> None:
    assert read_one(membership(chat, before, after)).kind is kind


def test_becoming_administrator_of_a_group_changes_nothing() -> None:
    assert read(membership({"id": -5, "type": "group"}, "member", "administrator")) is None


def test_both_messages_about_a_moved_group_name_the_same_two_ids() -> None:
    old, new = {"id": -5, "type": "group"}, {"id": -1005, "type": "supergroup"}
    there = read_one({"message": message(migrate_to_chat_id=-1005) | {"chat": old}})
    here = read_one({"message": message(migrate_from_chat_id=-5) | {"chat": new}})
    assert (there.chat_id, there.new_chat_id) == (here.chat_id, here.new_chat_id) == (-5, -1005)


@pytest.mark.parametrize("what", ["pinned_message", "new_chat_members", "left_chat_member", "new_chat_title"])
def test_what_a_chat_does_by_itself_is_nobodys_reply(what: str) -> None:
    assert read({"message": message(**{what: {}})}) is None


def test_what_a_bot_says_is_nobodys_reply() -> None:
    assert read({"message": message(text="beep") | {"from": {"id": 9, "is_bot": True}}}) is None


def test_words_in_the_name_of_a_group_have_no_sender() -> None:
    body = message(text="hello")
    del body["from"]
    assert read_one({"message": body}).sender_id == 0


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"poll_answer": {"poll_id": "1", "user": MAYA}},
        {"message": None},
        {"message": "text"},
        {"message": {}},
        {"message": {"chat": {}}},
        {"callback_query": {}},
        {"my_chat_member": {}},
        {"kind_of_next_year": {"id": 1}},
    ],
)
def test_updates_nobody_can_answer_are_passed_over(raw: dict[str, Any]) -> None:
    assert read(raw) is None


FIELDS = st.sampled_from(
    (
        *("id", "chat", "from", "date", "message", "text", "type", "message_id", "data", "caption"),
        *("poll", "new_chat_member", "status", "edit_date", "migrate_to_chat_id", "reply_to_message"),
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=20,
)


@given(
    kind=st.sampled_from(["message", "edited_message", "callback_query", "my_chat_member", "other"]),
    body=JSON,
)
def test_property_no_update_however_odd_raises(kind: str, body: Any) -> None:
    read({kind: body})
    chat_of({"update_id": 1, kind: body})


def test_the_chat_of_an_update_is_found_whatever_its_kind() -> None:
    assert chat_of({"update_id": 1, "message": message(text="x")}) == 501
    assert chat_of({"update_id": 1, "callback_query": {"from": MAYA, "message": message()}}) == 501
    assert chat_of({"update_id": 1, "chat_join_request": {"chat": {"id": -5}}}) == -5
    assert chat_of({"update_id": 1, "poll": {"id": "1"}}) is None
