"""Any text at all becomes one that Telegram takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.fit import BLANK, CUT_MARK, fit, fit_text, keyboard
from bot.message import Button, ButtonStyle


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        pytest.param("a" * 4096, False, id="exactly at the limit"),
        pytest.param("a" * 4097, True, id="one over"),
        pytest.param("😀" * 2048, False, id="an emoji counts twice"),
        pytest.param("😀" * 2049, True, id="one emoji over"),
        pytest.param("a" * 100_000, True, id="far over"),
    ],
)
def test_a_text_is_cut_where_telegram_counts_4096(text: str, cut: bool) -> None:
    fitted = fit(text)
    assert units(fitted) <= 4096
    assert fitted.endswith(CUT_MARK) is cut
    assert (fitted == text) is not cut


def test_a_cut_never_leaves_half_an_emoji() -> None:
    fitted = fit("a" + "😀" * 3000)
    assert fitted.encode("utf-8").decode("utf-8") == fitted
    assert units(fitted) in (4095, 4096)


def test_nul_and_half_a_surrogate_pair_are_replaced() -> None:
    assert fit("a\0b\ud83dc") == "a\ufffdb\ufffdc"


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_a_blank_text_is_shown_as_a_dash(text: str) -> None:
    assert fit_text(text) == BLANK


@given(st.text(max_size=6000))
def test_property_any_text_fits_and_can_be_encoded(text: str) -> None:
    fitted = fit_text(text)
    fitted.encode("utf-8")
    assert 1 <= units(fitted) <= 4096
    assert "\0" not in fitted


def test_a_button_whose_data_is_too_long_is_left_out_and_the_others_stay() -> None:
    markup = keyboard([[Button("long", "é" * 33), Button("fits", "é" * 32)], [Button("gone", "x" * 65)]])
    assert markup is not None
    assert [[each.text for each in row] for row in markup.inline_keyboard] == [["fits"]]


def test_a_long_label_is_cut_and_a_style_is_kept() -> None:
    markup = keyboard([[Button("I have this " * 20, "claim", ButtonStyle.DANGER)]])
    assert markup is not None
    button = markup.inline_keyboard[0][0]
    assert units(button.text) <= 64
    assert button.style == "danger"


def test_no_buttons_is_no_keyboard() -> None:
    assert keyboard(()) is None
