"""What Telegram answers, and the class of failure it means: over real HTTP, with real trouble."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.telegram import TelegramSender, TelegramSource, make_bot
from bot.message import Button, Failure, Outgoing, OutgoingKind, SendError, Sent
from bot.sandbox.client import Sandbox
from bot.sandbox.running import RunningSandbox

MAYA = 501
HELLO = Outgoing(OutgoingKind.MESSAGE, MAYA, text="hello")


def over(sandbox: RunningSandbox, act: Callable[[TelegramSender, Sandbox], Awaitable[Any]]) -> Any:
    """Do something with a sender on the sandbox, where Maya has opened the bot."""

    async def go() -> Any:
        bot = make_bot(sandbox.care_token, sandbox.api_url, read_timeout=1.0)
        async with sandbox.client() as people:
            await people.start(MAYA)
            try:
                return await act(TelegramSender(bot), people)
            finally:
                await bot._request[0].shutdown()
                await bot._request[1].shutdown()

    return asyncio.run(go())


def refusal(sandbox: RunningSandbox, outgoing: Outgoing = HELLO, **fault: Any) -> SendError:
    """Return how a send fails under a fault."""

    async def act(sender: TelegramSender, people: Sandbox) -> SendError:
        await people.fault("sendMessage,editMessageText", **fault)
        with pytest.raises(SendError) as caught:
            await sender.send(outgoing)
        return caught.value

    found: SendError = over(sandbox, act)
    return found


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        pytest.param(
            {"status": 400, "description": "Bad Request: can't parse entities"}, Failure.POISON, id="400"
        ),
        pytest.param(
            {"status": 400, "description": "Bad Request: never seen"}, Failure.POISON, id="400-unknown"
        ),
        pytest.param(
            {"status": 400, "description": "Bad Request: chat not found"}, Failure.DEAD_ADDRESS, id="chat"
        ),
        pytest.param({"status": 403}, Failure.DEAD_ADDRESS, id="403-blocked"),
        pytest.param(
            {"status": 403, "description": "Forbidden: user is deactivated"}, Failure.DEAD_ADDRESS, id="gone"
        ),
        pytest.param({"status": 401}, Failure.DEAD_CHANNEL, id="401"),
        pytest.param({"status": 404}, Failure.DEAD_CHANNEL, id="404"),
        pytest.param({"status": 409}, Failure.CONFLICT, id="409"),
        pytest.param({"status": 500}, Failure.TRANSIENT, id="500"),
        pytest.param({"status": 502, "kind": "html"}, Failure.TRANSIENT, id="502-html"),
        pytest.param({"kind": "reset_before"}, Failure.AMBIGUOUS, id="reset"),
        pytest.param({"kind": "reset_after"}, Failure.AMBIGUOUS, id="reset-after-it-acted"),
        pytest.param({"kind": "hang_after", "seconds": 30}, Failure.AMBIGUOUS, id="no-answer"),
        pytest.param({"kind": "half"}, Failure.AMBIGUOUS, id="half-an-answer"),
        pytest.param({"kind": "garbage"}, Failure.AMBIGUOUS, id="not-json"),
    ],
)
def test_every_answer_has_its_class(sandbox: RunningSandbox, fault: dict[str, Any], failure: Failure) -> None:
    assert refusal(sandbox, **fault).failure is failure


def test_429_says_how_long_to_wait(sandbox: RunningSandbox) -> None:
    error = refusal(sandbox, status=429, retry_after=37)
    assert (error.failure, error.retry_after) == (Failure.WAIT, timedelta(seconds=37))


def test_a_group_that_moved_names_its_new_id(sandbox: RunningSandbox) -> None:
    error = refusal(sandbox, status=400, migrate_to_chat_id=-100777)
    assert (error.failure, error.new_chat_id) == (Failure.MOVED, -100777)


def test_nobody_listening_means_certainly_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        bot = make_bot("123:abcdefgh", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(SendError) as caught:
            asyncio.run(TelegramSender(bot).send(HELLO))
    assert caught.value.failure is Failure.NOT_SENT


def test_a_host_without_a_name_means_certainly_not_sent() -> None:
    bot = make_bot("123:abcdefgh", "http://no-such-host.invalid")
    with pytest.raises(SendError) as caught:
        asyncio.run(TelegramSender(bot).send(HELLO))
    assert caught.value.failure is Failure.NOT_SENT


def test_a_failure_tells_neither_token_nor_words(sandbox: RunningSandbox) -> None:
    secret_words = Outgoing(OutgoingKind.MESSAGE, MAYA, text="I want to die")
    error = refusal(sandbox, secret_words, kind="garbage")
    told = f"{error!r} {error} {error.__cause__!r} {error.__context__!r}"
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert "die" not in told
    assert sandbox.care_token not in told


async def _seen(people: Sandbox, sender: TelegramSender, outgoing: Outgoing) -> Any:
    sent = await sender.send(outgoing)
    return sent, next(each for each in await people.heard(MAYA) if each.message_id == sent.message_id)


def test_a_page_arrives_plain_protected_and_without_preview(sandbox: RunningSandbox) -> None:
    markup = "_*[]()~>#+-=|{}.!<b>& https://example.org שלום 😀 \0 \ud83d"
    page = Outgoing(
        OutgoingKind.MESSAGE,
        MAYA,
        text=markup,
        protect=True,
        silent=True,
        buttons=((Button("I have this", "c"),),),
    )

    async def act(sender: TelegramSender, people: Sandbox) -> None:
        _, seen = await _seen(people, sender, page)
        assert seen.text == markup.replace("\0", "\ufffd").replace("\ud83d", "\ufffd")
        assert (seen.protected, seen.silent, seen.labels) == (True, True, ("I have this",))
        asked = (await people.requests("sendMessage"))[-1]["params"]
        assert "parse_mode" not in asked
        assert "is_disabled" in str(asked["link_preview_options"])

    over(sandbox, act)


@pytest.mark.parametrize("length", [4096, 4097, 100_000])
def test_a_text_of_any_length_arrives(sandbox: RunningSandbox, length: int) -> None:
    async def act(sender: TelegramSender, people: Sandbox) -> None:
        _, seen = await _seen(people, sender, Outgoing(OutgoingKind.MESSAGE, MAYA, text="x" * length))
        assert len(seen.text) == min(length, 4096)

    over(sandbox, act)


def test_the_same_edit_twice_is_done_once_and_refused_never(sandbox: RunningSandbox) -> None:
    async def act(sender: TelegramSender, people: Sandbox) -> None:
        first = await sender.send(HELLO)
        edit = Outgoing(OutgoingKind.EDIT, MAYA, text="changed", message_id=first.message_id)
        assert await sender.send(edit) == await sender.send(edit) == first
        assert [each.text for each in await people.heard(MAYA)] == ["changed"]

    over(sandbox, act)


def test_an_edit_of_a_message_that_is_gone_comes_as_a_new_one(sandbox: RunningSandbox) -> None:
    async def act(sender: TelegramSender, people: Sandbox) -> None:
        first = await sender.send(HELLO)
        await sender.send(Outgoing(OutgoingKind.DELETE, MAYA, message_id=first.message_id))
        sent = await sender.send(Outgoing(OutgoingKind.EDIT, MAYA, text="again", message_id=first.message_id))
        assert sent.message_id != first.message_id
        assert [each.text for each in await people.heard(MAYA)] == ["again"]

    over(sandbox, act)


def test_an_answer_that_comes_too_late_is_no_failure(sandbox: RunningSandbox) -> None:
    async def act(sender: TelegramSender, people: Sandbox) -> Sent:
        await people.fault(
            "answerCallbackQuery",
            status=400,
            description="Bad Request: query is too old and response timeout expired or query ID is invalid",
        )
        return await sender.send(Outgoing(OutgoingKind.ANSWER, MAYA, callback_id="4", text="got it"))

    assert over(sandbox, act) == Sent(None)


def test_a_file_arrives_whole(sandbox: RunningSandbox) -> None:
    async def act(sender: TelegramSender, people: Sandbox) -> None:
        content = bytes(range(256)) * 100
        outgoing = Outgoing(
            OutgoingKind.DOCUMENT, MAYA, text="your record", file_name="record.csv", file_bytes=content
        )
        await sender.send(outgoing)
        seen = (await people.heard(MAYA))[-1]
        file_id = seen.raw["media"]["document"]["file_id"]
        got = await people._http.get("/control/file", params={"id": file_id})
        assert got.content == content

    over(sandbox, act)


def test_polling_asks_by_name_for_every_kind_it_reads(sandbox: RunningSandbox) -> None:
    async def go() -> None:
        bot = make_bot(sandbox.care_token, sandbox.api_url)
        source = TelegramSource(bot, poll_seconds=1)
        async with sandbox.client() as people:
            await people.say(MAYA, "hello")
            updates = await source.fetch(None)
            assert [each["message"]["text"] for each in updates] == ["hello"]
            assert await source.fetch(updates[-1]["update_id"] + 1) == []
            asked = (await people.requests("getUpdates"))[0]["params"]["allowed_updates"]
            assert all(kind in str(asked) for kind in ("edited_message", "callback_query", "my_chat_member"))
        await bot._request[0].shutdown()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ({"status": 401}, Failure.DEAD_CHANNEL),
        ({"status": 404}, Failure.DEAD_CHANNEL),
        ({"status": 409}, Failure.CONFLICT),
        ({"status": 429, "retry_after": 2}, Failure.WAIT),
        ({"kind": "garbage"}, Failure.AMBIGUOUS),
        ({"kind": "half"}, Failure.AMBIGUOUS),
        ({"status": 502, "kind": "html"}, Failure.TRANSIENT),
    ],
)
def test_trouble_while_polling_has_its_class_too(
    sandbox: RunningSandbox, fault: dict[str, Any], failure: Failure
) -> None:
    async def go() -> Failure:
        bot = make_bot(sandbox.care_token, sandbox.api_url)
        async with sandbox.client() as people:
            await people.fault("getUpdates", **fault)
            with pytest.raises(SendError) as caught:
                await TelegramSource(bot, poll_seconds=1).fetch(None)
        await bot._request[0].shutdown()
        return caught.value.failure

    assert asyncio.run(go()) is failure


async def _answering(body: bytes, status: str = "200 OK") -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("body", "status", "failure"),
    [
        pytest.param(b'{"ok": false, "error_code": 403, "description": "Forbidden"}', "200 OK",
                     Failure.DEAD_ADDRESS, id="200 that says no"),
        pytest.param(b'{"ok": true}', "200 OK", Failure.TRANSIENT, id="200 without a result"),
        pytest.param(b"[]", "200 OK", Failure.AMBIGUOUS, id="200 with a list"),
        pytest.param(b"moved", "302 Found", Failure.TRANSIENT, id="a redirect is not followed"),
        pytest.param(b'{"ok": false}', "429 Too Many Requests", Failure.TRANSIENT, id="429 without a time"),
    ],
)  # fmt: skip
def test_answers_telegram_never_gives_are_classed_too(body: bytes, status: str, failure: Failure) -> None:
    async def go() -> Failure:
        server = await _answering(body, status)
        bot = make_bot("123:abcdefgh", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(SendError) as caught:
            await TelegramSender(bot).send(HELLO)
        server.close()
        await bot._request[1].shutdown()
        return caught.value.failure

    assert asyncio.run(go()) is failure
