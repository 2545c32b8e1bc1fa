"""The sandbox's one port: the Bot API, the control interface and the page.

/bot<TOKEN>/<method>        the Bot API
/file/bot<TOKEN>/<path>     files
/control/...                the people's side, see `bot.sandbox.control`
/                           the page with the phones
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox import methods
from bot.sandbox.calls import Call
from bot.sandbox.clock import SandboxClock
from bot.sandbox.control import control_routes
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import FaultKind
from bot.sandbox.params import Params, read_params
from bot.sandbox.polling import Polls, get_updates, push_updates
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.trouble import happens_after, happens_before
from bot.sandbox.world import BotAccount, Json

logger = logging.getLogger(__name__)
PAGE = Path(__file__).parent / "page"
LARGEST_REQUEST = 60_000_000
SAVE_EVERY_S = 0.3
BOARD = web.AppKey("board", Switchboard)
POLLS = web.AppKey("polls", Polls)

CARE_TOKEN = "7000000001:AAcare-sandbox-token-of-no-real-bot"
ALERT_TOKEN = "7000000002:AAalert-sandbox-token-of-no-real-bo"
BOTS = (
    BotAccount(id=7000000001, token=CARE_TOKEN, name="care", username="aftercare_demo_bot",
               first_name="Aftercare"),
    BotAccount(id=7000000002, token=ALERT_TOKEN, name="alert", username="aftercare_alert_bot",
               first_name="Aftercare alerts"),
)  # fmt: skip


def open_board(state: Path | None = None, clock_file: Path | None = None) -> Switchboard:
    """Return a switchboard with the two bots, as it was left when `state` was written before."""
    board = Switchboard(SandboxClock(clock_file), state)
    for each in BOTS:
        board.world.bots.setdefault(each.id, each.model_copy(deep=True))
    return board


def build_app(board: Switchboard, extra: Callable[[web.Application], None] | None = None) -> web.Application:
    """Return the web application; `extra` may add routes of its own."""
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app[BOARD] = board
    app[POLLS] = Polls()
    app.router.add_route("*", "/bot{token:[^/]+}/{method}", bot_api)
    app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", serve_file)
    app.add_routes(control_routes(board))
    if extra is not None:
        extra(app)
    app.router.add_get("/", front_page)
    app.router.add_static("/page", PAGE)
    app.cleanup_ctx.append(_background)
    return app


async def front_page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


async def _background(app: web.Application) -> AsyncIterator[None]:
    """Run webhooks and the saving of the world for as long as the server runs."""
    board = app[BOARD]

    async def answer_call(bot: BotAccount, body: bytes) -> None:
        await carry_out_reply(app, bot, body)

    async def save() -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            board.save()

    tasks = [asyncio.create_task(push_updates(board, answer_call)), asyncio.create_task(save())]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    board.save()


async def carry_out_reply(app: web.Application, bot: BotAccount, body: bytes) -> None:
    """Carry out the method a webhook may name in its answer."""
    try:
        values = json.loads(body or b"{}")
    except ValueError:
        return
    if isinstance(values, dict) and "method" in values:
        name = str(values.pop("method"))
        with contextlib.suppress(ApiError):
            await _act(app, bot, name, Params(values))


async def bot_api(request: web.Request) -> web.StreamResponse:
    board = request.app[BOARD]
    name = request.match_info["method"]
    bot = board.bot_with_token(request.match_info["token"])
    if bot is None:
        token = request.match_info["token"]
        well_formed = token.partition(":")[0].isdigit() and ":" in token
        return _refused(ApiError(401, "Unauthorized") if well_formed else ApiError(404, "Not Found"))
    try:
        params = await read_params(request)
    except ApiError as error:
        return _refused(error)
    _log(board, bot, name, params)
    fault = board.faults.take(bot.name, name, str(params.values.get("chat_id", "")))
    if fault is not None and (early := await happens_before(request, fault)) is not None:
        return early
    try:
        result = await _act(request.app, bot, name, params)
        answer: Json = {"ok": True, "result": result}
        status = 200
    except ApiError as error:
        answer, status = error.body(), error.code
    if fault is not None and fault.kind is not FaultKind.SLOW:
        return await happens_after(request, fault, answer)
    return web.json_response(answer, status=status)


async def _act(app: web.Application, bot: BotAccount, name: str, params: Params) -> Any:
    board = app[BOARD]
    call = Call(board, bot, name, params)
    if name.lower() == "getupdates":
        return await get_updates(call, app[POLLS])
    function = methods.METHODS.get(name.lower())
    if function is None:
        raise ApiError(404, "Not Found: method not found")
    if name.lower() == "setwebhook":
        app[POLLS].end(bot, "terminated by setWebhook request")
    return function(call)


def _refused(error: ApiError) -> web.Response:
    return web.json_response(error.body(), status=error.code)


def _log(board: Switchboard, bot: BotAccount, name: str, params: Params) -> None:
    board.counts[f"{bot.name}.{name}"] += 1
    board.requests.append({
        "number": sum(board.counts.values()),
        "bot": bot.name,
        "method": name,
        "chat_id": params.integer("chat_id") or None,
        "at": board.clock.moment().isoformat(),
        "params": dict(params.values) | dict.fromkeys(params.uploads, "(file)"),
    })  # fmt: skip


async def serve_file(request: web.Request) -> web.Response:
    board = request.app[BOARD]
    if board.bot_with_token(request.match_info["token"]) is None:
        return _refused(ApiError(401, "Unauthorized"))
    path = request.match_info["path"]
    stored = next((each for each in board.world.files.values() if each.path == path), None)
    if stored is None:
        return _refused(ApiError(404, "Not Found"))
    return web.Response(body=stored.content, content_type="application/octet-stream")


async def start(app: web.Application, port: int = 0, host: str = "127.0.0.1") -> tuple[web.AppRunner, int]:
    """Serve `app` and return its runner and the port it got (any free one for 0).

    A handler ends when its caller hangs up, so that a killed bot's poll does not linger.
    """
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.3, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port, reuse_address=True)
    await site.start()
    return runner, int(runner.addresses[0][1])
