"""Carrying out a fault on one HTTP call."""

from __future__ import annotations

import asyncio
import json
import socket
import struct

from aiohttp import web

from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.world import Json

HTML = (
    "<html>\r\n<head><title>{0} Bad Gateway</title></head>\r\n"
    "<body><center><h1>{0} Bad Gateway</h1></center></body>\r\n</html>\r\n"
)


def abort(request: web.Request) -> web.Response:
    """Reset the connection at once; nothing more reaches the caller."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def happens_before(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Do what a fault does before the call is carried out; None when the call goes on."""
    match fault.kind:
        case FaultKind.ERROR:
            return web.json_response(fault.body(), status=fault.status)
        case FaultKind.HTML:
            status = fault.status if fault.status != 500 else 502
            return web.Response(text=HTML.format(status), status=status, content_type="text/html")
        case FaultKind.RESET_BEFORE:
            return abort(request)
        case FaultKind.HANG_BEFORE:
            await asyncio.sleep(fault.seconds)
            return abort(request)
        case FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
    return None


async def happens_after(request: web.Request, fault: Fault, answer: Json) -> web.StreamResponse:
    """Do what a fault does once the call has been carried out."""
    match fault.kind:
        case FaultKind.HALF:
            return await cut_short(request, json.dumps(answer).encode())
        case FaultKind.GARBAGE:
            return web.Response(text='{"ok":true,"result":', content_type="application/json")
        case FaultKind.HANG_AFTER:
            await asyncio.sleep(fault.seconds)
    return abort(request)


async def cut_short(request: web.Request, body: bytes) -> web.StreamResponse:
    """Send half of an answer whose whole length was announced, then hang up."""
    response = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": str(len(body))}
    )
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
