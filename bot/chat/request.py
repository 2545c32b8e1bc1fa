"""HTTP to the Bot API over aiohttp: several times the sends a second of the library's own request class."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import httpx
from telegram._utils.types import JSONDict
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

MOST_BYTES = 50_000_000
"""No answer of the Bot API is larger; an unpacked bomb stops here."""

CERTAINLY_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
"""Causes under which no byte of the request left this machine: sending again makes no second copy."""

Timeout = Any  # the library passes seconds, None, or a marker for "the default"


class AiohttpRequest(BaseRequest):
    """The library's request interface on one aiohttp session.

    `read_timeout` is the longest silence between two pieces of an answer, in seconds;
    `connect_timeout` covers waiting for a free connection as well.
    """

    def __init__(
        self,
        connections: int = 32,
        read_timeout: float = 10.0,
        connect_timeout: float = 5.0,
        use_proxy: bool = True,
    ) -> None:
        self._connections = connections
        self._read_timeout = read_timeout
        self._connect_timeout = connect_timeout
        self._use_proxy = use_proxy
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return self._read_timeout

    async def initialize(self) -> None:
        if self._session is None or self._session.closed:
            # httpx's context knows the certificates that come with Python packages; macOS has no others.
            connector = aiohttp.TCPConnector(limit=self._connections, ssl=httpx.create_ssl_context())
            self._session = aiohttp.ClientSession(
                connector=connector,
                trust_env=self._use_proxy,
                headers={"User-Agent": self.USER_AGENT, "Accept-Encoding": "identity"},
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: Timeout = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        await self.initialize()
        assert self._session is not None
        limits = self._limits(read_timeout, connect_timeout)
        body = _body(request_data)
        try:
            async with self._session.request(
                method, url, data=body, timeout=limits, allow_redirects=False
            ) as answer:
                return _outcome(answer.status, await _read(answer), method)
        except TimeoutError as error:
            raise TimedOut from error
        except (aiohttp.ClientError, OSError) as error:
            # The type alone: an error's own text may hold the address, and the address holds the token.
            raise NetworkError(type(error).__name__) from error

    def _limits(self, read: Timeout, connect: Timeout) -> aiohttp.ClientTimeout:
        read = read if isinstance(read, int | float) else self._read_timeout
        connect = connect if isinstance(connect, int | float) else self._connect_timeout
        return aiohttp.ClientTimeout(
            total=connect + 2 * read, connect=connect, sock_connect=connect, sock_read=read
        )

    @staticmethod
    def parse_json_payload(payload: bytes) -> JSONDict:
        """Return the answer as a dict. Unlike the library's own, nothing of a broken answer is logged."""
        try:
            answer = json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TelegramError("the answer is not a JSON object")
        return answer


def _body(request_data: RequestData | None) -> Any:
    if request_data is None:
        return None
    if not request_data.contains_files:
        return request_data.json_parameters
    form = aiohttp.FormData(request_data.json_parameters)
    for name, (file_name, content, mime_type) in request_data.multipart_data.items():
        form.add_field(name, content, filename=file_name, content_type=mime_type)
    return form


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_chunked(65_536):
        size += len(part)
        if size > MOST_BYTES:
            raise TelegramError("the answer is too long")
        parts.append(part)
    return b"".join(parts)


def _outcome(status: int, payload: bytes, method: str) -> tuple[int, bytes]:
    """Return status and body; a refusal that came with status 200 gets the status it names.

    Raises:
        TelegramError: status 200, and the body is no answer: the request may have been acted upon.
    """
    if status != 200 or method != "POST":
        return status, payload
    answer = AiohttpRequest.parse_json_payload(payload)
    if answer.get("ok") is True and "result" in answer:
        return status, payload
    code = answer.get("error_code")
    return (code if isinstance(code, int) and 400 <= code <= 599 else 500), payload
