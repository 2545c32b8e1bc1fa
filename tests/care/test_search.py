"""What is taken from the library below its own match objects still does what it did."""

from __future__ import annotations

import pytest

from bot.care.search import NOWHERE, compiled


@pytest.mark.parametrize(
    ("pattern", "text", "start", "place"),
    [
        pytest.param("b+", b"abbc", 0, (1, 3), id="from its first byte to one past its last"),
        pytest.param("b+", b"abbcb", 3, (4, 5), id="at or after a byte"),
        pytest.param("b", b"acd", 0, NOWHERE, id="nowhere"),
        pytest.param("(a|ab)", b"ab", 0, (0, 1), id="what is written first wins"),
        pytest.param("[\u4e00-\u4e02]", "x\u4e01".encode(), 0, (1, 4), id="a symbol of three bytes"),
        pytest.param("c$", b"cc", 0, (1, 2), id="the end"),
    ],
)
def test_a_place_in_a_text(pattern, text, start, place):
    assert compiled(pattern)(text, start) == place
