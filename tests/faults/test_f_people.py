"""F. People and the rota: nobody there, nobody answering, people who left, rotas that change meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from bot.care.policy import Tier, Who
from bot.content import Content
from bot.flows.doctor import examine
from bot.flows.rota import check as check_rota
from bot.message import Failure
from bot.sandbox.running import RunningSandbox
from storage import staff as people
from storage.database import Database
from storage.tables import AlertState, ContactState, Role, Shift, Staff
from tests.faults import oracle
from tests.faults.house import PAGED, House, house
from tests.faults.outside import outside_world, watcher
from tests.flows.alarm import audited, only
from tests.flows.clinic_night import House as Night
from tests.flows.clinic_night import Phone
from tests.rim.parts import until
from tests.rim.running import BACKUP, COORDINATOR, FIRST, FRIGHTENING, LEAD, MAYA, seed

MINUTE = timedelta(minutes=1)
CLAIM_LEASE = 15
WRAP_UP = 240


def run(go: Any, within: float = 90) -> None:
    asyncio.run(asyncio.wait_for(go, within))


def verdict(night: Night, urgent_replies: int = 1, **more: Any) -> None:
    with night.clinic() as clinic:
        oracle.check(clinic.db, night.now, urgent_replies=urgent_replies, **more)


def person(tx: Session, name: str) -> Staff:
    return tx.scalars(select(Staff).where(col(Staff.name) == name)).one()


def test_fault_54_nobody_is_on_call_now(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)
    with database.transaction() as tx:
        tx.execute(delete(Shift).where(col(Shift.tier) == 1))

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to(BACKUP)
            await clinic.people.wait_for(COORDINATOR, "first on call")
            await clinic.settled()
            assert await clinic.pages_on(FIRST) == []
            oracle.check(database, clinic.clock(), urgent_replies=1)

    run(go())


def test_fault_55_everybody_has_blocked_the_bot(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    """First the outside channel carries it; when that fails too, people outside the database hear of it."""
    seed(database, outside=True)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            for each in (FIRST, BACKUP, LEAD, COORDINATOR):
                await clinic.people.block(each)
            await clinic.people.say(MAYA, FRIGHTENING)
            await until(lambda: len(clinic.outside.carried) == 1)
            assert FRIGHTENING not in clinic.outside.carried[0].text
            await clinic.settled()
            oracle.check(database, clinic.clock(), urgent_replies=1)
            clinic.outside.refuses = Failure.DEAD_ADDRESS
            for _ in range(4):
                await clinic.pass_time(minutes=5, seconds=1)
                await clinic.settled()
            await asyncio.to_thread(_the_outside_hears, clinic, database, content)

    run(go())


def _the_outside_hears(clinic: House, database: Database, content: Content) -> None:
    with outside_world(clinic.clock) as world:
        auditor = watcher(content, database.place.render_as_string(hide_password=False), world)
        assert not auditor.look(clinic.clock())
        assert any("nobody could be paged" in text for text in world.told), world.told
        assert world.fired(clinic.clock())


def test_fault_56_the_one_on_call_cannot_be_reached_in_any_way(
    night: Night, maria: Phone, okafor: Phone, lind: Phone, ada: Phone
) -> None:
    with night.looking() as tx:
        for contact in people.contacts(tx, person(tx, "Dr. Okafor").id):
            people.set_contact_state(tx, contact.id, ContactState.BLOCKED)
    with night.clinic() as clinic:
        assert [each.kind for each in check_rota(clinic, "demo", night.now).problems if each.tier == 0] == [
            "unreachable"
        ]
        report = examine(clinic, night.now)
        assert report.would_stop_a_page
        assert any("no way to be reached" in line for line in report.lines())
    maria.says(FRIGHTENING)
    assert "EMERGENCY" in lind.screen and not okafor.bubbles
    assert "first on call" in ada.everything
    verdict(night)


def test_fault_57_taken_and_then_silence(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.say(MAYA, FRIGHTENING)
            page = await clinic.page_to()
            await clinic.people.tap(FIRST, data=page.data[0], message_id=page.message_id)
            await clinic.people.wait_for(FIRST, lambda seen: seen.edited)
            await clinic.settled()
            await clinic.pass_time(minutes=CLAIM_LEASE - 1)
            await clinic.settled()
            assert len(await clinic.pages_on()) == 1, "not before its time"
            await clinic.pass_time(minutes=1, seconds=5)
            await clinic.people.wait_for(
                FIRST, lambda seen: PAGED in seen.text and seen.message_id != page.message_id
            )
            await clinic.pass_time(minutes=5, seconds=5)
            await clinic.page_to(BACKUP)
            await clinic.settled()
            oracle.check(database, clinic.clock(), urgent_replies=1)

    run(go())


def test_fault_58_closed_without_having_reached_the_patient(
    night: Night, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    maria.says(FRIGHTENING)
    okafor.taps("I have this")
    okafor.taps("Resolve")
    assert only(night).state == AlertState.CLAIMED, "it asks first"
    asked = len(okafor.bubbles)
    night.skip_to(night.now + CLAIM_LEASE * MINUTE)
    assert only(night).state == AlertState.OPEN and len(okafor.bubbles) > asked, "not answered: paged again"
    okafor.taps("I have this")
    okafor.taps("Resolve")
    alert = only(night)
    okafor.presses(f"a:resolve:{alert.id}:anyway")
    okafor.presses(f"a:out:{alert.id}:not_reached")
    assert only(night).state == AlertState.RESOLVED
    (line,) = audited(night, "alert.resolved")
    assert '"without_contact": true' in str(line.details) or "'without_contact': True" in str(line.details)
    verdict(night)


def test_fault_58_reached_and_never_closed_is_asked_about_again_and_again(
    night: Night, maria: Phone, okafor: Phone
) -> None:
    maria.says(FRIGHTENING)
    okafor.taps("I have this")
    okafor.taps("Patient contacted")
    for _ in range(2):
        before = len(okafor.log)
        night.skip_to(night.now + WRAP_UP * MINUTE)
        assert len(okafor.log) > before
    assert len(audited(night, "alert.reminded")) == 2
    verdict(night)


def test_fault_59_somebody_leaves_while_it_climbs(
    night: Night, maria: Phone, okafor: Phone, lind: Phone, prado: Phone
) -> None:
    maria.says(FRIGHTENING)
    with night.looking() as tx:
        person(tx, "Dr. Okafor").active = False
    night.skip_to(night.now + 2 * MINUTE)
    assert only(night).tier == 2 and "EMERGENCY" in lind.screen, "her successor at once"
    lind.taps("I have this")
    with night.looking() as tx:
        person(tx, "Jonas Lind").active = False
    before = len(lind.bubbles)
    night.skip_to(night.now + CLAIM_LEASE * MINUTE)
    assert only(night).state == AlertState.OPEN
    assert "EMERGENCY" in prado.screen and len(lind.bubbles) == before
    okafor.taps("I have this")
    assert only(night).state == AlertState.OPEN, "who has left claims nothing"
    verdict(night)


def test_fault_59_a_role_is_taken_away_while_an_alert_of_that_role_is_open(
    night: Night, maria: Phone, okafor: Phone, prado: Phone
) -> None:
    maria.says("the therapist touched me during the session")
    alert = only(night)
    assert alert.rule_id == "BND-1" and prado.bubbles and not okafor.bubbles
    with night.looking() as tx:
        person(tx, "Dr. Prado").role = Role.CLINICIAN
    prado.taps("I have this")
    assert only(night).state == AlertState.OPEN, "the role is looked up at the press"
    night.skip_to(night.now + 10 * MINUTE)
    assert only(night).nobody_reached, "and nobody else hears of it: that is an alarm of its own"


def test_fault_60_the_rota_and_the_policy_are_edited_while_it_climbs(
    night: Night, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    maria.says(FRIGHTENING)
    frozen = only(night).policy
    noor = night.clinician("Dr. Noor")
    with night.looking() as tx:
        mine = col(Shift.staff_id) == person(tx, "Dr. Okafor").id
        tx.execute(update(Shift).where(mine).values(ends_at=night.now))
    policies = {
        key: replace(each, tiers=(Tier(Who.EVERYONE),), repeat_minutes=1000)
        for key, each in night.content.policies.items()
    }
    night.content = replace(night.content, policies=policies)
    before = len(okafor.bubbles)
    night.skip_to(night.now + 2 * MINUTE)
    assert "EMERGENCY" in noor.screen and len(okafor.bubbles) == before, "whoever is on call now"
    assert not lind.bubbles
    night.skip_to(night.now + 3 * MINUTE)
    assert lind.bubbles and only(night).policy == frozen, "by the tiers it was raised under"
    verdict(night)


def test_fault_61_one_person_in_every_tier(night: Night, maria: Phone, okafor: Phone, ada: Phone) -> None:
    colleague = night.phone()
    with night.looking() as tx:
        same = person(tx, "Dr. Okafor")
        for tier in (2, 3):
            people.add_shift(
                tx, "demo", tier=tier, staff_id=same.id, starts_at=night.now - 60 * MINUTE,
                ends_at=night.now + timedelta(days=20), now=night.now,
            )  # fmt: skip
        other = people.add(tx, "demo", "Off Duty", Role.CLINICIAN, night.now)
        people.link_chat(tx, other, colleague.chat_id, night.now)
    night.tick()
    assert "Dr. Okafor" in ada.everything, "the coordinator is warned without asking"
    maria.says(FRIGHTENING)
    night.skip_to(night.now + 5 * MINUTE)
    assert "EMERGENCY" in colleague.screen
    verdict(night)


def test_fault_62_quiet_hours_hold_back_no_page_and_no_answer_to_the_patient(
    night: Night, maria: Phone, okafor: Phone
) -> None:
    with night.looking() as tx:
        patient = tx.merge(night.patient(maria))
        patient.quiet_from, patient.quiet_to = "20:00", "09:00"
    night.now = night.local(3, 17, days=1).astimezone(night.now.tzinfo)
    maria.says(FRIGHTENING)
    assert "988" in maria.everything
    assert "EMERGENCY" in okafor.screen
    assert not [each for each in okafor.bubbles.values() if each.silent], "and it rings"
    verdict(night)


def test_fault_62_paused_check_ins_pause_no_alert(night: Night, maria: Phone, okafor: Phone) -> None:
    night.treated(maria)
    maria.says("/pause")
    maria.says(FRIGHTENING)
    assert "EMERGENCY" in okafor.screen
    verdict(night)


@pytest.mark.parametrize("verb", ["claim", "contacted", "resolve", "out"])
def test_fault_59_a_button_of_somebody_who_left_leaves_no_trace_on_the_alert(
    night: Night, maria: Phone, okafor: Phone, verb: str
) -> None:
    maria.says(FRIGHTENING)
    with night.looking() as tx:
        person(tx, "Dr. Okafor").active = False
    alert = only(night)
    okafor.presses(f"a:{verb}:{alert.id}:spoke")
    after = only(night)
    assert (after.state, after.claimed_by, after.contact) == (AlertState.OPEN, None, "")
