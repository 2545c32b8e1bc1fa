"""Everything the sandbox remembers: bots, people, chats, messages. Plain data, saved as one JSON file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]


class Record(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Person(Record):
    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = "en"
    deactivated: bool = False


class Webhook(Record):
    url: str
    secret_token: str = ""
    max_connections: int = 40
    last_error_at: float | None = None
    last_error: str = ""


class Update(Record):
    """One update as the bot sees it; `at` is when it happened by the sandbox's clock."""

    id: int
    at: float
    body: Json


class BotAccount(Record):
    id: int
    token: str
    name: str  # how control calls name it: "care", "alert"
    username: str
    first_name: str
    reads_groups: bool = True  # False: Telegram's privacy mode, only commands and replies in groups
    commands: dict[str, list[dict[str, str]]] = {}  # by "scope|language"
    texts: dict[str, str] = {}  # name, description, short description by "which|language"
    allowed_updates: list[str] = []  # empty: Telegram's default
    webhook: Webhook | None = None
    waiting: list[Update] = []  # not confirmed yet
    past: dict[int, Update] = {}  # every update ever made, for redelivery
    last_update_id: int = 0
    started_by: list[int] = []
    blocked_by: list[int] = []


class Version(Record):
    """What a message said from `at` on."""

    at: float
    text: str = ""
    entities: list[Json] = []
    markup: Json | None = None
    media: Json | None = None  # as the Bot API spells it: {"photo": [...]}


class Message(Record):
    id: int
    sender: int
    at: float
    versions: list[Version]
    kind: str = "text"
    reply_to: int | None = None
    forward: Json | None = None
    service: Json | None = None  # {"new_chat_members": [...]}
    silent: bool = False
    protect: bool = False
    pinned: bool = False
    deleted_at: float | None = None
    reactions: dict[str, list[str]] = {}  # emoji by who set them
    thread: int | None = None
    change: int = 0  # the world's count of changes when this was last touched

    @property
    def now(self) -> Version:
        return self.versions[-1]


class Chat(Record):
    """A private chat belongs to one person and one bot; a group to many of both."""

    id: int
    type: str
    bot: int | None = None
    title: str = ""
    members: dict[int, str] = {}  # people and bots: member, administrator, left, kicked
    messages: dict[int, Message] = {}
    migrated_to: int | None = None
    last_message_id: int = 0  # counted here only in supergroups

    @property
    def private(self) -> bool:
        return self.type == "private"

    @property
    def key(self) -> str:
        return chat_key(self.id, self.bot)


class Callback(Record):
    id: str
    bot: int
    person: int
    chat: str
    message_id: int
    data: str
    at: float
    answered_at: float | None = None
    answer: str = ""
    alert: bool = False


class StoredFile(Record):
    id: str
    unique_id: str
    path: str
    name: str
    mime: str
    content: bytes


class World(Record):
    bots: dict[int, BotAccount] = {}
    people: dict[int, Person] = {}
    chats: dict[str, Chat] = {}
    callbacks: dict[str, Callback] = {}
    files: dict[str, StoredFile] = {}
    changes: int = 0
    last_message_id: int = 0
    last_group_id: int = 4_000_000
    last_callback: int = 0


def chat_key(chat_id: int, bot_id: int | None) -> str:
    """Return the key of a chat: the same person has a separate private chat with every bot."""
    return str(chat_id) if bot_id is None else f"{chat_id}/{bot_id}"
