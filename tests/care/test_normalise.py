"""Reading text as words, and finding the way back to what was written."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.normalise import Reader, Reading

READER = Reader({"💊": "emojipill"})


@pytest.mark.parametrize(
    ("text", "units"),
    [
        pytest.param("I can’t", ("i", "cant"), id="curly apostrophe"),
        pytest.param("don t go", ("dont", "go"), id="lost apostrophe"),
        pytest.param("mañana", ("manana",), id="accents"),
        pytest.param("ｆｕｌｌ", ("full",), id="full width"),
        pytest.param("su\u200bici\u00adde", ("suicide",), id="hidden characters"),
        pytest.param("ѕuіcіdе", ("suicide",), id="look-alikes"),
        pytest.param("k i l l", ("kill",), id="spelled out"),
        pytest.param("d.i.e now", ("die", "now"), id="dotted"),
        pytest.param("one. two", ("one", ".", "two"), id="sentence end"),
        pytest.param("d!e", ("d!e",), id="a sign inside a word stays"),
        pytest.param("die!", ("die", "!"), id="a sign after a word does not"),
        pytest.param("💊", ("emojipill",), id="emoji"),
        pytest.param("🅺🅼🆂", ("kms",), id="letters in squares"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_words_of_a_text(text, units):
    assert READER.read(text).units == units


def units_of(reading: Reading) -> list[tuple[int, int]]:
    places = READER.places(reading)
    return [places.between(unit, unit) for unit in range(len(reading.units))]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("I WANT it", ["I", "WANT", "it"]),
        ("ok, ｄｉｅ", ["ok", ",", "ｄｉｅ"]),
        ("su\u200bicide now", ["su\u200bicide", "now"]),
        ("so k i l l me", ["so", "k i l l", "me"]),
        ("a💊b", ["a", "💊", "b"]),
    ],
)
def test_places_lead_back_to_what_was_written(text, written):
    reading = READER.read(text)
    assert [text[first:last] for first, last in units_of(reading)] == written


@given(st.text(max_size=400))
def test_places_are_in_order_and_inside_the_text(text):
    reading = READER.read(text)
    places = units_of(reading)
    assert all(0 <= first <= last <= len(text) for first, last in places)
    assert all(before[0] <= after[0] for before, after in pairwise(places))
