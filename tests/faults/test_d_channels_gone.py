"""D, faults 33, 35, 42 and 43: the way to Telegram is gone, or the bot's own right to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telegram import Bot

from bot.chat.request import AiohttpRequest
from bot.chat.telegram import TelegramSender
from bot.clock import Clock
from bot.content import Content
from bot.message import Failure, Outgoing, OutgoingKind, SendError
from bot.sandbox.running import RunningSandbox
from storage import staff
from storage.database import Database
from storage.tables import ContactState, Role
from tests.faults import oracle
from tests.faults.house import PAGED, House, house
from tests.faults.outside import Outside, outside_world, watcher
from tests.faults.test_e_telegram_in import words
from tests.rim.parts import until
from tests.rim.running import CALM, FIRST, FRIGHTENING, MAYA, OUTSIDE_ADDRESS, add_staff, seed

ADMIN = 905
ADMINS_ADDRESS = "json://127.0.0.1:9/admin"
NOWHERE = "http://api.telegram.invalid"


def run(go: Any, within: float = 90) -> None:
    asyncio.run(asyncio.wait_for(go, within))


@pytest.fixture
def world(sandbox: RunningSandbox) -> Iterator[Outside]:
    """The dead-man service and the phone of the person outside, on the sandbox's time."""
    with outside_world(Clock(sandbox.clock_file)) as found:
        yield found


async def looked(clinic: House, db: Database, world: Outside) -> bool:
    """Let the auditor look once: whether it found all well, and pinged."""
    place = db.place.render_as_string(hide_password=False)
    auditor = watcher(clinic.content, place, world)
    pings = len(world.pinged_at)
    well = await asyncio.to_thread(auditor.look, clinic.clock())
    assert well is (len(world.pinged_at) > pings)
    return well


def test_fault_33_no_address_for_telegram_takes_the_second_channel(
    database: Database, sandbox: RunningSandbox, content: Content, world: Outside
) -> None:
    """DNS fails: tried again for ever, and the second channel carries it when its time has come."""
    seed(database, outside=True)

    async def go() -> None:
        async with house(database, sandbox, content, api_url=NOWHERE) as clinic:
            await clinic.keeper.keep([words(9_000_001, FRIGHTENING)])
            await until(lambda: clinic.record.alerts == 1)
            await clinic.pass_time(minutes=2, seconds=5)
            await until(lambda: clinic.record.pages_sent == 1)
            assert len(clinic.outside.carried) == 1
            oracle.check(database, clinic.clock(), urgent_replies=1, within=timedelta(minutes=3))
            assert await clinic.pages_on() == []

    run(go())


def test_fault_33_both_channels_dead_fires_the_dead_man(
    database: Database, sandbox: RunningSandbox, content: Content, world: Outside
) -> None:
    """Telegram brings replies and takes no message; the outside channel says "later" for ever."""
    seed(database, outside=True)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.tick()
            assert await looked(clinic, database, world)
            clinic.outside.refuses = Failure.TRANSIENT
            await clinic.people.fault("sendMessage", kind="reset_before", times=0)
            await clinic.people.say(MAYA, FRIGHTENING)
            await until(lambda: clinic.record.alerts == 1)
            await clinic.pass_time(minutes=2)
            await until(lambda: clinic.polled_at >= clinic.clock() - timedelta(seconds=30))
            assert not await looked(clinic, database, world)
            await clinic.pass_time(minutes=2)
            assert world.fired(clinic.clock())
            assert any("could not be sent" in each or "not sent" in each for each in world.told), world.told
            oracle.check(database, clinic.clock(), urgent_replies=1, dead_man_fired=True)

    run(go())


def _add_admin(db: Database, now: datetime) -> None:
    """Somebody who runs the program, is never on call, and has an outside channel."""
    with db.transaction() as tx:
        member_id = add_staff(tx, ADMIN, Role.ADMIN, now)
        staff.add_contact(tx, member_id, "sms", ADMINS_ADDRESS, now).state = ContactState.VERIFIED


