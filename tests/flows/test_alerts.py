"""An urgent reply reaches a human who says "I have this", and nothing stops it on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.care.level import Finding, Level
from bot.message import Failure
from storage import staff as people
from storage.tables import AlertState, ContactState, OutboxKind, PageState, Role, Staff
from tests.flows.alarm import (
    CO_USE,
    CONDUCT,
    CRISIS,
    IDEATION,
    RESTLESS,
    SLEEPLESS,
    audited,
    fail_pages,
    found,
    found_but_not_carried,
    only,
    pages,
    queued,
)
from tests.flows.clinic_night import House, Phone


@pytest.fixture
def lind(house: House) -> Phone:
    """The backup."""
    return house.clinician("Jonas Lind", tier=2)


@pytest.fixture
def prado(house: House) -> Phone:
    """The lead."""
    return house.clinician("Dr. Prado", tier=3, role=Role.LEAD)


def test_a_crisis_pages_the_first_on_call_and_answers_the_patient_at_once(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    house.treated(maria, house.now - timedelta(hours=5))
    alert = found(house, maria, CRISIS)
    assert "988" in maria.screen and "person on call" in maria.screen
    assert (
        "EMERGENCY" in okafor.screen and "K-0001" in okafor.screen and "5 h since treatment" in okafor.screen
    )
    assert okafor.has_button("I have this")
    assert not lind.bubbles, "the backup is not woken while the first has five minutes"
    assert (alert.state, alert.tier) == (AlertState.OPEN, 1)
    assert alert.paged_at == house.now


def test_a_page_carries_no_word_of_the_patient(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    assert "loaded" not in okafor.everything


def test_the_patient_hears_before_the_page_and_even_when_nobody_can_be_paged(
    house: House, maria: Phone
) -> None:
    alert = found(house, maria, CRISIS)
    assert "988" in maria.screen
    assert "No one is reading this right now" in maria.screen and "on call" not in maria.screen
    assert alert.nobody_reached and alert.next_action_at is not None


def test_nobody_is_told_that_a_person_was_alerted_when_the_one_on_call_has_no_working_chat(
    house: House, maria: Phone, okafor: Phone
) -> None:
    from sqlalchemy import select

    from storage.tables import Staff

    with house.looking() as tx:
        staff = tx.scalars(select(Staff)).one()
        for each in people.contacts(tx, staff.id):
            people.set_contact_state(tx, each.id, ContactState.BLOCKED)
    found(house, maria, CRISIS)
    assert "No one is reading this right now" in maria.screen


def test_unanswered_it_climbs_tier_by_tier_and_then_goes_on_without_end(
    house: House, maria: Phone, okafor: Phone, lind: Phone, prado: Phone
) -> None:
    found(house, maria, CRISIS)
    seen = []
    for _ in range(32):
        house.now += timedelta(minutes=1)
        house.tick()
        seen.append((only(house).tier, len(okafor.bubbles), len(lind.bubbles), len(prado.bubbles)))
    assert seen[0] == (1, 1, 0, 0)
    assert seen[1] == (1, 2, 0, 0), "the same person again after two minutes"
    assert seen[3] == (1, 3, 0, 0)
    assert seen[4] == (2, 3, 1, 0), "the backup at five minutes"
    assert seen[9][0] == 3 and seen[9][3] == 1, "the lead at ten"
    assert seen[14][0] == 4, "everyone at fifteen"
    everyone = seen[14]
    assert seen[19][1:] == tuple(each + 1 for each in everyone[1:]), "and again five minutes later"
    assert seen[29][1] > seen[24][1] > seen[19][1], "without end"


def test_a_jump_of_the_clock_climbs_one_tier_and_no_more(
    house: House, maria: Phone, okafor: Phone, lind: Phone, prado: Phone
) -> None:
    found(house, maria, CRISIS)
    house.skip_to(house.now + timedelta(hours=2))
    assert only(house).tier == 2 and len(lind.bubbles) == 1 and not prado.bubbles


def test_a_clock_set_back_never_starves_an_alert(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    house.skip_to(house.now - timedelta(hours=2))
    assert len(okafor.bubbles) == 2
    house.skip_to(house.now + timedelta(minutes=2))
    assert len(okafor.bubbles) == 3


def test_an_empty_first_tier_is_skipped_at_once_and_the_coordinator_is_told(
    house: House, maria: Phone, lind: Phone
) -> None:
    coordinator = house.phone()
    with house.looking() as tx:
        member = people.add(tx, "demo", "Ada", Role.COORDINATOR, house.now)
        people.link_chat(tx, member, coordinator.chat_id, house.now)
    alert = found(house, maria, CRISIS)
    assert alert.tier == 2 and "EMERGENCY" in lind.screen
    assert "Rota gap" in coordinator.everything and "first on call" in coordinator.everything


def test_a_dead_chat_pages_the_next_person_in_the_same_moment(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found_but_not_carried(house, maria, CRISIS)
    assert fail_pages(house) == 1
    alert = only(house)
    assert alert.tier == 2
    assert [each.state for each in pages(house, alert)] == [PageState.FAILED, PageState.PENDING]
    house.carry()
    assert "EMERGENCY" in lind.screen


def test_a_dead_chat_uses_the_same_persons_next_channel_first(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    _give_channel(house, "Dr. Okafor", "ntfy", "ntfy://pager")
    found_but_not_carried(house, maria, CRISIS)
    fail_pages(house)
    assert [(each.tier, each.channel, each.state) for each in pages(house, only(house))] == [
        (1, "telegram", "failed"),
        (1, "ntfy", "pending"),
    ]
    outside = queued(house, OutboxKind.PAGE, "apprise")
    assert len(outside) == 1


def test_when_every_chat_is_dead_it_goes_on_and_says_that_nobody_was_reached(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found_but_not_carried(house, maria, CRISIS)
    for _ in range(6):
        fail_pages(house)
    alert = only(house)
    assert alert.nobody_reached and alert.state == AlertState.OPEN
    assert alert.next_action_at is not None and alert.next_action_at <= house.now + timedelta(minutes=5)


def test_a_refused_token_does_not_make_a_hot_loop(house: House, maria: Phone, okafor: Phone) -> None:
    found_but_not_carried(house, maria, CRISIS)
    rounds = 0
    while fail_pages(house, Failure.DEAD_CHANNEL):
        rounds += 1
        assert rounds < 6, "pages that fail must wait for the clock, not for each other"
    assert only(house).nobody_reached


def test_the_second_channel_joins_after_two_minutes(house: House, maria: Phone, okafor: Phone) -> None:
    _give_channel(house, "Dr. Okafor", "ntfy", "ntfy://pager")
    found(house, maria, CRISIS)
    assert queued(house, OutboxKind.PAGE, "apprise") == []
    house.skip_to(house.now + timedelta(minutes=2))
    assert len(queued(house, OutboxKind.PAGE, "apprise")) == 1


def test_one_person_in_every_tier_does_not_hold_the_alert_to_herself(
    house: House, maria: Phone, okafor: Phone
) -> None:
    colleague = house.phone()
    with house.looking() as tx:
        same = tx.scalars(select(Staff)).one()
        for tier in (2, 3):
            span = {"starts_at": house.now - timedelta(days=1), "ends_at": house.now + timedelta(days=1)}
            people.add_shift(tx, "demo", tier=tier, staff_id=same.id, now=house.now, **span)
        other = people.add(tx, "demo", "Off Duty", Role.CLINICIAN, house.now)
        people.link_chat(tx, other, colleague.chat_id, house.now)
    found(house, maria, CRISIS)
    house.skip_to(house.now + timedelta(minutes=5))
    assert "EMERGENCY" in colleague.screen


def test_further_words_join_the_open_alert_and_page_again_only_when_worse(
    house: House, maria: Phone, okafor: Phone
) -> None:
    first = found(house, maria, IDEATION)
    for _ in range(50):
        found(house, maria, IDEATION)
    assert [each.id for each in house.alerts()] == [first.id]
    assert only(house).joined == 50
    assert len(okafor.bubbles) == 1
    worse = found(house, maria, CRISIS)
    assert worse.id == first.id and worse.level == "emergency"
    assert len(okafor.bubbles) == 2 and "EMERGENCY" in okafor.screen


def test_the_same_list_of_numbers_is_not_pushed_twice_running(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    first = maria.screen
    house.now += timedelta(minutes=5)
    found(house, maria, CRISIS)
    assert maria.screen != first and "You can keep writing here" in maria.screen
    house.now += timedelta(minutes=90)
    found(house, maria, CRISIS)
    assert maria.screen == first


def test_calmer_words_lower_and_close_nothing(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    alert = found(house, maria, RESTLESS)
    assert (alert.level, alert.state) == ("emergency", AlertState.OPEN)


def test_worse_words_on_a_claimed_alert_open_it_again_and_page_claimer_and_on_call(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, IDEATION)
    lind.says("/alerts")
    lind.taps("URGENT")
    lind.taps("I have this")
    before = len(lind.bubbles), len(okafor.bubbles)
    alert = found(house, maria, CRISIS)
    assert alert.state == AlertState.OPEN and alert.claimed_by is None
    assert (len(lind.bubbles), len(okafor.bubbles)) == (before[0] + 1, before[1] + 1)


def test_urgent_unclaimed_for_two_hours_is_treated_as_an_emergency(
    house: House, maria: Phone, okafor: Phone, lind: Phone, prado: Phone
) -> None:
    found(house, maria, IDEATION)
    house.wait(minutes=30)
    assert only(house).tier == 2
    house.wait(minutes=30)
    assert only(house).tier == 3 and only(house).level == "urgent"
    house.wait(minutes=60)
    assert only(house).level == "emergency"
    house.wait(minutes=10)
    assert only(house).tier == 4


@pytest.mark.parametrize(
    ("hour", "due_hour", "days"),
    [
        pytest.param(10, 17, 0, id="in the morning: by close"),
        pytest.param(16, 12, 1, id="in the last two hours: noon of the next clinic day"),
        pytest.param(20, 12, 1, id="in the evening: noon of the next clinic day"),
        pytest.param(6, 12, 0, id="before opening: noon today"),
    ],
)
def test_same_day_reaches_the_lead_when_nobody_took_it_in_time(
    house: House, maria: Phone, okafor: Phone, prado: Phone, hour: int, due_hour: int, days: int
) -> None:
    house.skip_to(house.local(hour, days=1))
    due = house.local(due_hour, days=days)
    found(house, maria, SLEEPLESS)
    house.until(due - timedelta(minutes=5))
    assert "SAME DAY" in okafor.everything and "SAME DAY" not in prado.everything
    house.until(due + timedelta(minutes=5))
    assert "SAME DAY" in prado.everything


def test_same_day_at_night_wakes_nobody_before_the_clinic_opens(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.skip_to(house.local(22))
    found(house, maria, SLEEPLESS)
    house.until(house.local(7, 50, days=1))
    assert "SAME DAY" not in okafor.everything
    house.until(house.local(8, 5))
    assert "SAME DAY" in okafor.everything


def test_watch_never_pages_and_stays_on_the_list(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, RESTLESS)
    for _ in range(8):
        house.skip_to(house.now + timedelta(days=1))
    assert "WATCH" not in okafor.everything
    okafor.says("/today")
    assert okafor.has_button("WATCH K-0001 · 10:00 · –")


def test_two_same_day_findings_that_include_substances_are_urgent_together(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, SLEEPLESS)
    house.now += timedelta(hours=3)
    alert = found(house, maria, CO_USE)
    assert alert.level == "urgent"
    assert house.rules() == ["INS-1", "SUB-3", "TWO-1"]
    found(house, maria, CO_USE)
    assert house.rules().count("TWO-1") == 1


def test_two_same_day_findings_a_day_apart_are_not(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, SLEEPLESS)
    house.now += timedelta(hours=25)
    assert found(house, maria, CO_USE).level == "same_day"


def test_the_direct_question_is_asked_and_yes_is_an_emergency(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, Finding("SUI-5", Level.SAME_DAY, words=("done with it all",), told="M5", asks=True))
    assert "thoughts of killing yourself right now" in maria.screen
    maria.taps("Yes")
    assert only(house).level == "emergency" and "988" in maria.screen


def test_no_to_the_direct_question_lowers_nothing_and_stops_its_clock(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, Finding("SUI-5", Level.SAME_DAY, told="M5", asks=True))
    maria.taps("No")
    house.wait(minutes=70)
    assert only(house).level == "same_day" and only(house).state == AlertState.OPEN


def test_an_hour_of_silence_after_the_direct_question_is_one_level_up(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, Finding("SUI-5", Level.SAME_DAY, told="M5", asks=True))
    house.wait(minutes=55)
    assert only(house).level == "same_day"
    house.wait(minutes=5)
    assert only(house).level == "urgent"
    house.wait(minutes=60)
    assert house.rules().count("SUI-9") == 1, "silence counts once"


def test_another_patient_cannot_answer_the_question(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, Finding("SUI-5", Level.SAME_DAY, told="M5", asks=True))
    _, button = maria.button("Yes")
    other = house.enrolled()
    other.presses(button.data)
    assert only(house).level == "same_day"


def test_conduct_in_treatment_is_for_the_lead_alone(
    house: House, maria: Phone, okafor: Phone, prado: Phone
) -> None:
    found(house, maria, CONDUCT)
    assert "K-0001" in prado.screen and "K-0001" not in okafor.everything
    okafor.says("/alerts")
    assert okafor.screen == "No open alerts."
    _, button = prado.button("I have this")
    okafor.presses(button.data)
    assert only(house).state == AlertState.OPEN


def test_conduct_and_a_crisis_in_one_message_are_two_alerts(
    house: House, maria: Phone, okafor: Phone, prado: Phone
) -> None:
    found(house, maria, CRISIS, CONDUCT)
    assert sorted(each.rule_id for each in house.alerts()) == ["BND-1", "SUI-1"]
    assert "conduct" not in okafor.everything and "conduct" in prado.everything


def test_old_words_say_their_age_on_the_page(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS, written_ago=timedelta(hours=26, minutes=10))
    assert "26 h 10 min" in okafor.screen


def test_every_alert_leaves_its_trail(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    okafor.taps("Resolve")
    okafor.taps("Spoke, no further step")
    for action in ("alert.raised", "alert.paged", "alert.claimed", "alert.contacted", "alert.resolved"):
        assert len(audited(house, action)) == 1, action


def test_a_storm_is_one_digest_a_person_but_each_patients_first_page_is_its_own(
    house: House, okafor: Phone
) -> None:
    patients = [house.enrolled() for _ in range(6)]
    for each in patients:
        found(house, each, CRISIS)
    assert len(okafor.bubbles) == 6
    house.skip_to(house.now + timedelta(minutes=2))
    assert len(okafor.bubbles) == 7
    assert "6 alerts" in okafor.screen and "6 EMERGENCY" in okafor.screen
    repeats = [each for alert in house.alerts() for each in pages(house, alert) if each.loop == 2]
    assert len(repeats) == 6 and {each.state for each in repeats} == {PageState.SENT}


def _give_channel(house: House, name: str, channel: str, address: str) -> None:
    with house.looking() as tx:
        staff = tx.scalars(select(Staff).where(col(Staff.name) == name)).one()
        people.add_contact(tx, staff.id, channel, address, house.now)
