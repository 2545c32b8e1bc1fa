"""Keyboards: refused for the reasons Telegram refuses them."""

from __future__ import annotations

from typing import Any

from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.world import Json

MOST_BUTTONS = 100
ACTIONS = (
    "url", "login_url", "callback_data", "web_app", "switch_inline_query",
    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "callback_game", "copy_text",
    "pay",
)  # fmt: skip
OTHER_KEYBOARDS = ("keyboard", "remove_keyboard", "force_reply")


def read_markup(given: Any) -> Json | None:
    """Return a keyboard as it is kept, or None when there is none.

    Raises:
        ApiError: Telegram would refuse it.
    """
    if given in (None, {}):
        return None
    if not isinstance(given, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in given:
        if not any(each in given for each in OTHER_KEYBOARDS):
            return None
        return given
    rows = given["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise _unreadable('Field "inline_keyboard" must be of type Array')
    kept = [[_read_button(button) for button in row] for row in rows if row]
    if sum(len(row) for row in kept) > MOST_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def _read_button(given: Any) -> Json:
    if not isinstance(given, dict):
        raise _unreadable("InlineKeyboardButton must be an Object")
    text = given.get("text")
    if not isinstance(text, str):
        raise _unreadable('Can\'t find field "text"')
    if not text.strip():
        raise bad_request("inline keyboard button text must be non-empty")
    button = {name: value for name, value in given.items() if value is not None}
    chosen = [name for name in ACTIONS if name in button]
    if not chosen:
        raise _unreadable("Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not str(button["url"]).startswith(("http://", "https://", "tg://", "ton://")):
        raise bad_request("BUTTON_URL_INVALID")
    if button.get("style") not in (None, "primary", "success", "danger"):
        raise bad_request("BUTTON_STYLE_INVALID")
    return button


def _unreadable(reason: str) -> ApiError:
    return bad_request(f"can't parse inline keyboard button: {reason}")


def buttons_of(markup: Json | None) -> list[Json]:
    """Return the inline buttons of a message, in reading order."""
    return [button for row in (markup or {}).get("inline_keyboard", []) for button in row]
