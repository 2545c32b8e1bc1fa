"""Outbox to channel: what is sent, once or again, and what becomes of a send that fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.delivery.carry import IN_A_ROW
from bot.message import Failure, Outgoing, SendError, Sent
from bot.sandbox.running import RunningSandbox
from storage.database import Database
from storage.tables import Lane, OutboxKind, OutboxState
from tests.rim.parts import KIT, MAYA, NURSE, Rim, rim, until
from tests.rim.wire import forward, free_port

CROWD = range(9_500_417_700, 9_500_417_730)
SENT, FAILED, PENDING = OutboxState.SENT, OutboxState.FAILED, OutboxState.PENDING


def run(go: Any) -> None:
    asyncio.run(asyncio.wait_for(go, 60))


def test_a_page_arrives_and_is_written_down_as_sent(database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            page = post.put("alert K-0042")
            await post.becomes(page, SENT)
            assert await post.texts() == ["alert K-0042"]
            assert post.notes.told == [("sent", page)]

    run(go())


@pytest.mark.parametrize("kind", ["reset_after", "half", "garbage", "hang_after"])
def test_a_page_that_may_have_arrived_goes_again_marked_as_a_repeat(
    database: Database, sandbox: RunningSandbox, kind: str
) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            await post.people.fault("sendMessage", kind=kind, seconds=30)
            page = post.put("alert K-0042")
            await post.becomes(page, SENT)
            assert await post.texts() == ["alert K-0042", "again: alert K-0042"]

    run(go())


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
def test_a_card_that_may_have_arrived_never_goes_again(
    sqlite_database: Database, sandbox: RunningSandbox, kind: str
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", kind=kind)
            card = post.put("How was your night?", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            await post.becomes(card, OutboxState.UNCERTAIN)
            after = post.put("something else", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            await post.becomes(after, SENT)
            assert (await post.texts(MAYA)).count("How was your night?") == (kind == "reset_after")

    run(go())


def test_a_429_is_obeyed_for_that_chat_and_for_no_other(database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            await post.people.fault("sendMessage", status=429, retry_after=30, chat_id=NURSE)
            waits = post.put("for the nurse")
            await until(lambda: post.error(waits) == Failure.WAIT)
            other = post.put("for Kit", to=KIT)
            await post.becomes(other, SENT)
            assert post.state(waits) == PENDING
            post.clock.move(seconds=29)
            post.delivery.wake()
            next_one = post.put("for Kit again", to=KIT)
            await post.becomes(next_one, SENT)
            assert post.state(waits) == PENDING
            post.clock.move(seconds=2)
            post.delivery.wake()
            await post.becomes(waits, SENT)
            assert len(await post.people.requests("sendMessage")) == 4

    run(go())


@pytest.mark.parametrize(("wait", "second"), [(10, False), (11, True), (3600, True)])
def test_a_page_told_to_wait_longer_than_ten_seconds_takes_a_second_channel(
    sqlite_database: Database, sandbox: RunningSandbox, wait: int, second: bool
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", status=429, retry_after=wait)
            page = post.put("alert K-0042")
            await until(lambda: post.error(page) == Failure.WAIT)
            assert (("delayed", page) in post.notes.told) is second

    run(go())


def test_a_429_on_check_ins_leaves_pages_alone(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", status=429, retry_after=3600, chat_id=MAYA, times=0)
            card = post.put("How was your night?", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            await until(lambda: post.error(card) == Failure.WAIT)
            page = post.put("alert K-0042")
            await post.becomes(page, SENT)

    run(go())


def test_chat_after_chat_told_to_wait_means_all_check_ins_and_nothing_else(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    """The lane is left alone as a whole, and goes on by itself; pages and answers never noticed."""

    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", status=429, retry_after=30, chat_from=CROWD.start, times=0)
            cards = [_card(post, to=person) for person in CROWD]
            await until(lambda: sum(post.error(each) == Failure.WAIT for each in cards) >= IN_A_ROW)
            page, answer = post.put("alert K-0042"), post.put("Thank you.", to=MAYA, kind=OutboxKind.NOTICE)
            await post.becomes(page, SENT)
            await post.becomes(answer, SENT)
            under_way = 4
            assert len(await _asked_for(post, CROWD)) < IN_A_ROW + under_way
            assert [post.state(each) for each in cards] == [PENDING] * len(cards)
            for person in CROWD:
                await post.people.start(person)
            await post.people.clear_faults()
            post.clock.move(seconds=31)
            post.delivery.wake()
            for each in cards:
                await post.becomes(each, SENT)

    run(go())


def test_two_chats_told_to_wait_hold_up_no_third(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            for person in CROWD[:2]:
                await post.people.fault("sendMessage", status=429, retry_after=30, chat_id=person, times=0)
            waiting = [_card(post, to=person) for person in CROWD[:2]]
            await until(lambda: all(post.error(each) == Failure.WAIT for each in waiting))
            await post.becomes(_card(post, to=MAYA), SENT)

    run(go())


def _card(post: Rim, to: int) -> str:
    return post.put("How was your night?", to=to, kind=OutboxKind.CARD, lane=Lane.ROUTINE)


async def _asked_for(post: Rim, people: range) -> list[dict[str, Any]]:
    asked = await post.people.requests("sendMessage")
    return [each for each in asked if int(each["params"]["chat_id"]) in people]


def test_hanging_check_ins_leave_pages_alone(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox, read_seconds=20) as post:
            await post.people.fault("sendMessage", kind="hang_before", seconds=3, chat_id=MAYA, times=0)
            for number in range(20):
                post.put(f"card {number}", to=MAYA, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            page = post.put("alert K-0042")
            await post.becomes(page, SENT)
            assert await post.texts(MAYA) == []

    run(go())


def test_a_person_who_is_typing_does_not_wait_behind_the_mornings_check_ins(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox, per_second=20) as post:
            for person in range(1000, 1200):
                post.put("How was your night?", to=person, kind=OutboxKind.CARD, lane=Lane.ROUTINE)
            answer = post.put("Thank you.", to=MAYA, kind=OutboxKind.NOTICE, lane=Lane.ROUTINE)
            await until(lambda: post.state(answer) == SENT, within=3)

    run(go())


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 403}, id="blocked"),
        pytest.param({"status": 400, "description": "Bad Request: chat not found"}, id="gone"),
    ],
)
def test_a_dead_address_and_the_next_person_are_one_transaction(
    database: Database, sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            await post.people.fault("sendMessage", chat_id=NURSE, **fault)
            page = post.put("alert K-0042")
            await post.people.wait_for(KIT, "next in line")
            assert post.state(page) == FAILED
            assert ("failed dead_address", page) in post.notes.told

    run(go())


def test_a_failure_the_clinic_cannot_act_on_is_not_written_down_either(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            post.notes.breaks = True
            await post.people.fault("sendMessage", status=403, chat_id=NURSE, times=0)
            page = post.put("alert K-0042")
            await until(lambda: post.state(page) == OutboxState.SENDING)
            post.notes.breaks = False
            await post.people.wait_for(KIT, "next in line")
            assert post.state(page) == FAILED

    run(go())


def test_a_refused_text_is_replaced_by_the_plain_line_and_never_tried_again(
    database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            await post.people.fault("sendMessage", status=400, description="Bad Request: never seen before")
            page = post.put("alert _*[")
            await post.becomes(page, SENT)
            assert await post.texts() == ["an alert is open"]

    run(go())


def test_the_plain_line_too_survives_an_unclear_send(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", status=400, description="Bad Request: never seen before")
            await post.people.fault("sendMessage", kind="reset_before")
            page = post.put("alert _*[")
            await post.becomes(page, SENT)
            bodies = [each["params"]["text"] for each in await post.people.requests("sendMessage")]
            assert bodies == ["alert _*[", "an alert is open", "an alert is open"]

    run(go())


def test_when_even_the_plain_line_is_refused_someone_else_is_paged(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", status=400, description="Bad Request: no", times=2)
            page = post.put("alert K-0042")
            await post.people.wait_for(KIT, "next in line")
            assert post.state(page) == FAILED

    run(go())


def test_a_group_that_moved_gets_its_page_in_the_same_attempt(
    database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            group = (await post.people.post("group", title="Team", members=[NURSE]))["chat_id"]
            await post.people.post("group/add", chat=group, bot="care", by=NURSE)
            moved = (await post.people.post("group/migrate", chat=group, by=NURSE))["chat_id"]
            page = post.put("alert K-0042", to=group)
            await post.people.wait_for(None, "alert K-0042", chat=moved)
            await post.becomes(page, SENT)
            assert (f"moved {group} {moved}", page) in post.notes.told

    run(go())


def test_a_refused_token_sends_pages_elsewhere_and_keeps_the_rest(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            await post.people.fault("sendMessage", status=401, times=2)
            notice = post.put("Thank you.", to=MAYA, kind=OutboxKind.NOTICE, lane=Lane.ROUTINE)
            await until(lambda: post.error(notice) == Failure.DEAD_CHANNEL)
            page = post.put("alert K-0042")
            await post.becomes(page, FAILED)
            assert ("failed dead_channel", page) in post.notes.told
            post.clock.move(seconds=61)
            post.delivery.wake()
            await post.becomes(notice, SENT)

    run(go())


def test_nobody_listening_for_a_while_means_one_copy_late(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    async def go() -> None:
        port = await free_port()
        async with rim(sqlite_database, sandbox, api_url=f"http://127.0.0.1:{port}") as post:
            page = post.put("alert K-0042")
            await until(lambda: post.error(page) == Failure.NOT_SENT)
            server = await forward(port, sandbox.port)
            post.clock.move(seconds=15)
            await post.becomes(page, SENT)
            assert await post.texts() == ["alert K-0042"]
            server.close()

    run(go())


def test_a_chat_is_written_to_in_order(database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(database, sandbox) as post:
            texts = [f"line {number}" for number in range(8)]
            rows = [post.put(each, to=MAYA, kind=OutboxKind.NOTICE, lane=Lane.ROUTINE) for each in texts]
            await post.becomes(rows[-1], SENT)
            assert await post.texts(MAYA) == texts

    run(go())


class _Broken:
    """A channel whose library has a bug."""

    async def send(self, outgoing: Outgoing) -> Sent:
        raise KeyError(outgoing.text)


class _Refusing:
    async def send(self, outgoing: Outgoing) -> Sent:
        raise SendError(Failure.DEAD_ADDRESS)


@pytest.mark.parametrize("sender", [_Broken(), _Refusing()])
def test_an_outside_channel_that_breaks_passes_the_page_on(
    sqlite_database: Database, sandbox: RunningSandbox, sender: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox, more_senders={"sms": sender}) as post:
            page = post.put("K-0042 urgent", channel="sms")
            await post.people.wait_for(KIT, "next in line")
            assert post.state(page) == FAILED

    run(go())
    assert "K-0042" not in caplog.text


async def _stop_while_sending(post: Rim) -> str:
    await post.people.fault("sendMessage", kind="slow", seconds=0.7)
    page = post.put("alert K-0042")
    await until(lambda: post.state(page) == OutboxState.SENDING)
    return page


def test_stopping_finishes_what_is_being_sent(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox, read_seconds=5) as post:
            page = await _stop_while_sending(post)
        assert post.state(page) == SENT

    run(go())