def test_fault_42_the_token_is_revoked(database: Database, sandbox: RunningSandbox, content: Content) -> None:
    """Pages go by other channels, and the admin, who alone can get a new token, is paged by theirs."""
    seed(database, outside=True)
    _add_admin(database, datetime.now(UTC))

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.say(MAYA, CALM)
            await clinic.settled()
            await clinic.people.fault("sendMessage", status=401, times=0)
            await clinic.people.say(MAYA, FRIGHTENING)
            await until(lambda: addresses(clinic) == [OUTSIDE_ADDRESS], within=5)
            await until(lambda: clinic.record.pages_sent == 1)
            oracle.check(database, clinic.clock(), urgent_replies=1)
            await clinic.people.fault("getUpdates", status=401, times=1)
            await until(lambda: clinic.troubles == ["token_refused"])
            await until(lambda: ADMINS_ADDRESS in addresses(clinic))
            assert FRIGHTENING not in str(clinic.outside.carried)

    run(go())


def addresses(clinic: House) -> list[str]:
    return [each.address for each in clinic.outside.carried]


@pytest.mark.parametrize("how", ["removed", "topic closed"])
def test_fault_43_out_of_a_group_people_are_paged_directly(
    database: Database, sandbox: RunningSandbox, content: Content, how: str
) -> None:
    """The team's group is no channel of anybody: whatever becomes of it, persons are paged."""
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            group = (await clinic.people.post("group", title="Team", members=[FIRST]))["chat_id"]
            if how == "topic closed":
                await clinic.people.fault(
                    "sendMessage", status=400, description="Bad Request: TOPIC_CLOSED", chat_id=group, times=0
                )
            await clinic.people.post("group/add", chat=group, bot="care", by=FIRST)
            await clinic.people.post("group/remove", chat=group, bot="care", by=FIRST)
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to()
            await clinic.settled()
            said = await clinic.people.transcript(chat=group)
            assert [each.text for each in said if PAGED in each.text] == []
            assert all(PAGED not in str(each) for each in await clinic.sends_to(group))
            oracle.check(database, clinic.clock(), urgent_replies=1)

    run(go())


def _impatient(token: str, api_url: str) -> Bot:
    """A bot with one connection to its name, that waits a third of a second for one."""
    return Bot(
        token,
        base_url=f"{api_url}/bot",
        request=AiohttpRequest(connections=1, connect_timeout=0.3, use_proxy=False),
    )


async def _not_sent(bot: Bot, text: str) -> None:
    """Try to send, and fail unless it certainly did not leave this machine: it may go again at once."""
    with pytest.raises(SendError) as refused:
        await TelegramSender(bot).send(Outgoing(OutgoingKind.MESSAGE, MAYA, text=text))
    assert refused.value.failure == Failure.NOT_SENT


def test_fault_35_no_free_connection_means_not_sent(sandbox: RunningSandbox) -> None:
    async def go() -> None:
        bot = _impatient(sandbox.care_token, sandbox.api_url)
        async with sandbox.client() as people:
            await people.start(MAYA)
            await people.fault("sendMessage", kind="hang_before", seconds=60)
            held = asyncio.create_task(
                TelegramSender(bot).send(Outgoing(OutgoingKind.MESSAGE, MAYA, text="first"))
            )
            await until(lambda: any(each["method"] == "sendMessage" for each in sandbox.board.requests))
            await _not_sent(bot, "second")
            held.cancel()
            assert [each.text for each in await people.heard(MAYA) if each.text == "second"] == []
        await bot._request[1].shutdown()

    run(go())


def test_fault_35_a_connection_that_is_not_taken_means_not_sent(sandbox: RunningSandbox) -> None:
    """A server so busy that it takes no connection: its queue is full, and nothing comes back."""

    async def go(server: socket.socket) -> None:
        bot = _impatient(sandbox.care_token, f"http://127.0.0.1:{server.getsockname()[1]}")
        await _not_sent(bot, "first")
        await bot._request[1].shutdown()

    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(server.getsockname())
        run(go(server))
