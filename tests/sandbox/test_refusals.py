"""The sandbox refuses what Telegram refuses, in Telegram's words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.sandbox.running import RunningSandbox
from tests.sandbox.people import MAYA, SAM, api, control, keyboard, look, refused

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.mark.parametrize(
    ("params", "description"),
    [
        pytest.param({"chat_id": MAYA, "text": ""}, "Bad Request: message text is empty", id="no text"),
        pytest.param({"chat_id": MAYA}, "Bad Request: message text is empty", id="text left out"),
        pytest.param(
            {"chat_id": MAYA, "text": " \n "}, "Bad Request: text must be non-empty", id="only blanks"
        ),
        pytest.param({"chat_id": MAYA, "text": "x" * 4097}, "Bad Request: message is too long", id="4097"),
        pytest.param({"text": "hi"}, "Bad Request: chat_id is empty", id="no chat"),
        pytest.param({"chat_id": 999, "text": "hi"}, "Bad Request: chat not found", id="a stranger"),
        pytest.param({"chat_id": "x", "text": "hi"}, "Bad Request: chat not found", id="not a number"),
        pytest.param(
            {"chat_id": MAYA, "text": "hi", "reply_markup": keyboard("x" * 65)},
            "Bad Request: BUTTON_DATA_INVALID",
            id="65 bytes of button data",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "hi", "reply_markup": keyboard("é" * 33)},
            "Bad Request: BUTTON_DATA_INVALID",
            id="33 letters of two bytes",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "hi", "reply_markup": keyboard("")},
            "Bad Request: BUTTON_DATA_INVALID",
            id="empty button data",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "hi", "reply_markup": "{"},
            "Bad Request: can't parse reply keyboard markup JSON object",
            id="a keyboard that is not JSON",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "hi", "reply_parameters": {"message_id": 77}},
            "Bad Request: message to be replied not found",
            id="a reply to nothing",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "<b>hi", "parse_mode": "HTML"},
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
            id="an open tag",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "a <x>", "parse_mode": "HTML"},
            'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 2',
            id="an unknown tag",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "3.5", "parse_mode": "MarkdownV2"},
            "Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the "
            "preceding '\\'",
            id="a bare full stop",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "*hi", "parse_mode": "Markdown"},
            "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 0",
            id="an open star",
        ),
        pytest.param(
            {"chat_id": MAYA, "text": "hi", "parse_mode": "BBCode"},
            "Bad Request: unsupported parse_mode",
            id="no such mode",
        ),
    ],
)
def test_a_message_is_refused(sandbox: RunningSandbox, params: dict[str, Any], description: str) -> None:
    control(sandbox, "start", person=MAYA)
    assert api(sandbox, "sendMessage", **params) == refused(400, description)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("x" * 4096, "x" * 64, id="exactly at both limits"),
        pytest.param("_*[]()~>#+-=|{}.!<b>&", "é" * 32, id="every sign of every parse mode, sent plain"),
    ],
)
def test_a_message_at_the_limit_arrives_whole(sandbox: RunningSandbox, text: str, data: str) -> None:
    control(sandbox, "start", person=MAYA)
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text=text, reply_markup=keyboard(data))
    assert sent["result"]["text"] == text


def test_html_arrives_as_text_with_entities_counted_in_utf16(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="😀 <b>a &amp; b</b>", parse_mode="HTML")
    assert sent["result"]["text"] == "😀 a & b"
    assert sent["result"]["entities"] == [{"type": "bold", "offset": 3, "length": 5}]


def test_a_bot_cannot_write_first(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    group = control(sandbox, "group", title="Team", members=[MAYA, SAM])["chat_id"]
    control(sandbox, "group/add", chat=group, bot="care", by=MAYA)
    words = "Forbidden: bot can't initiate conversation with a user"
    assert api(sandbox, "sendMessage", chat_id=SAM, text="hi") == refused(403, words)


def test_a_blocked_bot_is_told_and_then_refused_until_unblocked(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    control(sandbox, "block", person=MAYA)
    update = look(sandbox, "updates")["waiting"][-1]
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    answer = api(sandbox, "sendMessage", chat_id=MAYA, text="hi")
    assert answer == refused(403, "Forbidden: bot was blocked by the user")
    control(sandbox, "unblock", person=MAYA)
    assert api(sandbox, "sendMessage", chat_id=MAYA, text="hi")["ok"]


def test_a_group_that_became_a_supergroup_answers_with_its_new_id(sandbox: RunningSandbox) -> None:
    group = control(sandbox, "group", title="Team", members=[MAYA])["chat_id"]
    control(sandbox, "group/add", chat=group, bot="care", by=MAYA)
    new = control(sandbox, "group/migrate", chat=group, by=MAYA)["chat_id"]
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    assert api(sandbox, "sendMessage", chat_id=group, text="hi") == refused(
        400, words, migrate_to_chat_id=new
    )
    assert api(sandbox, "sendMessage", chat_id=new, text="hi")["ok"]


def test_a_bot_thrown_out_of_a_group_is_refused_there(sandbox: RunningSandbox) -> None:
    group = control(sandbox, "group", title="Team", members=[MAYA])["chat_id"]
    control(sandbox, "group/add", chat=group, bot="care", by=MAYA)
    control(sandbox, "group/remove", chat=group, bot="care", by=MAYA)
    words = "Forbidden: bot was kicked from the group chat"
    assert api(sandbox, "sendMessage", chat_id=group, text="hi") == refused(403, words)


def test_an_edit_must_change_something_that_is_there(sandbox: RunningSandbox) -> None:
    theirs = control(sandbox, "start", person=MAYA)["message_id"]
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="one")["result"]["message_id"]
    same = api(sandbox, "editMessageText", chat_id=MAYA, message_id=sent, text="one")
    assert same == refused(400, NOT_MODIFIED)
    gone = api(sandbox, "editMessageText", chat_id=MAYA, message_id=99, text="two")
    assert gone == refused(400, "Bad Request: message to edit not found")
    others = api(sandbox, "editMessageText", chat_id=MAYA, message_id=theirs, text="two")
    assert others == refused(400, "Bad Request: message can't be edited")
    assert api(sandbox, "editMessageText", chat_id=MAYA, message_id=sent, text="two")["result"]["edit_date"]


def test_an_edit_without_a_keyboard_takes_the_keyboard_away(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    markup = keyboard("a")
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="one", reply_markup=markup)["result"]["message_id"]
    edited = api(sandbox, "editMessageText", chat_id=MAYA, message_id=sent, text="one")
    assert "reply_markup" not in edited["result"]


def test_a_press_is_answered_once(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    api(sandbox, "sendMessage", chat_id=MAYA, text="one", reply_markup=keyboard("a"))
    query = control(sandbox, "tap", person=MAYA, label="4")["callback_id"]
    assert api(sandbox, "answerCallbackQuery", callback_query_id=query, text="Noted")["ok"]
    assert look(sandbox, "callback", id=query)["text"] == "Noted"
    assert api(sandbox, "answerCallbackQuery", callback_query_id=query) == refused(400, TOO_OLD)


@pytest.mark.parametrize(("seconds", "in_time"), [(13, True), (16, False)])
def test_a_press_must_be_answered_soon(sandbox: RunningSandbox, seconds: int, in_time: bool) -> None:
    control(sandbox, "start", person=MAYA)
    api(sandbox, "sendMessage", chat_id=MAYA, text="one", reply_markup=keyboard("a"))
    query = control(sandbox, "tap", person=MAYA, label="4")["callback_id"]
    control(sandbox, "clock", move=seconds)
    assert api(sandbox, "answerCallbackQuery", callback_query_id=query)["ok"] is in_time


@pytest.mark.parametrize(("hours", "deleted"), [(47, True), (49, False)])
def test_a_message_can_be_deleted_for_two_days(sandbox: RunningSandbox, hours: int, deleted: bool) -> None:
    control(sandbox, "start", person=MAYA)
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="one")["result"]["message_id"]
    control(sandbox, "clock", move=hours * 3600)
    assert api(sandbox, "deleteMessage", chat_id=MAYA, message_id=sent)["ok"] is deleted


def test_a_protected_message_cannot_be_forwarded(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="one", protect_content=True)["result"]
    assert sent["has_protected_content"]
    answer = api(sandbox, "forwardMessage", chat_id=MAYA, from_chat_id=MAYA, message_id=sent["message_id"])
    assert answer == refused(400, "Bad Request: message can't be forwarded")


@pytest.mark.parametrize(
    ("path", "code", "description"),
    [
        ("bot7000000001:wrong/getMe", 401, "Unauthorized"),
        ("botnonsense/getMe", 404, "Not Found"),
        (
            "bot7000000001:AAcare-sandbox-token-of-no-real-bot/flyToTheMoon",
            404,
            "Not Found: method not found",
        ),
    ],
)
def test_a_wrong_address_is_refused(sandbox: RunningSandbox, path: str, code: int, description: str) -> None:
    answer = httpx.get(f"{sandbox.api_url}/{path}")
    assert (answer.status_code, answer.json()) == (code, refused(code, description))


@pytest.mark.parametrize(
    ("commands", "description"),
    [
        ([{"command": "Alerts", "description": "x"}], "Bad Request: BOT_COMMAND_INVALID"),
        ([{"command": "alerts", "description": ""}], "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"),
    ],
)
def test_a_wrong_command_is_refused(sandbox: RunningSandbox, commands: Any, description: str) -> None:
    assert api(sandbox, "setMyCommands", commands=commands) == refused(400, description)


def test_the_narrowest_menu_in_the_persons_language_wins(sandbox: RunningSandbox) -> None:
    control(sandbox, "person", id=MAYA, first_name="Maya", language_code="es")
    control(sandbox, "start", person=MAYA)

    def menu() -> list[str]:
        return [each["command"] for each in look(sandbox, "menu", person=MAYA)["commands"]]

    def offer(name: str, scope: str, language: str = "") -> None:
        where = {"type": scope} | ({"chat_id": MAYA} if scope == "chat" else {})
        commands = [{"command": name, "description": "x"}]
        api(sandbox, "setMyCommands", commands=commands, scope=where, language_code=language)

    offer("everyone", "default")
    assert menu() == ["everyone"]
    offer("private", "all_private_chats")
    assert menu() == ["private"]
    offer("privado", "all_private_chats", "es")
    assert menu() == ["privado"]
    offer("mine", "chat")
    assert menu() == ["mine"]
    api(sandbox, "deleteMyCommands", scope={"type": "chat", "chat_id": MAYA})
    assert menu() == ["privado"]
