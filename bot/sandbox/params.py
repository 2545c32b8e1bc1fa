"""Reading a request's parameters the way the Bot API does: query, form, JSON or multipart, all alike."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bot.sandbox.errors import bad_request


@dataclass(frozen=True)
class Upload:
    name: str
    mime: str
    content: bytes


@dataclass
class Params:
    """The parameters of one call. Objects may come as JSON text or, in a JSON body, as themselves."""

    values: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name, default)
        if isinstance(value, bool) or value is None:
            return default if value is None else str(value).lower()
        if isinstance(value, dict | list):
            return json.dumps(value)
        text = str(value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise bad_request("strings must be encoded in UTF-8")
        return text

    def integer(self, name: str, default: int = 0) -> int:
        try:
            return int(self.text(name, str(default)).strip() or default)
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "yes", "t", "y")

    def has(self, name: str) -> bool:
        return self.values.get(name) not in (None, "") or name in self.uploads

    def object(self, name: str, what: str) -> Any:
        """Return a parameter that is a JSON object or list, or None when it is absent."""
        value = self.values.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None


async def read_params(request: web.Request) -> Params:
    """Return all parameters; a GET may carry a form in its body too, as some clients send it."""
    params = Params(values=dict(request.query))
    if request.content_type == "application/json":
        await _read_json(request, params)
        return params
    if request.method != "POST":
        params.values.update(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        return params
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            content = value.file.read()
            params.uploads[name] = Upload(value.filename, value.content_type, content)
        else:
            params.values[name] = value.decode() if isinstance(value, bytes | bytearray) else value
    return params


async def _read_json(request: web.Request, params: Params) -> None:
    body = await request.read()
    if not body.strip():
        return
    try:
        values = json.loads(body)
    except ValueError:
        raise bad_request("can't parse request JSON object") from None
    if not isinstance(values, dict):
        raise bad_request("request body must be a JSON object")
    params.values.update(values)
