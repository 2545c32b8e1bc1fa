"""A blood pressure over a line is measured once more, after a rest, before anybody is woken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.tables import PatientStatus
from tests.flows.clinic_night import House, Phone


@pytest.fixture
def evening(lone_house: House) -> Phone:
    """A patient in the evening check-in who picked "blood pressure" and is asked for the numbers."""
    phone = lone_house.at_check_in("EVE")
    asks_for_pressure(lone_house, phone)
    return phone


def asks_for_pressure(house: House, phone: Phone, *symptoms: str) -> None:
    words = house.content.wording("en")
    phone.taps(words.item("red_flags").options["none"])
    phone.taps("Done")
    for each in (*symptoms, "pressure"):
        phone.taps(words.item("side_effects").options[each])
    phone.taps("Done")


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        pytest.param("179/119", False, id="one below both lines"),
        pytest.param("180/80", True, id="exactly on the upper line"),
        pytest.param("150/120", True, id="exactly on the lower line"),
    ],
)
def test_a_reading_on_a_line_is_asked_for_again_and_wakes_nobody(
    lone_house: House, evening: Phone, typed: str, asked: bool
) -> None:
    evening.says(typed)
    assert ("rest for 5 minutes" in evening.everything) is asked
    assert "BP-2" not in lone_house.rules()
    assert lone_house.alerts() == []
    if asked:
        assert "911" in evening.everything and "16:15" in evening.everything


@pytest.mark.parametrize(
    ("again", "paged"),
    [
        pytest.param("179/119", False, id="below both lines after the rest"),
        pytest.param("180/119", True, id="still on the upper line"),
        pytest.param("179/120", True, id="still on the lower line"),
        pytest.param("skip", True, id="not measured again"),
    ],
)
def test_the_second_reading_decides(lone_house: House, evening: Phone, again: str, paged: bool) -> None:
    okafor = lone_house.clinician()
    evening.says("185/95")
    lone_house.wait(minutes=5)
    evening.says(again)
    assert ("BP-2" in lone_house.rules()) is paged
    assert ("URGENT" in okafor.everything) is paged
    lone_house.wait(minutes=30)
    assert lone_house.rules().count("BP-2") == int(paged)
    if paged:
        okafor.taps("Show the reply")
        assert "185/95" in okafor.everything, "both readings are shown"


@pytest.mark.parametrize(("again", "rules"), [("159/99", []), ("160/90", ["BP-3"])])
def test_two_readings_over_the_lower_lines_are_told_the_same_day(
    lone_house: House, evening: Phone, again: str, rules: list[str]
) -> None:
    evening.says("185/95")
    evening.says(again)
    assert lone_house.rules() == rules


def test_without_a_second_reading_somebody_is_paged_after_fifteen_minutes_and_not_before(
    lone_house: House, evening: Phone
) -> None:
    okafor = lone_house.clinician()
    evening.says("185/95")
    lone_house.skip_to(lone_house.now + timedelta(minutes=14, seconds=59))
    assert lone_house.alerts() == []
    lone_house.skip_to(lone_house.now + timedelta(seconds=1))
    assert lone_house.rules() == ["BP-2"] and lone_house.alerts()[0].level == "urgent"
    assert evening.code in okafor.everything
    evening.taps("Answer now")
    evening.says("150/90")
    assert lone_house.alerts()[0].state == "open", "a calmer reading that comes late closes nothing"


def test_with_a_warning_sign_nobody_waits(lone_house: House) -> None:
    phone = lone_house.at_check_in("EVE")
    words = lone_house.content.wording("en")
    asks_for_pressure(lone_house, phone, "confusion")
    phone.taps(words.item("se_confusion").options.get("moderate", "Medium"))
    phone.says("185/95")
    assert "BP-1" in lone_house.rules()
    assert "rest for 5 minutes" not in phone.everything


def test_the_other_questions_go_on_after_the_second_reading(lone_house: House, evening: Phone) -> None:
    evening.says("185/95")
    evening.says("150/90")
    evening.says("4")
    assert lone_house.responses()["anxiety"].value == 4


def test_a_first_reading_corrected_upwards_later_is_not_asked_a_third_time(
    lone_house: House, evening: Phone
) -> None:
    evening.says("185/95")
    typed = lone_house.messages()[-1].message_id
    assert typed is not None
    evening.says("150/90")
    evening.edits(typed, "195/95")
    assert lone_house.rules().count("BP-2") == 1


def test_who_stops_while_it_is_waited_for_is_still_looked_after(lone_house: House, evening: Phone) -> None:
    okafor = lone_house.clinician()
    evening.says("185/95")
    evening.says("/stop")
    assert lone_house.patient(evening).status == PatientStatus.WITHDRAWN
    assert "You have stopped" in evening.screen
    assert lone_house.rules() == ["BP-2"] and evening.code in okafor.everything


def test_a_treatment_taken_back_meanwhile_changes_nothing(lone_house: House, evening: Phone) -> None:
    okafor = lone_house.clinician()
    evening.says("185/95")
    okafor.says(f"/treated {evening.code} cancel")
    okafor.taps("Yes, it did not happen")
    lone_house.wait(minutes=15)
    assert "BP-2" in lone_house.rules()


def test_in_spanish_too(lone_house: House) -> None:
    phone = lone_house.at_check_in("EVE")
    asks_for_pressure(lone_house, phone)
    phone.presses("e:lang:es")
    phone.says("185 sobre 95")
    assert "descanse 5 minutos" in phone.everything
