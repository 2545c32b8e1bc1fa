"""A wire that can be pulled out and put in again."""

from __future__ import annotations

import asyncio


async def free_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def forward(port: int, to: int) -> asyncio.Server:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(copy(reader, here), copy(there, writer), return_exceptions=True)

    return await asyncio.start_server(connect, "127.0.0.1", port)
