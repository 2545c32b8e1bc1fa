"""Trouble on purpose: what goes wrong with which call, and how often."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    ERROR = "error"  # answer `status` and `description` without acting
    RESET_BEFORE = "reset_before"  # the connection dies, nothing was done
    RESET_AFTER = "reset_after"  # it was done, then the connection dies
    HANG_BEFORE = "hang_before"  # nothing done, no answer for `seconds`
    HANG_AFTER = "hang_after"  # done, no answer for `seconds`
    HALF = "half"  # done, and half of the answer arrives
    HTML = "html"  # a proxy's HTML page with `status`, nothing done
    GARBAGE = "garbage"  # done, but the answer is not JSON
    SLOW = "slow"  # done and answered properly, after `seconds`


class Fault(BaseModel):
    """One rule of trouble.

    Empty `method`, `bot` or `chat_id` match every call; `method` may be a list joined by commas and
    "*" means all; `chat_from` matches that chat and all with a higher number. `skip` calls pass first,
    then `times` calls fail (0: until cleared).
    """

    model_config = ConfigDict(extra="forbid")

    id: int = 0
    kind: FaultKind = FaultKind.ERROR
    method: str = "*"
    bot: str = ""
    chat_id: int | None = None
    chat_from: int | None = None
    status: int = 500
    description: str = ""
    retry_after: int | None = None
    migrate_to_chat_id: int | None = None
    seconds: float = Field(default=3600, ge=0)
    times: int = Field(default=1, ge=0)
    skip: int = Field(default=0, ge=0)
    hits: int = 0

    def concerns(self, bot: str, method: str, chat_id: str) -> bool:
        methods = {each.strip().lower() for each in self.method.split(",")}
        return (
            ("*" in methods or method.lower() in methods)
            and self.bot in ("", bot)
            and (self.chat_id is None or str(self.chat_id) == chat_id)
            and (self.chat_from is None or (chat_id.isdecimal() and int(chat_id) >= self.chat_from))
        )

    def body(self) -> dict[str, Any]:
        """Return the error answer; Telegram's own words stand in where none were given."""
        words = self.description or _WORDS.get(self.status, f"Error {self.status}")
        if self.retry_after is not None and not self.description:
            words = f"Too Many Requests: retry after {self.retry_after}"
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": words}
        parameters = {"retry_after": self.retry_after, "migrate_to_chat_id": self.migrate_to_chat_id}
        if given := {name: value for name, value in parameters.items() if value is not None}:
            body["parameters"] = given
        return body


_WORDS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class Faults:
    """The faults now switched on, oldest first; the first that matches a call happens."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, fault: Fault) -> Fault:
        if fault.retry_after is not None and fault.status == 500:
            fault.status = 429
        self._last_id += 1
        fault.id = self._last_id
        self._faults.append(fault)
        return fault

    def listed(self) -> list[Fault]:
        return list(self._faults)

    def clear(self, fault_id: int | None = None) -> None:
        self._faults = [each for each in self._faults if fault_id not in (None, each.id)]

    def take(self, bot: str, method: str, chat_id: str) -> Fault | None:
        """Return the fault that happens to this call, and count it."""
        for fault in self._faults:
            if not fault.concerns(bot, method, chat_id):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.hits += 1
            if fault.times and fault.hits >= fault.times:
                self._faults.remove(fault)
            return fault
        return None
