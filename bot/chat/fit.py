"""Making any text fit the Bot API, so that content can never block delivery."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.message import Button

MESSAGE_UNITS = 4096
CAPTION_UNITS = 1024
ANSWER_UNITS = 200
LABEL_UNITS = 64
DATA_BYTES = 64
CUT_MARK = "…"
BLANK = "-"
"""Stands for a text of nothing but space, which the Bot API refuses."""


def fit(text: str, units: int = MESSAGE_UNITS) -> str:
    """Return `text` with nothing the Bot API refuses in it, cut to `units` of UTF-16.

    Telegram counts as UTF-16 does: an emoji is two. A NUL and half of a surrogate pair become U+FFFD.
    """
    clean = "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)
    encoded = clean.encode("utf-16-le")
    if len(encoded) <= 2 * units:
        return clean
    return encoded[: 2 * (units - 1)].decode("utf-16-le", "ignore") + CUT_MARK


def fit_text(text: str, units: int = MESSAGE_UNITS) -> str:
    """As `fit`, and never empty."""
    fitted = fit(text, units)
    return fitted if fitted.strip() else BLANK


def keyboard(buttons: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    """Return the buttons, or None for none. One whose data is too long is left out, not the message."""
    rows = [[_button(each) for each in row if _carries(each)] for row in buttons]
    rows = [row for row in rows if row]
    return InlineKeyboardMarkup(rows) if rows else None


def _carries(button: Button) -> bool:
    return 0 < len(button.data.encode("utf-8", "replace")) <= DATA_BYTES


def _button(button: Button) -> InlineKeyboardButton:
    style = None if button.style == "plain" else button.style.value
    return InlineKeyboardButton(fit_text(button.text, LABEL_UNITS), callback_data=button.data, style=style)
