"""The shapes that cross a channel: what a person sent, what we send, and how sending can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class ReplyKind(StrEnum):
    """What a person did in a chat."""

    TEXT = "text"
    EDIT = "edit"  # an earlier text was changed; `text` is the new version, `message_id` the old id
    TAP = "tap"
    VOICE = "voice"
    PHOTO = "photo"
    STICKER = "sticker"
    VIDEO = "video"
    FILE = "file"
    LOCATION = "location"
    CONTACT = "contact"
    POLL = "poll"
    BLOCKED = "blocked"  # the person blocked the bot
    UNBLOCKED = "unblocked"
    ADDED = "added"  # the bot was put into a group or channel
    REMOVED = "removed"
    OTHER = "other"


@dataclass(frozen=True)
class Reply:
    """One thing a person did, in words no channel is needed to read.

    `bot` says which of our bots heard it ("care" or "alert"); (bot, update_id) is unique.
    `text` is as the person wrote it, never stripped or normalised; a caption counts as text.
    `sent_at` is the channel's own time, which after an outage may be hours before now.
    """

    bot: str
    update_id: int
    kind: ReplyKind
    chat_id: int
    sender_id: int
    sent_at: datetime
    private: bool = True
    text: str = ""
    data: str = ""  # the pressed button's data: untrusted
    callback_id: str = ""
    message_id: int | None = None
    reply_to_message_id: int | None = None
    language_code: str = ""
    forwarded: bool = False
    new_chat_id: int | None = None  # the group became a supergroup


class ButtonStyle(StrEnum):
    PLAIN = "plain"
    PRIMARY = "primary"
    SUCCESS = "success"
    DANGER = "danger"


@dataclass(frozen=True)
class Button:
    """A button under a message. `data` is at most 64 bytes of UTF-8 and carries no authority."""

    text: str
    data: str
    style: ButtonStyle = ButtonStyle.PLAIN


class OutgoingKind(StrEnum):
    MESSAGE = "message"
    EDIT = "edit"  # change text and buttons of `message_id`; falls back to a new message when refused
    ANSWER = "answer"  # answer a button press; best effort
    REACTION = "reaction"  # `text` is the emoji set on `message_id`; best effort
    DOCUMENT = "document"
    PHOTO = "photo"
    DELETE = "delete"
    PIN = "pin"
    COMMANDS = "commands"  # set the chat's command menu to `commands`
    LEAVE = "leave"


@dataclass(frozen=True)
class Outgoing:
    """One thing to do on a channel. Plain text only: pages and cards carry no parse mode."""

    kind: OutgoingKind
    chat_id: int
    text: str = ""
    buttons: tuple[tuple[Button, ...], ...] = ()
    message_id: int | None = None
    callback_id: str = ""
    alert: bool = False  # an answer shown as a box that must be closed
    silent: bool = False
    protect: bool = False
    file_name: str = ""
    file_bytes: bytes = b""
    commands: tuple[tuple[str, str], ...] = field(default=())
    address: str = ""  # where an outside channel delivers; a secret, sealed like the text


class Failure(StrEnum):
    """Why a send failed, and so what may be done about it (the table in the README)."""

    POISON = "poison"  # this content is refused: send the fixed plain line, never the same body again
    MOVED = "moved"  # the chat has a new id: store it and send again now
    DEAD_ADDRESS = "dead_address"  # blocked, gone: failed for good
    DEAD_CHANNEL = "dead_channel"  # the bot's token is refused: use other channels
    CONFLICT = "conflict"  # a second poller
    WAIT = "wait"  # told when to come back
    TRANSIENT = "transient"  # back off and try again
    NOT_SENT = "not_sent"  # certainly not sent: try again now
    AMBIGUOUS = "ambiguous"  # may have been sent


class SendError(Exception):
    """A channel could not send. Carries a class of failure, never content, ids of people or tokens."""

    def __init__(
        self,
        failure: Failure,
        *,
        retry_after: timedelta | None = None,
        new_chat_id: int | None = None,
    ) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.retry_after = retry_after
        self.new_chat_id = new_chat_id

    @property
    def permanent(self) -> bool:
        return self.failure in (Failure.POISON, Failure.DEAD_ADDRESS, Failure.DEAD_CHANNEL)


@dataclass(frozen=True)
class Sent:
    """What the provider said when it accepted: the id of the message, when it has one."""

    message_id: int | None = None


class Sender(Protocol):
    """Carries one outgoing message to a channel."""

    async def send(self, outgoing: Outgoing) -> Sent:
        """Return once the provider has accepted.

        Raises:
            SendError: it has not, or may not have.
        """
