"""The record in staff chat: a chart is a protected picture with words, /today names who needs a look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import select

from bot.care.level import Finding, Level
from bot.content import Content, load_content
from bot.flows import look
from bot.flows.alerts import raise_findings
from bot.message import OutgoingKind, ReplyKind
from storage import alerts, outbox
from storage.tables import Alert, AlertState, Audit, Outbox, OutboxKind, Role, Staff
from tests.flows.clinic_night import Bubble, House, Phone


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def house(database_url: str, content: Content) -> Iterator[House]:
    night = House(database_url, content)
    yield night
    night.close()


@pytest.fixture
def okafor(house: House) -> Phone:
    return house.clinician("Dr. Okafor")


@pytest.fixture
def maria(house: House) -> Phone:
    return house.enrolled()


def test_a_chart_is_a_protected_picture_with_its_words_and_on_record(
    house: House, maria: Phone, okafor: Phone
) -> None:
    house.treated(maria)
    okafor.says(f"/chart {maria.code}")

    with house.looking() as tx:
        (row,) = tx.exec(select(Outbox).where(Outbox.kind == OutboxKind.DOCUMENT)).all()
        assert row.patient_id is not None, "sealed under the patient's key"
        photo = outbox.read_outgoing(tx, row)
        actions = [line.action for line in tx.exec(select(Audit))]
    assert photo.kind is OutgoingKind.PHOTO
    assert photo.protect
    assert photo.file_bytes.startswith(b"\x89PNG")
    assert maria.code in photo.text
    assert len(photo.text) <= 1024
    assert "patient.chart_shown" in actions


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_help_names_the_chart_and_the_raised_dose(house: House, okafor: Phone, language: str) -> None:
    okafor.says(f"/language {language}")
    okafor.says("/help")
    assert "/chart C" in okafor.screen and ("raised" in okafor.screen or "subida" in okafor.screen)


@pytest.mark.parametrize("code", ["K-9999", "", "' OR 1=1 --"])
def test_a_chart_of_nobody_is_refused_in_words(house: House, okafor: Phone, code: str) -> None:
    okafor.says(f"/chart {code}")
    with house.looking() as tx:
        assert tx.exec(select(Outbox).where(Outbox.kind == OutboxKind.DOCUMENT)).all() == []
    assert okafor.screen


def test_a_patients_history_is_a_picture_in_their_own_words(house: House, okafor: Phone) -> None:
    rosa = house.enrolled("es")
    house.treated(rosa)
    house.skip_to(house.local(8, 5, days=1))
    for _ in range(12):
        if rosa.has_button("0"):
            rosa.taps("0")
    with house.talking(rosa) as talk:
        raise_findings(
            talk.clinic,
            talk.tx,
            talk.patient,
            (Finding("SE-1", Level.URGENT),),
            house.now,
            replied_at=house.now,
        )
    before = len(rosa.bubbles)
    rosa.says("/history")
    ((picture, words),) = rosa.pictures
    assert picture.startswith(b"\x89PNG")
    assert words.startswith("Gráfico del") and "Pesadillas" in words and "Tratamientos: 3 mar" in words
    for hidden in (rosa.code, "SE-1", "urgente", "PCL", "Alertas"):
        assert hidden not in words
    assert "Sus últimas respuestas:" in rosa.screen and len(rosa.bubbles) == before + 1
    rosa.presses("y:5")
    assert len(rosa.pictures) == 1, "earlier answers bring no second picture"


def test_a_history_without_a_rating_is_words_alone(house: House, maria: Phone) -> None:
    house.treated(maria)
    maria.says("/history")
    assert maria.pictures == [] and "not answered anything yet" in maria.screen


def test_nobody_else_sees_a_patients_history(house: House, maria: Phone, okafor: Phone) -> None:
    house.treated(maria)
    stranger = house.phone()
    for phone in (stranger, okafor):
        phone.says("/history")
        assert phone.pictures == []


def test_today_names_who_is_due(house: House, maria: Phone, okafor: Phone) -> None:
    house.treated(maria)
    okafor.says("/today")
    assert maria.code in okafor.everything
    assert "Due in the next" in okafor.everything


def raised(house: House, patient: Phone, level: Level) -> str:
    """Raise an alert of this level about a patient; return its id."""
    with house.talking(patient) as talk:
        finding = Finding("SE-1", level)
        raise_findings(talk.clinic, talk.tx, talk.patient, (finding,), house.now, replied_at=house.now)
        return alerts.unresolved(talk.tx, "demo", patient_id=talk.patient.id)[0].id


def test_one_tap_on_the_reading_list_closes_what_was_to_watch(
    house: House, maria: Phone, okafor: Phone
) -> None:
    alert_id = raised(house, maria, Level.WATCH)
    okafor.says("/today")
    okafor.taps("✓ Reviewed")

    with house.looking() as tx:
        alert = tx.get_one(Alert, alert_id)
        assert (alert.state, alert.outcome, alert.reviewed_at) == ("resolved", "reviewed", house.now)
        assert alert.resolved_by
        assert "alert.reviewed" in [line.action for line in tx.exec(select(Audit))]
    okafor.says("/today")
    assert not okafor.screen.count("To read today")
    okafor.presses(f"r:{alert_id}")
    assert "closed" in okafor.notices[-1].lower(), "a second press says who closed it"


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_was_reviewed_is_marked_on_the_list_and_loses_its_button(
    house: House, maria: Phone, okafor: Phone, language: str
) -> None:
    words = house.content.wording(language)
    okafor.says(f"/language {language}")
    other = house.enrolled()
    first, second = raised(house, maria, Level.WATCH), raised(house, other, Level.SAME_DAY)
    okafor.says("/today")
    listed = okafor._newest()[0]
    intro = listed.text.rpartition("\n\n")[0]
    assert f"r:{first}" in pressable(listed) and f"r:{second}" in pressable(listed)
    okafor.presses(f"r:{first}", listed.message_id)
    assert f"r:{first}" not in pressable(listed) and f"r:{second}" in pressable(listed)
    assert listed.text == f"{intro}\n\n{words.say('staff.today.head', count=1)}"
    marked = next(button for row in listed.buttons for button in row if first in button.data)
    assert marked.text.startswith("✓ ") and maria.code in marked.text
    okafor.presses(f"r:{second}", listed.message_id)
    assert listed.text == f"{intro}\n\n{words.say('staff.today.none')}"
    assert not [data for data in pressable(listed) if data.startswith("r:")]


def test_a_forged_review_changes_no_other_message(house: House, maria: Phone, okafor: Phone) -> None:
    alert_id = raised(house, maria, Level.WATCH)
    okafor.says("/help")
    before = okafor.screen
    okafor.presses(f"r:{alert_id}")
    assert okafor.screen == before


def pressable(bubble: Bubble) -> list[str]:
    return [button.data for row in bubble.buttons for button in row]


def test_a_same_day_alert_that_was_reviewed_is_taken_and_not_closed(
    house: House, maria: Phone, okafor: Phone
) -> None:
    alert_id = raised(house, maria, Level.SAME_DAY)
    okafor.says("/today")
    okafor.taps("✓ Reviewed")

    with house.looking() as tx:
        alert = tx.get_one(Alert, alert_id)
        assert alert.state == AlertState.CLAIMED, "reading is not yet doing"
        assert alert.reviewed_at == house.now
        assert alert.outcome == ""
    okafor.says("/today")
    assert "Nothing to read today." in okafor.screen
    okafor.says("/alerts")
    assert any(maria.code in button.text for row in okafor._newest()[0].buttons for button in row)


@pytest.mark.parametrize("level", [Level.URGENT, Level.EMERGENCY])
def test_what_is_urgent_is_not_reviewed_away(house: House, maria: Phone, okafor: Phone, level: Level) -> None:
    alert_id = raised(house, maria, level)
    okafor.presses(f"r:{alert_id}")
    with house.looking() as tx:
        alert = tx.get_one(Alert, alert_id)
        assert (alert.state, alert.reviewed_at) == ("open", None)


def test_whoever_left_reviews_nothing_with_an_old_button(house: House, maria: Phone, okafor: Phone) -> None:
    alert_id = raised(house, maria, Level.WATCH)
    okafor.says("/today")
    with house.looking() as tx:
        for member in tx.exec(select(Staff)):
            member.active = False
            tx.add(member)
    okafor.taps("✓ Reviewed")
    with house.looking() as tx:
        assert tx.get_one(Alert, alert_id).reviewed_at is None


def test_an_opening_fills_the_message_and_goes_out_as_it_is(
    house: House, maria: Phone, okafor: Phone
) -> None:
    okafor.says(f"/write {maria.code}")
    okafor.taps("Ask how they are")
    assert "How are you now?" in okafor.screen
    assert "How are you now?" not in maria.everything, "nothing goes out before it is sent"
    okafor.taps("Send as it is")
    assert "How are you now?" in maria.screen
    okafor.taps("Send as it is")
    assert maria.everything.count("How are you now?") == 1


def test_an_opening_goes_out_with_what_was_added_in_the_patients_language(
    house: House, okafor: Phone
) -> None:
    rosa = house.enrolled("es")
    okafor.says(f"/write {rosa.code}")
    okafor.taps("Ask how they are")
    okafor.says("Soy la doctora Okafor.")
    assert "¿Cómo está ahora?\nSoy la doctora Okafor." in rosa.screen


def test_coordinators_get_the_week_once_on_monday_at_eight(house: House, maria: Phone) -> None:
    ann = house.clinician("Ann", tier=2, role=Role.COORDINATOR)
    house.tick()  # a Tuesday: the first look at this site, so there is no week yet
    house.skip_to(house.local(7, 59, days=6))
    assert "The week" not in ann.everything
    house.skip_to(house.local(8))
    assert ann.everything.count("The week") == 1
    house.wait(hours=3)
    assert ann.everything.count("The week") == 1
    house.skip_to(house.local(9, days=8))
    assert ann.everything.count("The week") == 2, "late after an outage, it still comes"


def test_a_chart_is_drawn_while_others_write(house: House, maria: Phone, okafor: Phone) -> None:
    """What takes long is done without the lock: another transaction gets through while it is done."""
    house.treated(maria)
    reply = house.reply(okafor, ReplyKind.TEXT, text=f"/chart {maria.code}")
    with house.clinic() as clinic, clinic.db.transaction():
        seen = look.ahead(clinic, reply, house.now)
    assert seen is not None
    assert seen.picture.startswith(b"\x89PNG")
