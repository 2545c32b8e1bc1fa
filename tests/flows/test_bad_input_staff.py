"""What staff type and press that cannot be: asked about or refused in one line, and nothing is guessed."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.flows.staff_cards import data
from bot.message import ReplyKind
from storage.tables import AlertState, Shift, Site, Staff, Treatment
from storage.vault import unseal
from tests.flows.alarm import CRISIS, found, only
from tests.flows.clinic_night import House


@pytest.fixture
def house(lone_house: House) -> House:
    """None of this depends on the database: one is enough."""
    return lone_house


def change(house: House, name: str, **values: object) -> None:
    with house.looking() as tx:
        staff = tx.scalars(select(Staff).where(col(Staff.name) == name)).one()
        for key, value in values.items():
            setattr(staff, key, value)


UNCLEAR = {
    "25 o'clock": ("tomorrow 25:00", "There is no such time"),
    "ten years off": ("2036-03-03 10:00", "more than 60 days away"),
    "the hour the clocks skip": ("2026-03-08 02:30", "skip that time"),
}


@pytest.mark.parametrize(("typed", "said"), UNCLEAR.values(), ids=[f"row 18: {each}" for each in UNCLEAR])
def test_row_18_an_unclear_time_is_asked_about(house: House, typed: str, said: str) -> None:
    maria, okafor = house.enrolled(), house.clinician()
    okafor.says(f"/treated {maria.code} {typed}")
    assert said in okafor.screen and house.all(Treatment) == []


def test_row_18_a_time_that_exists_twice_is_asked_which(house: House) -> None:
    maria, okafor = house.enrolled(), house.clinician()
    house.now = house.local(12).replace(year=2026, month=11, day=1)
    okafor.says(f"/treated {maria.code} 2026-11-01 01:30")
    assert "twice" in okafor.screen and house.all(Treatment) == []


def test_row_19_told_twice_moved_and_taken_back_leaves_what_was_sent(house: House) -> None:
    maria, okafor = house.enrolled(), house.clinician()
    okafor.says(f"/treated {maria.code}")
    okafor.says(f"/treated {maria.code}")
    assert "Already recorded" in okafor.screen and len(house.all(Treatment)) == 1
    house.skip_to(house.local(12))
    maria.taps("None of these")
    maria.taps("Done")
    answered = house.responses()["red_flags"].id
    okafor.says(f"/treated {maria.code} move 9:00")
    assert "Moved" in okafor.screen
    okafor.says(f"/treated {maria.code} cancel")
    okafor.taps("Yes, it did not happen")
    assert house.responses()["red_flags"].id == answered
    assert house.check_ins("planned", "open") == []


def test_row_20_unknown_erased_and_other_sites_codes_get_one_answer(house: House) -> None:
    okafor, gone, other = house.clinician(), house.enrolled(), house.enrolled()
    with house.looking() as tx:
        tx.add(Site(id="north"))
    with house.looking() as tx:
        tx.merge(house.patient(other)).site_id = "north"
        erased = tx.merge(house.patient(gone))
        erased.status, erased.chat_hash, erased.chat_sealed = "erased", None, None
    answers = set()
    for code in ("K-9999", gone.code, other.code):
        for command in ("/patient", "/treated", "/write"):
            okafor.says(f"{command} {code} hello" if command == "/write" else f"{command} {code}")
            answers.add(okafor.screen)
    assert answers == {"There is no such patient here."}


@pytest.mark.parametrize("why", ["left", "other site", "claimed", "resolved"])
def test_row_21_a_claim_that_cannot_be_is_refused_or_says_who_has_it(house: House, why: str) -> None:
    maria, okafor, lind = house.enrolled(), house.clinician(), house.clinician("Jonas Lind", tier=2)
    alert = found(house, maria, CRISIS)
    if why == "left":
        change(house, "Jonas Lind", active=False)
    elif why == "other site":
        with house.looking() as tx:
            tx.add(Site(id="north"))
        change(house, "Jonas Lind", site_id="north")
    else:
        okafor.taps("I have this")
    if why == "resolved":
        for press in ("Patient contacted", "Resolve", "Spoke, no further step"):
            okafor.taps(press)
    lind.presses(data("claim", alert.id))
    claimers = {"claimed": "Dr. Okafor has it.", "resolved": "It was closed by Dr. Okafor."}
    assert claimers.get(why, "") in lind.notices[-1]
    states = {"claimed": AlertState.CLAIMED, "resolved": AlertState.RESOLVED}
    assert only(house).state == states.get(why, AlertState.OPEN)


def test_row_21_who_is_off_duty_may_still_take_what_nobody_took(house: House) -> None:
    maria, lind = house.enrolled(), house.clinician("Jonas Lind", tier=2)
    house.clinician()
    with house.looking() as tx:
        for shift in tx.scalars(select(Shift).where(col(Shift.tier) == 2)):
            tx.delete(shift)
    alert = found(house, maria, CRISIS)
    lind.presses(data("claim", alert.id))
    assert only(house).state == AlertState.CLAIMED


@pytest.mark.parametrize("why", ["blocked", "stopped", "erased"])
def test_row_22_a_patient_who_cannot_be_written_to_is_said_at_once(house: House, why: str) -> None:
    maria, okafor = house.enrolled(), house.clinician()
    if why == "blocked":
        house.receive(maria, ReplyKind.BLOCKED)
    elif why == "stopped":
        maria.says("/stop")
    else:
        with house.looking() as tx:
            erased = tx.merge(house.patient(maria))
            erased.status, erased.chat_hash, erased.chat_sealed = "erased", None, None
    okafor.says(f"/write {maria.code} are you there?")
    said = "no such patient" if why == "erased" else "call them"
    assert said in okafor.screen
    assert "are you there" not in maria.everything


def test_row_23_an_alert_is_not_closed_without_an_outcome_and_long_words_are_kept_whole(house: House) -> None:
    maria, okafor = house.enrolled(), house.clinician()
    found(house, maria, CRISIS)
    for press in ("I have this", "Patient contacted", "Resolve", "Something else, in words"):
        okafor.taps(press)
    assert only(house).state == AlertState.CLAIMED
    words = "Talked for an hour. " * 500
    okafor.says(words)
    alert = only(house)
    with house.looking() as tx:
        assert unseal(tx, tx.merge(alert), "outcome_sealed") == words
    assert alert.state == AlertState.RESOLVED and "10000 characters" in okafor.screen
