"""What staff do in their chat: taking an alert, looking, reaching the patient, closing; what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.level import Finding, Level
from bot.flows import tick
from bot.flows.staff_cards import data
from bot.message import ReplyKind
from storage import inbox, outbox, patients
from storage import staff as people
from storage.tables import AlertState, Contact, Inbox, Lane, OutboxKind, Role, Site, Staff, Treatment
from storage.vault import unseal
from tests.flows.alarm import CRISIS, audited, found, found_but_not_carried, only, queued
from tests.flows.clinic_night import House, Phone


@pytest.fixture
def lind(house: House) -> Phone:
    return house.clinician("Jonas Lind", tier=2)


def with_role(house: House, name: str, role: Role) -> Phone:
    """A member of staff who is not on call."""
    phone = house.phone()
    phone.name = name
    with house.looking() as tx:
        patients.site_row(tx, "demo")
        member = people.add(tx, "demo", name, role, house.now, zone="America/Chicago")
        people.link_chat(tx, member, phone.chat_id, house.now)
    return phone


def test_whoever_opens_a_staff_invite_joins_with_its_role_and_sees_the_commands(house: House) -> None:
    code = house.invite_clinician("Dr. Okafor")
    phone = house.phone(language="es")
    phone.says(f"/start {code}")
    assert "Dr. Okafor" in phone.screen and "personal clínico" in phone.screen
    assert "alerts" in phone.menu and "treated" in phone.menu
    phone.says("/oncall")
    assert "NADIE" in phone.screen
    other = house.phone()
    other.says(f"/start {code}")
    assert "alerts" not in other.menu, "an invite works once"


def test_i_have_this_is_one_persons_and_everybody_else_sees_who(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    house.skip_to(house.now + timedelta(minutes=5))
    okafor.taps("I have this")
    assert "yours for 15 minutes" in okafor.notices[-1]
    assert "You have this, since" in okafor.screen
    assert "Dr. Okafor has this" in lind.screen and not lind.has_button("I have this")
    assert "Dr. Okafor from the clinic has read" in maria.screen
    lind.presses(data("claim", only(house).id))
    assert lind.notices[-1] == "Dr. Okafor has it."
    assert only(house).claimed_by == _staff_id(house, "Dr. Okafor")


def test_a_page_still_waiting_is_not_sent_once_somebody_has_it(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    alert = found(house, maria, CRISIS)
    with house.clinic() as clinic:
        house.now += timedelta(minutes=5)
        tick.tick(clinic, house.now)
    okafor.presses(data("claim", alert.id))
    assert not any("Nobody has this yet" in each.text for each in lind.bubbles.values())


def test_a_claim_without_contact_is_taken_back_and_both_are_paged(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    lind.presses(data("claim", only(house).id))
    before = len(lind.bubbles), len(okafor.bubbles)
    house.wait(minutes=10)
    assert (len(lind.bubbles), len(okafor.bubbles)) == before
    house.wait(minutes=5)
    assert only(house).state == AlertState.OPEN and only(house).claimed_by is None
    assert len(lind.bubbles) == before[0] + 1 and len(okafor.bubbles) == before[1] + 1
    assert len(audited(house, "alert.claim_ran_out")) == 1


def test_contact_holds_the_claim_and_an_unresolved_alert_is_asked_about(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    house.wait(minutes=60)
    assert only(house).state == AlertState.CLAIMED and only(house).contact == "contacted"
    house.wait(hours=4)
    assert only(house).state == AlertState.CLAIMED
    assert "record how it ended" in okafor.screen


def test_no_answer_renews_the_claim_once_and_its_clock_goes_on(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    house.wait(minutes=10)
    okafor.taps("No answer")
    house.wait(minutes=10)
    assert only(house).state == AlertState.CLAIMED
    house.wait(minutes=10)
    assert only(house).state == AlertState.OPEN


def test_handing_over_pages_the_colleague_and_the_clock_runs_until_they_take_it(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Hand over")
    okafor.taps("Jonas Lind")
    assert only(house).state == AlertState.OPEN and lind.has_button("I have this")
    lind.taps("I have this")
    assert only(house).claimed_by == _staff_id(house, "Jonas Lind")


def test_handing_over_to_somebody_who_has_left_is_refused_and_it_stays(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Hand over")
    _leaves(house, "Jonas Lind")
    okafor.taps("Jonas Lind")
    assert only(house).state == AlertState.CLAIMED
    assert "cannot take it" in okafor.notices[-1]


def test_closing_asks_whether_the_patient_was_reached_and_how_it_ended(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Resolve")
    assert "Did you reach them?" in okafor.screen
    okafor.taps("Close without contact")
    okafor.taps("False alarm")
    alert = only(house)
    assert (alert.state, alert.outcome, alert.false_alarm) == (AlertState.RESOLVED, "false_alarm", True)
    assert audited(house, "alert.resolved")[0].details["without_contact"] is True


def test_something_else_is_not_closed_without_words_and_long_words_are_kept_whole(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    okafor.taps("Resolve")
    okafor.taps("Something else, in words")
    assert only(house).state == AlertState.CLAIMED
    words = "Talked for an hour. " * 500
    okafor.says(words)
    alert = only(house)
    with house.looking() as tx:
        assert unseal(tx, tx.merge(alert), "outcome_sealed") == words
    assert alert.state == AlertState.RESOLVED
    assert "10000 characters" in okafor.screen


def test_a_closed_alert_is_opened_again_as_a_new_one_that_follows_it(
    house: House, maria: Phone, okafor: Phone
) -> None:
    first = found(house, maria, CRISIS)
    for press in ("I have this", "Patient contacted", "Resolve", "Spoke, no further step"):
        okafor.taps(press)
    okafor.taps("Open again")
    again = only(house)
    assert again.reopens == first.id and again.state == AlertState.OPEN
    okafor.presses(data("reopen", first.id))
    assert len(house.alerts()) == 2, "the same press twice opens one"


def test_the_cards_of_an_alert_that_was_opened_again_say_so_on_every_phone(
    house: House, maria: Phone, okafor: Phone
) -> None:
    lind = house.clinician("Jonas Lind", tier=2)
    first = found(house, maria, CRISIS)
    house.wait(minutes=5)
    old = max(lind.bubbles)
    for press in ("I have this", "Patient contacted", "Resolve", "Spoke, no further step"):
        okafor.taps(press)
    okafor.taps("Open again")
    assert "a newer alert follows" in lind.bubbles[old].text and not lind.bubbles[old].buttons
    lind.presses(data("reopen", first.id))
    assert lind.notices[-1] == "Nobody has this yet.", "never that somebody has what nobody has"
    lind.taps("I have this")
    assert only(house).state == AlertState.CLAIMED, "and the card to take it on is there"
    okafor.presses(data("reopen", first.id))
    assert okafor.notices[-1] == "Jonas Lind has it."


def test_what_was_closed_is_not_opened_again_beside_a_newer_alert_as_urgent(
    house: House, maria: Phone, okafor: Phone
) -> None:
    first = found(house, maria, CRISIS)
    for press in ("I have this", "Patient contacted", "Resolve", "Spoke, no further step"):
        okafor.taps(press)
    newer = found(house, maria, CRISIS)
    okafor.presses(data("reopen", first.id))
    assert only(house).id == newer.id and len(house.alerts()) == 2


def test_the_reply_is_shown_in_private_protected_and_with_an_audit_line(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("Show the reply")
    assert "I loaded it" in okafor.screen
    assert len(audited(house, "reply.shown")) == 1
    with house.looking() as tx:
        shown = queued(house, OutboxKind.RELAY)[-1]
        assert outbox.read_outgoing(tx, tx.merge(shown)).protect


def test_in_a_group_the_reply_is_not_shown(house: House, maria: Phone, okafor: Phone) -> None:
    alert = found(house, maria, CRISIS)
    group = {"data": data("show", alert.id), "callback_id": "x", "private": False, "chat_id": -100}
    house.receive(okafor, ReplyKind.TAP, **group)
    assert not audited(house, "reply.shown") and len(audited(house, "tap.refused")) == 1


def test_words_go_both_ways_and_are_kept(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Write to the patient")
    okafor.says("I am calling you now, please pick up.")
    assert "I am calling you now" in maria.screen
    maria.says("ok thanks")
    assert "ok thanks" in okafor.everything
    assert [each.incoming for each in house.messages()] == [False, True]


@pytest.mark.parametrize("command", ["/stop", "/pause"])
def test_a_patient_who_cannot_be_written_to_is_said_at_once_with_the_phone_as_next_step(
    house: House, maria: Phone, okafor: Phone, command: str
) -> None:
    with house.looking() as tx:
        patient = tx.merge(house.patient(maria))
        patient.status = "withdrawn" if command == "/stop" else "unreachable"
    okafor.says("/write K-0001 are you there?")
    assert "cannot be written to" in okafor.screen and "call them" in okafor.screen
    assert "are you there" not in maria.everything


@pytest.mark.parametrize("change", ["left", "other site", "removed from the audience"])
def test_every_press_is_authorised_again_at_that_moment(
    house: House, maria: Phone, okafor: Phone, lind: Phone, change: str
) -> None:
    rule = Finding("BND-1", Level.URGENT, told="M4") if change == "removed from the audience" else CRISIS
    if change == "removed from the audience":
        _set(house, "Dr. Okafor", role="lead")
    alert = found(house, maria, rule)
    if change == "left":
        _leaves(house, "Dr. Okafor")
    elif change == "other site":
        with house.looking() as tx:
            tx.add(Site(id="north"))
        _set(house, "Dr. Okafor", site_id="north")
    else:
        _set(house, "Dr. Okafor", role="clinician")
    okafor.presses(data("claim", alert.id))
    assert only(house).state == AlertState.OPEN


def test_a_patient_who_presses_a_forwarded_page_changes_nothing(
    house: House, maria: Phone, okafor: Phone
) -> None:
    alert = found(house, maria, CRISIS)
    for verb in ("claim", "show", "resolve"):
        maria.presses(data(verb, alert.id))
    assert only(house).state == AlertState.OPEN and "I loaded it" not in maria.everything
    maria.says("/alerts")
    assert "EMERGENCY" not in maria.screen


@pytest.mark.parametrize(
    "pressed",
    ["a:claim:nosuchalert", "a:fly:x", "a", "a:claim", "zz", "a:out:x:y", "k:test:x", "t:cancel:x", ""],
)
def test_forged_and_stale_buttons_are_refused_in_words(house: House, okafor: Phone, pressed: str) -> None:
    okafor.presses(pressed)
    assert "not possible" in okafor.notices[-1]


def test_someone_who_leaves_during_an_escalation_breaks_nothing(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    okafor.taps("I have this")
    _leaves(house, "Dr. Okafor")
    house.wait(minutes=15)
    assert only(house).state == AlertState.OPEN
    assert "EMERGENCY" in lind.screen, "the first tier is empty now: the backup at once"


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        pytest.param("", "2026-03-03 10:00", id="now"),
        pytest.param("9:15", "2026-03-03 09:15", id="a clock time is today's"),
        pytest.param("yesterday 2 pm", "2026-03-02 14:00", id="yesterday"),
        pytest.param("2026-02-27 11:30", "2026-02-27 11:30", id="a date"),
    ],
)
def test_a_treatment_is_recorded_in_the_clinics_own_time(
    house: House, maria: Phone, okafor: Phone, typed: str, at: str
) -> None:
    okafor.says(f"/treated {maria.code} {typed}".strip())
    assert f"treated {at} (America/Chicago)" in okafor.screen
    assert len(house.all(Treatment)) == 1


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        pytest.param("tomorrow 25:00", "There is no such time", id="25 o'clock"),
        pytest.param("2026-02-30 10:00", "There is no such time", id="the 30th of February"),
        pytest.param("2036-03-03 10:00", "more than 60 days away", id="ten years off"),
        pytest.param("2026-03-08 02:30", "skip that time", id="the hour the clocks skip"),
        pytest.param("some time last week", "When was that?", id="words"),
        pytest.param("14", "When was that?", id="a bare number"),
    ],
)
def test_an_unclear_time_is_asked_about_and_nothing_is_guessed(
    house: House, maria: Phone, okafor: Phone, typed: str, answer: str
) -> None:
    okafor.says(f"/treated {maria.code} {typed}")
    assert answer in okafor.screen
    assert house.all(Treatment) == []


def test_a_time_that_comes_twice_is_asked_which(house: House, maria: Phone, okafor: Phone) -> None:
    house.now = house.local(12).replace(year=2026, month=11, day=1)
    okafor.says(f"/treated {maria.code} 2026-11-01 01:30")
    assert "twice" in okafor.screen and house.all(Treatment) == []
    okafor.says(f"/treated {maria.code} 2026-11-01 01:30 second")
    (treatment,) = house.all(Treatment)
    assert isinstance(treatment, Treatment) and (treatment.ended_at.hour, treatment.ended_at.minute) == (
        7,
        30,
    )


@pytest.mark.parametrize(
    ("language", "said", "shown"),
    [
        pytest.param("en", "10:00 raised", "higher than the one before", id="after the time"),
        pytest.param("en", "Higher", "higher than the one before", id="now"),
        pytest.param("es", "hoy 10:00 subida", "mayor que la anterior", id="in Spanish"),
        pytest.param("en", "10:00", None, id="not raised"),
    ],
)
def test_a_raised_daily_dose_is_recorded_and_brings_back_the_home_check(
    house: House, okafor: Phone, language: str, said: str, shown: str | None
) -> None:
    daily = house.enrolled(protocol="daily_low_dose")
    for days in (4, 3, 2, 1):  # past the three first doses, whose home checks come anyway
        house.treated(daily, house.now - timedelta(days=days))
    okafor.says(f"/language {language}")
    okafor.says(f"/treated {daily.code} {said}")
    homes = [each for each in house.check_ins("planned") if each.key == "home"]
    assert shown in okafor.screen if shown else "higher" not in okafor.screen
    assert [each.due_at - house.now for each in homes] == ([timedelta(hours=2)] if shown else [])
    okafor.says(f"/patient {daily.code}")
    assert ("higher dose" in okafor.screen or "dosis mayor" in okafor.screen) is (shown is not None)


def test_that_a_dose_was_raised_can_be_told_afterwards(house: House, okafor: Phone) -> None:
    daily = house.enrolled(protocol="daily_low_dose_stable")
    okafor.says(f"/treated {daily.code} 9:30")
    assert [each for each in house.check_ins() if each.key == "home"] == []
    okafor.says(f"/treated {daily.code} 9:30 raised")
    assert "Already recorded" in okafor.screen and "higher than the one before" in okafor.screen
    assert [each.key for each in house.check_ins("planned") if each.kind == "HOME"] == ["home"]
    okafor.says(f"/treated {daily.code} move 9:00 raised")
    assert "When was that?" in okafor.screen


def test_the_same_treatment_twice_moved_and_taken_back(house: House, maria: Phone, okafor: Phone) -> None:
    okafor.says(f"/treated {maria.code}")
    okafor.says(f"/treated {maria.code}")
    assert "Already recorded" in okafor.screen and len(house.all(Treatment)) == 1
    okafor.says(f"/treated {maria.code} move 8:00")
    assert "Moved" in okafor.screen and "08:00" in okafor.screen
    okafor.says(f"/treated {maria.code} cancel")
    okafor.taps("Yes, it did not happen")
    assert "Taken back" in okafor.screen
    okafor.presses(f"t:cancel:{house.all(Treatment)[0].id}")
    assert "before" in okafor.screen


def test_unknown_erased_and_other_sites_codes_get_the_same_answer(
    house: House, maria: Phone, okafor: Phone
) -> None:
    answers = set()
    okafor.says("/patient K-9999")
    answers.add(okafor.screen)
    with house.looking() as tx:
        tx.add(Site(id="north"))
    other = house.enrolled()
    with house.looking() as tx:
        tx.merge(house.patient(other)).site_id = "north"
    okafor.says(f"/patient {other.code}")
    answers.add(okafor.screen)
    with house.looking() as tx:
        gone = tx.merge(house.patient(maria))
        gone.status, gone.chat_hash, gone.chat_sealed = "erased", None, None
    okafor.says(f"/patient {maria.code}")
    answers.add(okafor.screen)
    okafor.says(f"/treated {maria.code}")
    answers.add(okafor.screen)
    assert answers == {"There is no such patient here."}


def test_a_take_over_wins_and_both_hear_what_is_open(
    house: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    found(house, maria, CRISIS)
    lind.says("/take until 20:00")
    assert "first on call" in lind.screen and "Open alerts: 1" in lind.screen
    assert "Jonas Lind has taken over" in okafor.screen
    house.skip_to(house.now + timedelta(minutes=2))
    assert "EMERGENCY" in lind.screen
    okafor.says("/oncall")
    assert "first on call: Jonas Lind, until Tue 20:00" in okafor.screen


@pytest.mark.parametrize("typed", ["", "until", "soon", "25:00", "2027-01-01 08:00"])
def test_a_take_over_without_a_clear_end_is_asked_about(house: House, okafor: Phone, typed: str) -> None:
    okafor.says(f"/take {typed}")
    assert "Say until when" in okafor.screen


def test_only_clinicians_and_leads_can_be_on_call(house: House) -> None:
    ada = with_role(house, "Ada", Role.COORDINATOR)
    ada.says("/take 20:00")
    assert "Only clinicians and leads" in ada.screen


def test_a_drill_reaches_who_is_on_call_and_silence_tells_the_admin(house: House, okafor: Phone) -> None:
    admin = with_role(house, "Root", Role.ADMIN)
    admin.says("/drill")
    assert "TEST PAGE" in okafor.screen
    okafor.taps("I got it")
    assert "Thank you" in okafor.notices[-1]
    house.wait(minutes=40)
    assert "did not answer" not in admin.everything
    admin.says("/drill")
    house.wait(minutes=35)
    assert "Dr. Okafor did not answer the test page by telegram" in admin.screen


def test_an_address_is_kept_sealed_deleted_from_the_chat_and_tested(house: House, okafor: Phone) -> None:
    okafor.says("/contacts")
    okafor.taps("Add a channel")
    okafor.says("not an address")
    assert "That is no address" in okafor.screen
    okafor.says("ntfy://my-secret-topic")
    assert "2. ntfy" in okafor.screen and "secret" not in okafor.everything
    (contact,) = (each for each in house.all(Contact) if isinstance(each, Contact) and each.channel == "ntfy")
    assert b"secret" not in (contact.address_sealed or b"")
    assert len(queued(house, OutboxKind.PAGE, "apprise")) == 1
    with house.looking() as tx:
        typed, opened = (tx.get(Inbox, ("care", number)) for number in _last_updates(tx))
        assert typed is not None and typed.raw_sealed is None, "the address is nowhere but in the contact"
        assert opened is not None and opened.raw_sealed is not None
    okafor.taps("2 earlier")
    assert "1. ntfy" in okafor.screen


def test_only_they_or_an_admin_with_an_audit_line_change_how_somebody_is_reached(
    house: House, okafor: Phone, lind: Phone
) -> None:
    admin = with_role(house, "Root", Role.ADMIN)
    lind.says("/contacts Dr. Okafor")
    assert "Only an admin" in lind.screen
    lind.presses(f"k:add:{_staff_id(house, 'Dr. Okafor')}")
    assert "not possible" in lind.notices[-1]
    admin.says("/contacts Dr. Okafor")
    admin.taps("Add a channel")
    admin.says("ntfy://topic")
    assert "changed how you are reached" in okafor.everything
    assert audited(house, "contact.added")[0].actor == f"staff:{_staff_id(house, 'Root')}"


def test_inviting_staff_is_for_leads_and_admins(house: House, okafor: Phone) -> None:
    okafor.says("/invite clinician Dr. New")
    assert "Only leads and admins" in okafor.screen
    okafor.says("/invite patient es")
    assert "Invite for K-0001" in okafor.screen
    lead = with_role(house, "Lead", Role.LEAD)
    lead.says("/invite clinician Dr. New")
    assert "Invite for Dr. New" in lead.screen
    lead.says("/invite")
    assert "/invite patient" in lead.screen


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    "command", ["/help", "/oncall", "/alerts", "/today", "/week", "/patients", "/contacts"]
)
def test_every_command_answers_in_the_members_language(
    house: House, maria: Phone, okafor: Phone, command: str, language: str
) -> None:
    okafor.says(f"/language {language}")
    found(house, maria, CRISIS)
    before = len(okafor.bubbles)
    okafor.says(command)
    assert len(okafor.bubbles) > before
    assert "{" not in okafor.everything


def test_the_week_counts_how_fast_alerts_were_met(house: House, maria: Phone, okafor: Phone) -> None:
    found(house, maria, CRISIS, written_ago=timedelta(minutes=3))
    house.now += timedelta(minutes=4)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    okafor.says("/week")
    assert "EMERGENCY: 1 alerts. Paged 3, taken 7, contact 7" in okafor.screen


def test_the_claim_that_comes_with_the_page_in_flight_ends_the_paging(
    house: House, maria: Phone, okafor: Phone
) -> None:
    alert = found_but_not_carried(house, maria, CRISIS)
    okafor.presses(data("claim", alert.id))
    assert only(house).state == AlertState.CLAIMED
    with house.looking() as tx:
        assert outbox.lease(tx, Lane.ALERT, "test", house.now, 10, timedelta(seconds=30)) == []


def _last_updates(tx: Session) -> tuple[int, int]:
    last = inbox.last_update_id(tx, "care") or 0
    return last, last - 1


def _staff_id(house: House, name: str) -> str:
    with house.looking() as tx:
        return tx.scalars(select(Staff.id).where(col(Staff.name) == name)).one()


def _set(house: House, name: str, **values: str) -> None:
    with house.looking() as tx:
        staff = tx.scalars(select(Staff).where(col(Staff.name) == name)).one()
        for key, value in values.items():
            setattr(staff, key, value)


def _leaves(house: House, name: str) -> None:
    with house.looking() as tx:
        tx.scalars(select(Staff).where(col(Staff.name) == name)).one().active = False


@pytest.mark.parametrize(
    ("language", "mine", "closed", "theirs"),
    [
        pytest.param("en", "You have this, since", "Closed by you.", "{name} has this, since", id="English"),
        pytest.param(
            "es", "Se encarga usted, desde", "Cerrada por usted.", "Se encarga {name}, desde", id="Spanish"
        ),
    ],
)
def test_a_card_speaks_to_the_one_who_has_it(
    house: House, maria: Phone, okafor: Phone, language: str, mine: str, closed: str, theirs: str
) -> None:
    lind = house.clinician("Jonas Lind", tier=2)
    for phone in (okafor, lind):
        phone.says(f"/language {language}")
    words = house.content.wording(language)
    found(house, maria, CRISIS)
    house.wait(minutes=6)
    okafor.taps(words.say("staff.button.claim"))
    assert mine in okafor.everything and theirs.format(name="Dr. Okafor") in lind.everything
    okafor.presses(data("claim", only(house).id))
    assert okafor.notices[-1] == words.say("staff.mine.already_claimed")
    okafor.taps(words.say("staff.button.contacted"))
    assert words.say("staff.mine.claimed_contacted", at="#").split("#")[1] in okafor.everything
    okafor.presses(data("out", only(house).id, "spoke"))
    assert closed in okafor.everything
    for phone in (okafor, lind):
        assert "You has" not in phone.everything and "you has" not in phone.everything
