"""One call of the Bot API: who called, with what, and which chat or message is meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.sandbox.errors import bad_request, forbidden
from bot.sandbox.markup import read_markup
from bot.sandbox.params import Params
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.world import BotAccount, Chat, Json, Message, World, chat_key

Method = Callable[["Call"], Any]
AMethod = TypeVar("AMethod", bound=Method)
METHODS: dict[str, Method] = {}


def method(*names: str) -> Callable[[AMethod], AMethod]:
    """Register a function as the Bot API methods `names`, which are matched without regard to case."""

    def register(function: AMethod) -> AMethod:
        METHODS.update({name.lower(): function for name in names})
        return function

    return register


@dataclass(frozen=True)
class Call:
    board: Switchboard
    bot: BotAccount
    name: str
    params: Params

    @property
    def world(self) -> World:
        return self.board.world

    def chat(self, parameter: str = "chat_id") -> Chat:
        """Return the chat meant, which exists and which the bot may know.

        Raises:
            ApiError: no such chat, or the group now has another id.
        """
        given = self.params.text(parameter)
        if not given:
            raise bad_request(f"{parameter} is empty")
        chat = find_chat(self.world, self.bot, given)
        if chat is None:
            raise unknown_chat(self.world, self.bot, given)
        if chat.migrated_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
            )
        if not chat.private:
            check_membership(chat, self.bot)
        return chat

    def open_chat(self) -> Chat:
        """Return the chat meant, into which the bot may write now."""
        chat = self.chat()
        if chat.private:
            if self.world.people[chat.id].deactivated:
                raise forbidden("user is deactivated")
            if chat.id in self.bot.blocked_by:
                raise forbidden("bot was blocked by the user")
        return chat

    def message(self, chat: Chat, missing: str, parameter: str = "message_id") -> Message:
        """Return the message meant; `missing` completes "message ... not found"."""
        if not self.params.has(parameter):
            raise bad_request("message identifier is not specified")
        message = chat.messages.get(self.params.integer(parameter))
        if message is None or message.deleted_at is not None:
            raise bad_request(f"message {missing} not found")
        return message

    def markup(self) -> Json | None:
        return read_markup(self.params.object("reply_markup", "reply keyboard markup"))


def find_chat(world: World, bot: BotAccount, given: str) -> Chat | None:
    if given.startswith("@"):
        named = next((each for each in world.people.values() if "@" + each.username == given), None)
        return world.chats.get(chat_key(named.id, bot.id)) if named else None
    try:
        chat_id = int(given)
    except ValueError:
        return None
    return world.chats.get(chat_key(chat_id, None if chat_id < 0 else bot.id))


def unknown_chat(world: World, bot: BotAccount, given: str) -> Exception:
    """A person the bot met in a group exists for it, but the first word is the person's."""
    met = any(
        str(person_id) == given and bot.id in chat.members
        for chat in world.chats.values()
        if not chat.private
        for person_id in chat.members
    )
    if met and given.isdigit():
        return forbidden("bot can't initiate conversation with a user")
    return bad_request("chat not found")


def check_membership(chat: Chat, bot: BotAccount) -> None:
    status = chat.members.get(bot.id)
    kind = "supergroup" if chat.type == "supergroup" else "group"
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {kind} chat")
    if status == "left":
        raise forbidden(f"bot is not a member of the {kind} chat")
    if status is None:
        raise bad_request("chat not found")
