"""The webhook route: 200 only after the commit, and nothing is read before the secret is right."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.intake.keeper import Keeper, update_id

logger = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
MOST_BYTES = 1_000_000
BODY_SECONDS = 10.0

Handler = Callable[[web.Request], Awaitable[web.Response]]


def webhook_handler(keeper: Keeper, secret: str, refused: Callable[[], None]) -> Handler:
    """Return the handler for one bot's webhook. `refused` counts what was not taken."""

    async def receive(request: web.Request) -> web.Response:
        try:
            _check_secret(request, secret)
            raw = _update(await _body(request))
        except _Refused as error:
            refused()
            return web.Response(status=error.status, headers={"Connection": "close"})
        try:
            await keeper.keep([raw])
        except Exception as error:
            logger.error("webhook.not_kept", extra={"error": type(error).__name__})
            return web.Response(status=503)  # Telegram comes again
        return web.Response(status=200)

    return receive


class _Refused(Exception):
    """Not an update of ours; `status` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _check_secret(request: web.Request, secret: str) -> None:
    given = request.headers.get(SECRET_HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode()):
        raise _Refused(401)


def _update(body: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise _Refused(400) from None
    if not isinstance(raw, dict) or update_id(raw) is None:
        raise _Refused(400)
    return raw


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MOST_BYTES:
        raise _Refused(413)
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.content.iter_chunked(65_536):
                size += len(part)
                if size > MOST_BYTES:
                    raise _Refused(413)
                parts.append(part)
    except TimeoutError:
        raise _Refused(408) from None
    return b"".join(parts)
