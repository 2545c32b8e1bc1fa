"""Whole nights, told as they happen. Between any two lines the program is stopped and started again."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.message import ReplyKind
from storage import audit
from tests.flows.clinic_night import House, Phone


def test_an_ordinary_first_day_and_night(night: House, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)

    night.until(night.local(12))
    assert "Question 1 of 4" in maria.card().text
    maria.taps("None of these")
    maria.taps("Done")
    maria.taps("Yes")
    maria.says("mild")
    maria.taps("None")
    assert "Your answers are saved" in maria.card().text

    night.until(night.local(16))
    maria.taps("None of these")
    maria.taps("Done")
    maria.taps("Worn out")
    maria.taps("Done")
    maria.taps("Mild")
    maria.says("three I guess")
    assert "3 of 10" in maria.card().text

    night.until(night.local(21, 35))
    said_by_day = len(maria.log)
    night.until(night.local(7, 55, days=1))
    assert len(maria.log) == said_by_day, "the night is quiet"

    night.until(night.local(8))
    for answer in ("1", "4", "6.5", "7", "2"):
        maria.taps(answer)
    maria.taps("None of these")
    maria.taps("Done")
    maria.taps("None")
    maria.taps("Done")
    assert "Your answers are saved" in maria.card().text
    assert not okafor.bubbles, "nobody was woken"
    assert {each.status for each in night.check_ins() if each.due_at < night.now} <= {"answered"}


def test_a_crisis_at_twenty_to_three_reaches_the_backup_when_the_first_sleeps(
    night: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    night.treated(maria)
    night.skip_to(night.local(2, 40, days=1))
    maria.log.clear()

    maria.says("I am going to kill myself tonight")
    assert "988" in maria.everything and "911" in maria.everything
    assert "I don't know how soon they will see it" in maria.everything
    assert maria.code in okafor.screen and "EMERGENCY" in okafor.screen
    assert not lind.bubbles

    night.wait(minutes=5)
    assert maria.code in lind.screen, "after five minutes the backup is paged"

    lind.taps("I have this")
    assert "Jonas Lind has this" in okafor.everything
    paged = len(okafor.log)
    night.wait(minutes=10)
    assert len(okafor.log) == paged, "nobody is paged while somebody has it"

    lind.taps("Patient contacted")
    maria.says("My sister is here with me now.")
    assert night.alerts()[0].state == "claimed", "calm words close nothing"
    night.until(night.local(8, days=1) if night.now.hour > 20 else night.local(8))
    assert "Question 1 of" in maria.card().text, "the morning's check-in comes all the same"


def test_a_claim_that_leads_to_nothing_runs_out_and_everybody_hears_again(
    night: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    maria.says("I am going to kill myself tonight")
    okafor.taps("I have this")
    rung = len(okafor.log)
    night.wait(minutes=20)
    assert night.alerts()[0].state == "open"
    assert len(okafor.log) > rung


def test_a_night_with_nobody_on_call_says_so(night: House, maria: Phone) -> None:
    night.skip_to(night.local(2, days=1))
    maria.says("I am going to kill myself tonight")
    assert "988" in maria.everything and "911" in maria.everything
    assert "on call" not in maria.everything, "nobody is told of a person who is not there"
    alert = night.alerts()[0]
    assert alert.state == "open" and alert.next_action_at is not None


def test_a_rating_and_a_cry_for_help_in_one_line(night: House, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)
    night.skip_to(night.local(8, days=1))
    for answer in ("0", "7", "3"):
        maria.taps(answer)
    maria.says("9, and I took all my pills to end it")
    assert night.responses()["anxiety"].value == 9
    assert night.alerts()[0].level == "emergency"
    assert maria.code in okafor.screen


def test_red_flags_two_hours_after_the_dose(night: House, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)
    night.until(night.local(12))
    maria.taps("Chest pain")
    maria.taps("Done")
    assert "Call 911 now" in maria.everything
    assert "EMERGENCY" in okafor.screen
    assert "2 h since treatment" in okafor.screen


def test_a_voice_message_in_the_night_after_the_dose(night: House, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)
    night.skip_to(night.local(23, 15))
    maria.sends(ReplyKind.VOICE)
    assert "only read typed words" in maria.everything
    assert maria.code in okafor.screen and "URGENT" in okafor.screen


def test_stopping_at_three_in_the_morning(night: House, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)
    night.skip_to(night.local(3, days=1))
    maria.says("/stop")
    said = len(maria.log)
    for _ in range(40):
        night.skip_to(night.now + timedelta(hours=20))
    assert len(maria.log) == said, "stop means stop"
    maria.says("I want to die")
    assert maria.code in okafor.screen, "and yet an urgent word is not lost"


def test_a_spanish_night(night: House, okafor: Phone) -> None:
    rosa = night.walked_through_enrolment("es")
    night.treated(rosa)
    night.skip_to(night.local(8, days=1))
    assert "Pregunta 1 de" in rosa.card().text
    rosa.says("dos")
    rosa.says("siete")
    assert night.responses()["nightmare_distress"].value == 7
    rosa.says("hoy me mato")
    assert "988" in rosa.everything and "911" in rosa.everything
    assert rosa.code in okafor.screen


def test_the_night_the_clocks_go_forward(night: House) -> None:
    night.now = datetime(2026, 3, 7, 14, 0, tzinfo=ZoneInfo("America/Chicago"))
    maria = night.enrolled()
    night.treated(maria)
    night.until(datetime(2026, 3, 8, 8, 0, tzinfo=ZoneInfo("America/Chicago")))
    assert "Sunday 8 March, 08:00" in maria.card().text
    assert night.check_ins("open")[-1].night_on.isoformat() == "2026-03-07"


def test_two_patients_are_never_mixed_up(night: House, okafor: Phone) -> None:
    maria, rosa = night.enrolled(), night.enrolled("es")
    night.treated(maria)
    night.treated(rosa)
    night.skip_to(night.local(8, days=1))
    maria.taps("3")
    rosa.taps("0")
    maria.says("9")
    rosa.says("7")
    mine, hers = night.responses_of(maria), night.responses_of(rosa)
    assert (mine["nightmare_count"].value, mine["nightmare_distress"].value) == (3, 9)
    assert (hers["nightmare_count"].value, hers["sleep_hours"].value) == (0, 7)


def test_the_machine_sleeps_through_the_morning(night: House, maria: Phone) -> None:
    night.treated(maria)
    night.skip_to(night.local(15, days=1))
    morning = next(each for each in night.check_ins() if each.key == "d1-morning")
    assert morning.status == "skipped" and "before it could be sent" in morning.reason
    assert not [each for each in maria.log if "Question" in each], "yesterday's questions are not asked today"


def test_after_all_of_it_the_record_is_whole(night: House, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)
    night.until(night.local(12))
    maria.taps("None of these")
    maria.taps("Done")
    maria.says("I want to die")
    maria.says("no")
    night.wait(hours=3)
    with night.looking() as tx:
        assert audit.verify(tx).broken_at is None


def test_after_stop_not_even_the_claim_or_the_silence_is_told(
    night: House, maria: Phone, okafor: Phone
) -> None:
    maria.says("I want to die")
    maria.says("/stop")
    said = len(maria.log)
    okafor.taps("I have this")
    night.wait(minutes=90)
    assert len(maria.log) == said
    assert night.alerts()[0].state in ("open", "claimed"), "and people still look after it"


def test_the_direct_question_never_comes_without_a_number_to_call(
    night: House, maria: Phone, okafor: Phone
) -> None:
    maria.says("I want to die")
    assert "988" in maria.everything and "911" in maria.everything
    assert "killing yourself right now" in maria.screen
    maria.taps("I'm not sure")
    assert night.alerts()[0].level == "urgent"


def test_silence_after_a_dose_at_home_is_asked_about_and_answered_with_one_tap(
    night: House, okafor: Phone
) -> None:
    maria = night.enrolled(protocol="at_home")
    night.treated(maria)
    night.until(night.local(13, 30))
    assert "Are you OK?" in maria.screen
    assert maria.code in okafor.screen, "silence after a dose at home wakes somebody"
    maria.taps("OK")
    assert night.alerts()[0].state == "open", "a tap closes nothing"
