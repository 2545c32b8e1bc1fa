"""Personas for the sandbox's own tests, and the two doors they knock at."""

from __future__ import annotations

from typing import Any

import httpx

from bot.sandbox.running import RunningSandbox

MAYA = 501
SAM = 502
Answer = dict[str, Any]


def api(sandbox: RunningSandbox, method: str, *, token: str = "", **params: Any) -> Answer:
    """Make one Bot API call with a JSON body and return the whole answer, errors included."""
    address = f"{sandbox.api_url}/bot{token or sandbox.care_token}/{method}"
    answer = httpx.post(address, json=params, timeout=30)
    body: Answer = answer.json()
    assert answer.status_code == (200 if body["ok"] else body["error_code"])
    return body


def control(sandbox: RunningSandbox, call: str, **body: Any) -> Answer:
    """Make one control call that must succeed."""
    answer = httpx.post(f"{sandbox.address}/control/{call}", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    found: Answer = answer.json()
    return found


def look(sandbox: RunningSandbox, call: str, **query: Any) -> Answer:
    answer = httpx.get(f"{sandbox.address}/control/{call}", params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    found: Answer = answer.json()
    return found


def refused(code: int, description: str, **parameters: int) -> Answer:
    """Return the body with which the Bot API refuses."""
    body: Answer = {"ok": False, "error_code": code, "description": description}
    return body | ({"parameters": parameters} if parameters else {})


def keyboard(data: str, label: str = "4") -> Answer:
    return {"inline_keyboard": [[{"text": label, "callback_data": data}]]}
