"""Control calls that only look: chats, requests, updates, faults, the time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.account import commands_shown
from bot.sandbox.errors import ControlError
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.transcript import chats_meant, instant, transcript
from bot.sandbox.world import Json, chat_key

Read = Callable[[Switchboard, web.Request], Awaitable[web.Response]]
LONGEST_WAIT_S = 60.0


def _number(request: web.Request, name: str) -> int | None:
    given = request.query.get(name)
    return int(given) if given else None


async def until(board: Switchboard, request: web.Request, done: Callable[[], bool]) -> None:
    """Wait until `done`, or until the `wait` seconds of the call have passed."""
    clock = asyncio.get_running_loop()
    end = clock.time() + min(float(request.query.get("wait", 0)), LONGEST_WAIT_S)
    while not done() and (left := end - clock.time()) > 0:
        await board.changed.wait(left)


async def read_people(board: Switchboard, request: web.Request) -> web.Response:
    blocked = {each.name: each.blocked_by for each in board.world.bots.values()}
    people = [each.model_dump() for each in board.world.people.values()]
    return web.json_response({"people": people, "blocked": blocked})


async def read_transcript(board: Switchboard, request: web.Request) -> web.Response:
    after = _number(request, "after") or 0
    bot = request.query.get("bot")
    bot_id = board.bot_named(bot).id if bot else None

    def lines() -> list[Json]:
        meant = chats_meant(board.world, _number(request, "person"), _number(request, "chat"), bot_id)
        return transcript(board.world, meant, after)

    await until(board, request, lambda: bool(lines()))
    return web.json_response({"change": board.world.changes, "messages": lines()})


async def read_changes(board: Switchboard, request: web.Request) -> web.Response:
    """Answer as soon as anything at all has changed after change number `after`."""
    after = _number(request, "after") or 0
    await until(board, request, lambda: board.world.changes > after)
    return web.json_response({"change": board.world.changes, "now": board.clock.moment().isoformat()})


async def read_callback(board: Switchboard, request: web.Request) -> web.Response:
    query = board.world.callbacks.get(request.query.get("id", ""))
    if query is None:
        raise ControlError("no press has this id; POST /control/tap answers one as callback_id")
    await until(board, request, lambda: query.answered_at is not None)
    return web.json_response(
        {"answered_at": instant(query.answered_at), "text": query.answer, "alert": query.alert}
    )


async def read_menu(board: Switchboard, request: web.Request) -> web.Response:
    person_id = _number(request, "person") or 0
    bot = board.bot_named(request.query.get("bot", ""))
    chat = board.world.chats.get(chat_key(person_id, bot.id))
    if chat is None:
        return web.json_response({"commands": []})
    person = board.world.people[person_id]
    return web.json_response({"commands": commands_shown(bot, chat, person.language_code)})


async def read_file(board: Switchboard, request: web.Request) -> web.Response:
    stored = board.world.files.get(request.query.get("id", ""))
    if stored is None:
        raise ControlError("no file has this id")
    return web.Response(
        body=stored.content,
        content_type=stored.mime.partition(";")[0],
        headers={"X-File-Name": stored.name.encode("ascii", "replace").decode()},
    )


async def read_requests(board: Switchboard, request: web.Request) -> web.Response:
    method, after = request.query.get("method", "").lower(), _number(request, "after") or 0

    def found() -> list[Json]:
        return [
            each
            for each in board.requests
            if each["number"] > after and method in ("", each["method"].lower())
        ]

    await until(board, request, lambda: bool(found()))
    return web.json_response({"requests": found(), "counts": dict(board.counts)})


async def read_updates(board: Switchboard, request: web.Request) -> web.Response:
    bot = board.bot_named(request.query.get("bot", ""))
    return web.json_response({
        "waiting": [{"update_id": each.id} | each.body for each in bot.waiting],
        "last_update_id": bot.last_update_id,
        "webhook": bot.webhook.url if bot.webhook else None,
        "allowed_updates": bot.allowed_updates,
    })  # fmt: skip


async def read_faults(board: Switchboard, request: web.Request) -> web.Response:
    return web.json_response({"faults": [each.model_dump(mode="json") for each in board.faults.listed()]})


async def read_clock(board: Switchboard, request: web.Request) -> web.Response:
    return web.json_response({"now": board.clock.moment().isoformat(), "offset": board.clock.offset})


async def read_bots(board: Switchboard, request: web.Request) -> web.Response:
    bots = [{"id": each.id, "name": each.name, "username": each.username, "token": each.token}
            for each in board.world.bots.values()]  # fmt: skip
    return web.json_response({"bots": bots})


READS: dict[str, Read] = {
    "people": read_people, "transcript": read_transcript, "changes": read_changes, "callback": read_callback,
    "menu": read_menu, "file": read_file, "requests": read_requests, "updates": read_updates,
    "faults": read_faults, "clock": read_clock, "bots": read_bots,
}  # fmt: skip
