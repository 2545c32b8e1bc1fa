"""E. Telegram on the way in: twice, out of order, edited, forged, late, or not at all."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.chat.telegram import TelegramSource, chat_of, make_bot, read_update
from bot.content import Content
from bot.flows import promises
from bot.flows.act import Act
from bot.intake import Ear, Keeper, Poller
from bot.sandbox.client import Done
from bot.sandbox.running import RunningSandbox
from bot.threads import Threads
from storage.database import Database
from storage.tables import Alert, AlertState, Inbox, InboxState
from tests.faults import oracle
from tests.faults.house import House, house
from tests.faults.sizes import seconds, size
from tests.rim.parts import until
from tests.rim.running import BACKUP, CALM, FIRST, FRIGHTENING, KIT, MAYA, add_patient, seed

NOOR = 5_030_417_733
ONE_DAY = timedelta(days=1)


def run(go: Any, within: float = 90) -> None:
    asyncio.run(asyncio.wait_for(go, seconds(within)))


def states(db: Database) -> list[str]:
    with db.reading() as tx:
        return list(tx.exec(select(Alert.state).where(col(Alert.patient_id).is_not(None))).all())


def test_fault_45_the_same_update_twice_and_after_a_restart(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            said = await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to()
            await clinic.settled()
            await clinic.people.post("redeliver", update_id=said.update_id)
            await clinic.people.say(MAYA, CALM)
            await until(lambda: clinic.record.messages == 2)
        async with house(database, sandbox, content) as clinic:
            await clinic.people.post("redeliver", update_id=said.update_id)
            await clinic.people.say(MAYA, "A quiet day.")
            await until(lambda: clinic.record.messages == 3)
            await clinic.settled()
            assert clinic.record.alerts == 1
            assert len(await clinic.pages_on()) == 1

    run(go())


def words(update_id: int, text: str, chat: int = MAYA, at: datetime | None = None) -> dict[str, Any]:
    return {
        "update_id": update_id,
        "message": {
            "message_id": update_id,
            "date": int((at or datetime.now(UTC)).timestamp()),
            "chat": {"id": chat, "type": "private"},
            "from": {"id": chat, "is_bot": False, "first_name": "A"},
            "text": text,
        },
    }


@pytest.mark.parametrize("later", ["ok", "cancel", "/cancel", "never mind", "I'm fine, it was a joke"])
def test_fault_46_out_of_order_and_nothing_said_later_takes_it_back(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content, later: str
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content) as clinic:
            await clinic.keeper.keep([words(9_000_103, later)])
            await clinic.keeper.keep([words(9_000_102, FRIGHTENING)])
            await clinic.page_to()
            await clinic.settled()
            await clinic.keeper.keep([words(9_000_104, later)])
            await clinic.settled()
            assert states(sqlite_database) == [AlertState.OPEN]
            assert in_state(sqlite_database, InboxState.DONE) >= {9_000_102, 9_000_103, 9_000_104}

    run(go())


def in_state(db: Database, state: InboxState) -> set[int]:
    with db.reading() as tx:
        return set(tx.exec(select(Inbox.update_id).where(Inbox.state == state)).all())


def test_fault_47_an_edit_raises_and_never_closes(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            said = await clinic.people.say(MAYA, CALM)
            await until(lambda: clinic.record.messages == 1)
            assert states(database) == []
            await clinic.people.edit(MAYA, said.message_id, FRIGHTENING)
            await clinic.page_to()
            await clinic.people.edit(MAYA, said.message_id, CALM)
            await until(lambda: clinic.record.messages == 3)
            await clinic.settled()
            assert states(database) == [AlertState.OPEN]

    run(go())


def test_fault_48_one_of_a_hundred_finds_a_bug(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content, breaks_on="find the bug") as clinic:
            batch = [words(9_000_000 + each, CALM, MAYA if each % 2 else KIT) for each in range(100)]
            batch[50] = words(9_000_050, "find the bug", MAYA)
            await clinic.keeper.keep(batch)
            await until(lambda: clinic.record.messages == 99, within=60)
            assert in_state(database, InboxState.NEW) == {9_000_050}

            async def set_aside() -> bool:
                await clinic.pass_time(minutes=1)
                return in_state(database, InboxState.DEAD) == {9_000_050}

            await until(set_aside)
            await clinic.page_to()

    run(go())


def test_fault_49_two_pollers_on_one_token(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            troubles: list[str] = []
            pool, bot = Threads("second"), make_bot(sandbox.care_token, sandbox.api_url)
            ear = Ear("care", read_update, chat_of, lambda what, _: troubles.append(what))
            keeper = Keeper(database, ear, clinic.clock, pool, clinic.worker.wake)
            second = Poller(TelegramSource(bot, poll_seconds=2), keeper, conflict_pause=1.0)
            running = asyncio.create_task(second.run())
            await until(lambda: "second_poller" in (*troubles, *clinic.troubles))
            for number in range(5):
                await clinic.people.say(MAYA, f"{CALM} {number}")
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to(within=30)
            await until(lambda: clinic.record.messages == 6)
            second.stop()
            await running
            await bot._request[0].shutdown()
            pool.close()
            assert clinic.record.alerts == 1

    run(go())


def test_fault_50_the_poll_hangs(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content, hung_after=1.5) as clinic:
            await clinic.people.say(MAYA, CALM)
            await until(lambda: clinic.record.messages == 1)
            await clinic.people.fault("getUpdates", kind="hang_before", seconds=60)
            await until(lambda: "poll_hangs" in clinic.troubles)
            now = clinic.clock() + timedelta(minutes=2)
            with sqlite_database.transaction() as tx:
                broken = {each.check for each in promises.examine(Act(clinic.clinic, tx, now))}
            assert "poll_stopped" in broken, "who pings the dead-man stops doing so"
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.page_to()

    run(go())


def test_fault_51_a_days_backlog(database: Database, sandbox: RunningSandbox, content: Content) -> None:
    """Three urgent replies among them, each paged with its age.

    A chat's own order is kept, and two chats that wrote as much keep theirs. The third, near the end,
    wrote nothing else: it waits for nobody who wrote thousands.
    """
    seed(database)
    with database.transaction() as tx:
        add_patient(tx, NOOR, datetime.now(UTC))
    backlog = size(300, 5000)
    frightening = {20: MAYA, 200: KIT, backlog - 5: NOOR}

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            yesterday = clinic.clock()
            await clinic.people.move_clock(ONE_DAY)
            batch = [
                words(
                    9_000_000 + each,
                    FRIGHTENING if each in frightening else CALM,
                    frightening.get(each, MAYA if each % 2 else KIT),
                    yesterday,
                )
                for each in range(backlog)
            ]
            for start in range(0, backlog, 100):
                await clinic.keeper.keep(batch[start : start + 100])
            await until(lambda: clinic.record.messages == backlog, within=seconds(80))
            await clinic.settled()
            pages = await clinic.pages_on()
            assert clinic.record.alerts == 3
            codes = [re.findall(r"K-\d+", page)[0] for page in pages]
            assert sorted(codes) == ["K-0001", "K-0002", "K-0003"]
            assert codes.index("K-0001") < codes.index("K-0002"), "in the order they were written"
            assert codes.index("K-0003") < 2, "behind no backlog but its own"
            assert all("24 h" in page or "1 day" in page.lower() for page in pages), pages
            oracle.check(database, clinic.clock(), urgent_replies=3)

    run(go(), within=120)


async def _answer(clinic: House, tapped: Done) -> str:
    return (await clinic.people.tap_answer(tapped)).text


def test_fault_52_only_staff_claim_and_only_one_of_them(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.say(MAYA, FRIGHTENING)
            page = await clinic.page_to()
            for person in (KIT, MAYA, 999):
                own = await clinic.people.say(person, CALM)
                await clinic.people.forge(person, page.data[0], own.message_id)
            for forged in ("a:claim:nothing", "a:claim:", "x" * 64, page.data[0] + "x"):
                await clinic.people.forge(FIRST, forged, page.message_id)
            await clinic.settled()
            assert states(database) == [AlertState.OPEN]
            await clinic.pass_time(minutes=5, seconds=5)
            other = await clinic.page_to(BACKUP)
            taps = await asyncio.gather(
                clinic.people.tap(FIRST, data=page.data[0], message_id=page.message_id),
                clinic.people.tap(BACKUP, data=other.data[0], message_id=other.message_id),
                clinic.people.tap(FIRST, data=page.data[0], message_id=page.message_id),
            )
            said = [await _answer(clinic, each) for each in taps]
            await clinic.settled()
            assert states(database) == [AlertState.CLAIMED]
            assert any("Person" in each for each in said), said

    run(go())


def test_fault_53_the_answer_comes_too_late(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content) as clinic:
            await clinic.people.say(MAYA, FRIGHTENING)
            page = await clinic.page_to()
            await clinic.people.fault(
                "answerCallbackQuery",
                status=400,
                description="Bad Request: query is too old and response timeout expired",
            )
            await clinic.people.tap(FIRST, data=page.data[0], message_id=page.message_id)
            await clinic.people.wait_for(FIRST, lambda seen: seen.edited)
            await clinic.settled()
            assert states(sqlite_database) == [AlertState.CLAIMED]

    run(go())
