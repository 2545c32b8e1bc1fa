"""A person's hands: a small client of the control interface, for tests and demonstrations.

async with Sandbox("http://127.0.0.1:8081") as sandbox:
    await sandbox.start(501, payload="INVITE")
    card = await sandbox.wait_for(501, "How did you sleep")
    await sandbox.tap(501, "4", message_id=card.message_id)
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

import httpx

WAIT_S = 15.0
Wanted = str | re.Pattern[str] | Callable[["Seen"], bool]


class SandboxError(Exception):
    """The sandbox would not do it; says why."""


@dataclass(frozen=True)
class Seen:
    """One message as it stands in a chat now."""

    message_id: int
    chat_id: int
    bot: str
    from_bot: bool
    text: str
    kind: str
    labels: tuple[str, ...]  # of its buttons, in reading order
    data: tuple[str, ...]  # of its buttons
    edited: bool
    deleted: bool
    pinned: bool
    silent: bool
    protected: bool
    change: int
    raw: dict[str, Any]

    @classmethod
    def read(cls, line: dict[str, Any]) -> Seen:
        buttons = [button for row in line["buttons"] for button in row]
        return cls(
            labels=tuple(str(each["label"]) for each in buttons),
            data=tuple(str(each["data"] or "") for each in buttons),
            deleted=line["deleted_at"] is not None,
            raw=line,
            **{name: line[name] for name in _PLAIN},
        )

    @property
    def versions(self) -> tuple[str, ...]:
        """What it said, from the first version to the present one."""
        return tuple(str(each["text"]) for each in self.raw["versions"])

    def matches(self, wanted: Wanted) -> bool:
        if isinstance(wanted, str):
            return wanted.lower() in self.text.lower()
        if isinstance(wanted, re.Pattern):
            return wanted.search(self.text) is not None
        return wanted(self)


_PLAIN = (
    "message_id",
    "chat_id",
    "bot",
    "from_bot",
    "text",
    "kind",
    "edited",
    "pinned",
    "silent",
    "protected",
    "change",
)


@dataclass(frozen=True)
class Done:
    """What an act of a person became."""

    message_id: int
    update_id: int | None
    callback_id: str = ""
    data: str = ""
    file_id: str = ""


@dataclass(frozen=True)
class TapAnswer:
    answered: bool
    text: str
    alert: bool


class Sandbox:
    """Talks to a running sandbox. Methods take a person's id; people are made on first use."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._http = httpx.AsyncClient(base_url=address, timeout=70)

    async def __aenter__(self) -> Sandbox:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Make any control call: `post("say", person=1, text="hello")`; None values are left out."""
        given = {name: value for name, value in body.items() if value is not None}
        return _read(await self._http.post(f"/control/{path}", json=given))

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        given = {name: value for name, value in query.items() if value is not None}
        return _read(await self._http.get(f"/control/{path}", params=given))

    async def person(self, person: int, first_name: str, language: str = "en") -> None:
        await self.post("person", id=person, first_name=first_name, language_code=language)

    async def say(self, person: int, text: str, *, bot: str = "care", chat: int | None = None,
                  reply_to: int | None = None) -> Done:  # fmt: skip
        return _done(await self.post("say", person=person, text=text, bot=bot, chat=chat, reply_to=reply_to))

    async def start(self, person: int, payload: str = "", *, bot: str = "care") -> Done:
        """Open the bot by a link: /start with a payload."""
        return _done(await self.post("start", person=person, payload=payload, bot=bot))

    async def tap(
        self,
        person: int,
        label: str | None = None,
        *,
        data: str | None = None,
        message_id: int | None = None,
        bot: str = "care",
        chat: int | None = None,
    ) -> Done:
        """Press a button by its label or data: on that message, or on the newest that has it."""
        return _done(await self.post("tap", person=person, label=label, data=data, message_id=message_id,
                                     bot=bot, chat=chat))  # fmt: skip

    async def forge(self, person: int, data: str, message_id: int, *, bot: str = "care") -> Done:
        """Send a press of a button that may not be there, as a forged client can."""
        return _done(
            await self.post("tap", person=person, data=data, message_id=message_id, bot=bot, forge=True)
        )

    async def tap_answer(self, tapped: Done, *, wait: float = WAIT_S) -> TapAnswer:
        """Return how the bot answered a press."""
        answer = await self.get("callback", id=tapped.callback_id, wait=wait)
        return TapAnswer(answer["answered_at"] is not None, answer["text"], answer["alert"])

    async def send(self, person: int, kind: str, content: bytes = b"", *, caption: str = "",
                   bot: str = "care", **more: Any) -> Done:  # fmt: skip
        """Send a photo, voice, video, sticker, file, location, contact or poll."""
        encoded = base64.b64encode(content).decode() if content else None
        return _done(
            await self.post(kind, person=person, bot=bot, content=encoded, caption=caption or None, **more)
        )

    async def edit(self, person: int, message_id: int, text: str, *, bot: str = "care") -> Done:
        return _done(await self.post("edit", person=person, message_id=message_id, text=text, bot=bot))

    async def block(self, person: int, *, bot: str = "care") -> None:
        await self.post("block", person=person, bot=bot)

    async def unblock(self, person: int, *, bot: str = "care") -> None:
        await self.post("unblock", person=person, bot=bot)

    async def fault(self, method: str, **fault: Any) -> None:
        """Switch trouble on; see `bot.sandbox.faults.Fault` for what may be given."""
        await self.post("fault", method=method, **fault)

    async def clear_faults(self) -> None:
        _read(await self._http.delete("/control/faults"))

    async def move_clock(self, by: timedelta) -> datetime:
        """Move the time and return the new present."""
        return datetime.fromisoformat((await self.post("clock", move=by.total_seconds()))["now"])

    async def set_clock(self, to: datetime) -> None:
        await self.post("clock", set=to.isoformat())

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self.get("clock"))["now"])

    async def requests(self, method: str = "") -> list[dict[str, Any]]:
        """Return every Bot API call made so far, oldest first."""
        found: list[dict[str, Any]] = (await self.get("requests", method=method))["requests"]
        return found

    async def change(self) -> int:
        """Return the number of the latest change; give it to `wait_for` to see only what is newer."""
        return int((await self.get("changes"))["change"])

    async def transcript(self, person: int | None = None, *, chat: int | None = None, bot: str | None = None,
                         after: int = 0) -> list[Seen]:  # fmt: skip
        """Return messages in the order they were sent, deleted ones too."""
        answer = await self.get("transcript", person=person, chat=chat, bot=bot, after=after)
        return sorted((Seen.read(line) for line in answer["messages"]), key=lambda each: each.raw["sent_at"])

    async def heard(self, person: int, *, bot: str | None = None) -> list[Seen]:
        """Return what the bot has said to a person and not deleted."""
        return [each for each in await self.transcript(person, bot=bot) if each.from_bot and not each.deleted]

    async def wait_for(self, person: int | None, wanted: Wanted, *, within: float = WAIT_S, after: int = 0,
                       bot: str | None = None, chat: int | None = None) -> Seen:  # fmt: skip
        """Return the newest message of a bot to `person` that matches, waiting until there is one.

        `wanted` is a part of its text (in any case), a pattern, or a condition. Edits count: a
        message is looked at again when it changes. `after` is a change number from `change()`.

        Raises:
            SandboxError: none came `within` that many seconds; the message lists what did.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        seen: dict[tuple[int, str, int], Seen] = {}
        while True:
            left = max(until - loop.time(), 0)
            answer = await self.get(
                "transcript", person=person, chat=chat, bot=bot, after=after, wait=min(left, 50)
            )
            for each in map(Seen.read, answer["messages"]):
                seen[each.chat_id, each.bot, each.message_id] = each
                after = max(after, each.change)
            found = [
                each for each in seen.values() if each.from_bot and not each.deleted and each.matches(wanted)
            ]
            if found:
                return max(found, key=lambda each: each.change)
            if loop.time() >= until:
                said = [each.text[:120] for each in sorted(seen.values(), key=lambda each: each.change)][-6:]
                raise SandboxError(f"nothing like {wanted!r} came to {person} in {within} s; latest: {said}")


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        raise SandboxError(f"{answer.request.url}: HTTP {answer.status_code}: {answer.text[:300]}") from None
    if answer.is_error:
        raise SandboxError(str(body.get("error", body)))
    found: dict[str, Any] = body
    return found


def _done(body: dict[str, Any]) -> Done:
    return Done(
        message_id=int(body.get("message_id") or 0),
        update_id=body.get("update_id"),
        callback_id=str(body.get("callback_id", "")),
        data=str(body.get("data", "")),
        file_id=str(body.get("file_id", "")),
    )
