"""Safety messages: the country's own numbers, and never a promise that is not true."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.content import Content, stale_numbers
from tests.content.conftest import Folder

TOLD = ["M1", "M1b", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9", "M10", "M11", "M12", "M13", "M14"]
ON_CALL = {
    "en": ("person on call", "asked them", "care team know"),
    "es": ("persona de guardia", "Les pedí", "Avisé"),
}
SATURDAY_NIGHT = datetime(2026, 11, 21, 23, tzinfo=UTC)


def said(content: Content, key: str, language: str) -> str:
    values = content.fill("demo", language, SATURDAY_NIGHT)
    return content.wording(language).say(f"messages.{key}", **values)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("key", TOLD)
def test_every_message_can_be_said(content: Content, key: str, language: str) -> None:
    text = said(content, key, language)
    assert text and "{" not in text and "  " not in text


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("key", TOLD)
def test_a_message_that_speaks_of_someone_on_call_has_one_for_when_there_is_nobody(
    content: Content, key: str, language: str
) -> None:
    claims = any(words in said(content, key, language) for words in ON_CALL[language])
    assert claims == (f"messages.{key}n" in content.wording(language)) or key == "M11"
    if f"messages.{key}n" in content.wording(language):
        text = said(content, f"{key}n", language)
        assert not any(words in text for words in ON_CALL[language])
        assert ("No one is reading this right now" in text) or ("Nadie está leyendo esto ahora" in text)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("key", ["M1", "M1n", "M2", "M2n", "M12"])
def test_the_most_urgent_messages_name_a_number_to_call(content: Content, key: str, language: str) -> None:
    text = said(content, key, language)
    assert "911" in text
    assert "988" in text or key.startswith("M2")


def test_spanish_speakers_get_their_countrys_numbers_with_the_spanish_option(content: Content) -> None:
    assert "oprima 2" in said(content, "M1", "es")
    assert "AYUDA" in said(content, "M1", "es")


def test_when_the_clinic_opens_is_the_next_time_it_does(content: Content) -> None:
    assert "The clinic opens at Monday 8:00 am." in said(content, "M1n", "en")
    assert "La clínica abre: lunes 8:00 a.m." in said(content, "M1n", "es")
    early_monday = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert content.fill("demo", "en", early_monday)["opens"] == "8:00 am"


def test_a_holiday_is_no_day_to_open(content: Content) -> None:
    site = content.sites["demo"]
    opens = site.next_opening(datetime(2026, 11, 26, 2, tzinfo=UTC))  # the evening before Thanksgiving
    assert opens is not None and opens.date() == date(2026, 11, 27)
    assert not site.is_open(datetime(2026, 11, 26, 16, tzinfo=UTC))
    assert site.is_open(datetime(2026, 11, 27, 16, tzinfo=UTC))


def test_a_country_without_a_line_for_veterans_leaves_the_sentence_out(folder: Folder) -> None:
    text = (folder.root / "sites/demo.toml").read_text()
    begin, end = text.index("[numbers.veterans]"), text.index("[numbers.text_line]")
    (folder.root / "sites/demo.toml").write_text(text[:begin] + text[end:])
    message = said(folder.load(), "M1", "en")
    assert "veteran" not in message and "838255" not in message and "  " not in message


@pytest.mark.parametrize(
    ("today", "stale"),
    [
        pytest.param(date(2027, 5, 19), 0, id="180 days"),
        pytest.param(date(2027, 5, 20), 6, id="181 days"),
    ],
)
def test_old_numbers_are_told(content: Content, today: date, stale: int) -> None:
    lines = stale_numbers(content, today)
    assert len(lines) == stale
    assert all("was verified on 2026-11-20, more than 180 days ago; call it" in each for each in lines)


def test_words_that_must_never_be_said(content: Content) -> None:
    never = (
        "committed",
        "successful",
        "don't worry",
        "this is normal",
        "you're fine",
        "diagnos",
        "you missed again",
    )
    for key, sentence in content.wording("en").sentences.items():
        if key.startswith(("messages.", "patient.")):
            assert not [each for each in never if each in sentence.lower()], key
