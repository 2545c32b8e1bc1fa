"""Two people at the same instant, and people and buttons whose time is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import update
from sqlmodel import col

from bot.flows.clinic import Clinic
from bot.flows.replies import receive_reply
from bot.flows.staff_cards import data
from bot.message import Reply, ReplyKind
from storage import inbox
from storage.database import Database
from storage.tables import AlertState, Role, Staff
from storage.vault import Vault
from tests.flows.alarm import CONDUCT, CRISIS, audited, found, only
from tests.flows.clinic_night import MASTER_KEY, House, Phone


def tap_together(house: House, *replies: Reply) -> None:
    """Let each reply be handled by a program of its own, all beginning at the same instant."""
    together = Barrier(len(replies))

    def handle(reply: Reply) -> None:
        db = Database.open(house.url, Vault([MASTER_KEY]))
        db.run(lambda tx: inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, house.now))
        together.wait(timeout=30)
        receive_reply(Clinic(db, house.content), reply, house.now)
        db.close()

    with ThreadPoolExecutor(len(replies)) as hands:
        list(hands.map(handle, replies))
    house.carry()


def claims(house: House, alert_id: str, *phones: Phone) -> list[Reply]:
    press = {"data": data("claim", alert_id), "callback_id": "callback", "message_id": 1}
    return [house.reply(each, ReplyKind.TAP, **press) for each in phones]


def test_of_two_who_press_at_the_same_instant_one_has_it_and_the_other_hears_who(
    house: House, okafor: Phone
) -> None:
    lind = house.clinician("Jonas Lind", tier=2)
    for _ in range(4):
        alert = found(house, house.enrolled(), CRISIS)
        okafor.notices.clear()
        lind.notices.clear()
        tap_together(house, *claims(house, alert.id, okafor, lind))
        (mine,) = (each for each in (okafor, lind) if "It is yours" in each.notices[-1])
        (late,) = (each for each in (okafor, lind) if each is not mine)
        assert late.notices[-1] == f"{mine.name} has it."
        assert only(house).state == AlertState.CLAIMED
    assert len(audited(house, "alert.claimed")) == len(audited(house, "alert.claim_refused")) == 4


def test_one_press_handled_by_two_programs_counts_once(house: House, maria: Phone, okafor: Phone) -> None:
    alert = found(house, maria, CRISIS)
    (press,) = claims(house, alert.id, okafor)
    tap_together(house, press, press)
    assert len(audited(house, "alert.claimed")) == 1 and audited(house, "alert.claim_refused") == []


def test_a_lead_who_is_lead_no_more_gets_no_further_page_of_an_alert_for_leads(
    house: House, maria: Phone
) -> None:
    former = house.clinician("Dr. Prado", tier=3, role=Role.LEAD)
    other = house.clinician("Dr. Adler", tier=2, role=Role.LEAD)
    found(house, maria, CONDUCT)
    seen = len(former.log)
    with house.looking() as tx:
        tx.execute(update(Staff).where(col(Staff.name) == former.name).values(role=Role.CLINICIAN))
    house.wait(minutes=60)
    assert len(former.log) == seen
    assert "URGENT" in other.screen


def test_a_button_from_last_year_says_how_it_ended_and_changes_nothing(
    house: House, maria: Phone, okafor: Phone
) -> None:
    alert = found(house, maria, CRISIS)
    okafor.taps("I have this")
    okafor.taps("Resolve")
    okafor.presses(data("out", alert.id, "spoke"))
    closed = only(house)
    house.now += timedelta(days=365)
    for verb in ("claim", "contacted", "no_answer", "hand"):
        okafor.presses(data(verb, alert.id))
        assert "closed" in okafor.notices[-1].lower()
    assert only(house) == closed
