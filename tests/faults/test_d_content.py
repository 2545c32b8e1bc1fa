"""D, faults 40 and 41: no text can keep a page from arriving."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.content import Content
from bot.sandbox.running import RunningSandbox
from storage.database import Database
from storage.tables import OutboxState
from tests.faults.house import House, house
from tests.faults.test_e_telegram_in import words
from tests.rim.parts import rim, until
from tests.rim.running import FIRST, FRIGHTENING, MAYA, seed

LIMIT = 4096


def run(go: Any, within: float = 60) -> None:
    asyncio.run(asyncio.wait_for(go, within))


def units(text: str) -> int:
    """How long Telegram takes a text to be."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


HOSTILE = [
    pytest.param(f"{FRIGHTENING} _*[]()~>#+-=|{{}}.!<b>&", "_*[]()~>#+-=|{}.!<b>&", id="markup"),
    pytest.param(f"{FRIGHTENING} <i>open <b>[x](tg://user?id=1) `code", "<i>open <b>[x](tg", id="unbalanced"),
    pytest.param(f"{FRIGHTENING} {{0}} %s ${{HOME}} {{code}}", "{0} %s ${HOME} {code}", id="placeholders"),
    pytest.param(f"{FRIGHTENING} \u202e\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd", id="RTL"),
    pytest.param(f"{FRIGHTENING} {'🧨👩‍👩‍👧' * 300}", "🧨👩‍👩‍👧", id="emoji"),
    pytest.param(f"{FRIGHTENING} {'x' * 4097}", "xxxx", id="one over the limit and more"),
    pytest.param(f"{FRIGHTENING} {'x ' * 50_000}", "x x x", id="100,000"),
    pytest.param(f"{FRIGHTENING} a\0b", "a", id="NUL"),
    pytest.param(f"{FRIGHTENING} a\ud83db", "a", id="half a surrogate pair"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_fault_40_a_reply_of_any_text_is_paged_and_shown_plain_and_cut(
    database: Database, sandbox: RunningSandbox, content: Content, text: str, shown: str
) -> None:
    """From the raw update to the page, and on to the words themselves when somebody asks to see them."""
    seed(database)

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.keeper.keep([words(9_000_001, text)])
            page = await clinic.page_to()
            await clinic.people.tap(FIRST, page.labels[0], message_id=page.message_id)
            taken = await clinic.people.wait_for(FIRST, lambda seen: seen.edited)
            button = next(each for each in taken.labels if "reply" in each.lower())
            await clinic.people.tap(FIRST, button, message_id=page.message_id)
            told = await clinic.people.wait_for(FIRST, FRIGHTENING)
            assert shown in told.text
            assert units(told.text) <= LIMIT
            await clinic.settled()
            await _nothing_was_markup(clinic)

    run(go())


async def _nothing_was_markup(clinic: House) -> None:
    for each in await clinic.people.requests("sendMessage"):
        assert "parse_mode" not in str(each), "a text that is parsed can be refused"


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        pytest.param("x" * 4096, "x" * 4096, id="at the limit"),
        pytest.param("x" * 4097, "x" * 4095 + "…", id="one over"),
        pytest.param("x" * 100_000, "x" * 4095 + "…", id="100,000"),
        pytest.param("a\0b", "a\ufffdb", id="NUL"),
        pytest.param("a\ud83db", "a\ufffdb", id="half a surrogate pair"),
        pytest.param("<b>unclosed *_[", "<b>unclosed *_[", id="markup"),
        pytest.param("", "-", id="nothing"),
    ],
)
def test_fault_40_a_page_of_any_text_arrives(
    sqlite_database: Database, sandbox: RunningSandbox, text: str, arrives: str
) -> None:
    async def go() -> None:
        async with rim(sqlite_database, sandbox) as post:
            page = post.put(text)
            await post.becomes(page, OutboxState.SENT)
            assert await post.texts() == [arrives]

    run(go())


def test_fault_40_telegram_cannot_parse_it_all_the_same(
    sqlite_database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(sqlite_database)

    async def go() -> None:
        async with house(sqlite_database, sandbox, content) as clinic:
            await clinic.people.fault(
                "sendMessage", status=400, chat_id=FIRST,
                description="Bad Request: can't parse entities: unsupported start tag at byte offset 7",
            )  # fmt: skip
            await clinic.people.say(MAYA, f"{FRIGHTENING} <moon>")
            await until(lambda: clinic.record.pages_sent == 1)
            assert len(await clinic.people.heard(FIRST)) == 1

    run(go())


def test_fault_41_a_refusal_nobody_knows_is_met_with_a_plain_line(
    database: Database, sandbox: RunningSandbox, content: Content
) -> None:
    seed(database)
    plain = content.wording("en").say("delivery.plain_page")
    assert all(words.say("delivery.plain_page").isascii() for words in content.languages.values())

    async def go() -> None:
        async with house(database, sandbox, content) as clinic:
            await clinic.people.fault(
                "sendMessage", status=400, description="Bad Request: MOON_PHASE_INVALID", chat_id=FIRST
            )
            await clinic.people.say(MAYA, FRIGHTENING)
            await clinic.people.wait_for(FIRST, plain)
            await clinic.settled()
            assert [each.text for each in await clinic.people.heard(FIRST)] == [plain]
            assert clinic.record.pages_sent == 1

    run(go())
