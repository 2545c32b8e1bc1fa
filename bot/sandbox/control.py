"""The control interface: driving the people's side, the clock and the faults over HTTP.

Every call answers JSON. POST bodies are JSON objects. `person` is a person's id; a person who is
not known yet is made on first use. `bot` is "care" (the default) or "alert". A call that cannot be
carried out answers 400 `{"error": "..."}` and says what is wrong.

    People
    POST /control/person     {"id": 501, "first_name": "Maya", "language_code": "es"}     add or change
    GET  /control/people
    POST /control/say        {"person": 501, "text": "hello"}     also "chat" (a group), "reply_to"
    POST /control/start      {"person": 501, "payload": "INVITE"}     opens t.me/bot?start=INVITE
    POST /control/tap        {"person": 501, "label": "I have this"}   or "data" ("message_id", else newest)
                             {"person": 501, "data": "x", "message_id": 7, "forge": true}     a forged press
    GET  /control/callback   ?id=4000000001&wait=5     how a press was answered
    POST /control/photo      {"person": 501, "content": "<base64>"} or voice, video, sticker, file
    POST /control/location   {"person": 501, "latitude": 51.5, "longitude": -0.1}
    POST /control/contact    {"person": 501, "phone_number": "+44 20 7946 0000", "first_name": "Sam"}
    POST /control/poll       {"person": 501, "question": "?", "options": ["a", "b"]}
    POST /control/edit       {"person": 501, "message_id": 7, "text": "new words"}
    POST /control/delete     {"person": 501, "message_id": 7}
    POST /control/forward    {"person": 501, "text": "words", "from": "Somebody"}     or "message_id"
    POST /control/block      {"person": 501}     also unblock, deactivate
    Groups
    POST /control/group           {"title": "Team", "members": [501], "supergroup": false}   answers chat_id
    POST /control/group/add       {"chat": -4000001, "person": 502}
                                  {"chat": -4000001, "bot": "care", "by": 501, "admin": true}
    POST /control/group/remove    {"chat": -4000001, "bot": "care", "by": 501}
    POST /control/group/migrate   {"chat": -4000001, "by": 501}     answers the new chat_id
    Reading
    GET  /control/transcript ?person=501&after=0&wait=20   also chat, bot; what changed after a change number
    GET  /control/menu       ?person=501     the commands this person is offered
    GET  /control/file       ?id=FILE_ID     the bytes of a file a bot or a person sent
    GET  /control/requests   ?method=sendMessage&after=0     every Bot API call made, and counts
    GET  /control/updates    ?bot=care     updates not confirmed yet, and whether a webhook is set
    Trouble and time
    POST /control/fault      {"method": "sendMessage", "status": 429, "retry_after": 3, "times": 2}
                             {"method": "sendMessage", "kind": "reset_after"}     kinds: error, reset_before,
                             reset_after, hang_before, hang_after, half, html, garbage, slow
    GET  /control/faults     DELETE /control/faults     also ?id=1
    POST /control/redeliver  {"update_id": 12}     an update comes again
    GET  /control/clock      POST /control/clock {"move": 300} or {"set": "2026-03-01T08:00:00Z"}
    POST /control/bot        {"name": "third", "token": "1:x", "username": "x_bot", "reads_groups": false}
    POST /control/reset      {}     forgets everything but the bots and the time
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from bot.sandbox.control_acts import ACTS
from bot.sandbox.control_reads import READS
from bot.sandbox.errors import ApiError, ControlError
from bot.sandbox.people import People
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.world import Json

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_routes(board: Switchboard) -> list[web.RouteDef]:
    people = People(board)
    routes = [web.post(f"/control/{name}", _acting(people, act)) for name, act in ACTS.items()]
    routes += [web.get(f"/control/{name}", explained(_reading(board, read))) for name, read in READS.items()]

    async def clear_faults(request: web.Request) -> web.Response:
        given = request.query.get("id")
        board.faults.clear(int(given) if given else None)
        return web.json_response({"ok": True})

    return [*routes, web.delete("/control/faults", explained(clear_faults))]


def _acting(people: People, act: Callable[[People, Json], Json]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.text() or "{}")
        if not isinstance(body, dict):
            raise ControlError("the body must be a JSON object")
        return web.json_response(act(people, body))

    return explained(handle)


def _reading(
    board: Switchboard, read: Callable[[Switchboard, web.Request], Awaitable[web.Response]]
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await read(board, request)

    return handle


def explained(handle: Handler) -> Handler:
    """Turn what a caller did wrong into a 400 that says so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handle(request)
        except KeyError as error:
            problem = f"{error.args[0]} is missing"
        except ValidationError as error:
            problem = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors() if each["loc"])
        except (ControlError, ApiError, ValueError) as error:
            problem = str(error)
        return web.json_response({"error": f"{request.path}: {problem}"}, status=400)

    return answer
