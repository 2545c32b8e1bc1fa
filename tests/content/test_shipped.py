"""What is shipped: published words unchanged, licences stated, the calendar and the check."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.content import Content
from bot.content.calendar import show
from bot.content.check import report

# The words in the order asked, joined by newlines: stem, question, answers.
PINNED = {
    "pcl5": "746da38c024205c602446e185488e884fff58f0ed802010c1625a8f4f3964c64",
    "phq9": "de547e840d22763cebd290da42dada3645dda7bfdf1a233ef4d9df2075e32c75",
    "gad7": "b0d5b885a9405870c3300ada6933cda75d7f8c5ba5c5aac8b9adceef46a6db72",
    "asq": "b0f6a248d60cde00e0b41994585a789c2816c74f30a186dddc1945292f7d52ad",
}


@pytest.mark.parametrize("name", PINNED)
def test_published_words_are_unchanged(content: Content, name: str) -> None:
    words = [content.wording("en").item(item_id) for item_id in content.instruments[name].items]
    lines = [line for each in words for line in (each.stem, each.question, *each.options.values())]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == PINNED[name]


def test_what_may_not_be_shipped_is_not(content: Content) -> None:
    assert set(content.instruments) == {"pcl5", "phq9", "gad7", "asq"}
    for instrument in content.instruments.values():
        assert instrument.licence and instrument.source and instrument.credit
        assert instrument.language_status["es"] == "draft"


def test_the_past_week_is_asked_about(content: Content) -> None:
    assert content.wording("en").item("pcl5_1").stem == "In the past week, how much were you bothered by:"


def test_the_calendar_a_patient_will_live_through(content: Content) -> None:
    text = show(
        "single_infusion", datetime.fromisoformat("2026-11-02T10:00"), ZoneInfo("America/Chicago"), content
    )
    assert "First treatment ends Mon 02 Nov 2026 10:00 in America/Chicago." in text
    assert "Week 1: 51 questions" in text
    assert "Week 2: 28 questions" in text
    assert "Week 4: 38 questions" in text
    line = next(each for each in text.splitlines() if "EVE" in each)
    assert " ".join(line.split()) == "Mon 02 Nov 16:00 EVE 3 questions, until 19:00, reminders 17:00, 18:00"
    assert "draft, approved by nobody yet" in text


def test_the_calendar_shows_what_quiet_hours_keep_back(content: Content) -> None:
    text = show("at_home", datetime.fromisoformat("2026-11-02T20:30"), ZoneInfo("America/Chicago"), content)
    assert "not sent: quiet hours leave no room" in text
    assert "before it, when the patient starts them, 5 questions" in text


def test_the_calendar_shows_the_home_check_after_a_raised_dose(content: Content) -> None:
    begin = datetime.fromisoformat("2026-11-02T10:00")
    usual = show("daily_low_dose", begin, ZoneInfo("America/Chicago"), content)
    raised = show("daily_low_dose", begin, ZoneInfo("America/Chicago"), content, raised_on=[9])
    added = [line for line in raised.splitlines() if line not in usual.splitlines()]
    assert [" ".join(line.split()) for line in added if "questions," in line] == [
        "Wed 11 Nov 12:00 HOME 4 questions, until 13:00, reminders 12:15, 12:30"
    ]
    assert any("treatment ends, a higher dose than before" in line for line in added)


def test_an_unknown_protocol_is_named_with_those_there_are(content: Content) -> None:
    with pytest.raises(KeyError, match="single_infusion"):
        show("weekly", datetime.fromisoformat("2026-11-02T10:00"), ZoneInfo("UTC"), content)


def test_the_summary_a_medical_director_signs(shipped: Content) -> None:
    content = shipped
    text = report(content, date(2026, 11, 21))
    assert content.version in text
    assert "Language es (Español): no reviewer is named" in text
    assert "Protocol induction: status 'draft', approved by nobody" in text
    assert (
        'when "Worry or fear" is 8 or more and is 3 or more above the baseline in 2 answers running' in text
    )
    assert "SUI-1 (emergency; the patient is told M1)" in text
    assert "emergency: at any hour, the first on call for 5 min" in text
    assert "Flesch-Kincaid" in text and "Fernández Huerta" in text
    assert "week 1: 63, week 2: 70" in text
    assert "demo suicide: 988, verified on 2026-11-20" in text
    assert "TOO OLD" not in text
    assert "TOO OLD: prompts/sites/demo.toml: suicide 988" in report(content, date(2027, 11, 21))
