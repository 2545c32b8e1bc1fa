"""What people do: write, press, send, change, delete, block; told to the bots as Telegram tells it."""

from __future__ import annotations

import zlib
from typing import Any

from bot.sandbox.entities import clean, with_found
from bot.sandbox.errors import ControlError
from bot.sandbox.markup import buttons_of
from bot.sandbox.media import media_shape, store_file
from bot.sandbox.params import Upload
from bot.sandbox.sending import origin
from bot.sandbox.shapes import member_change, message_shape, person_shape
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.world import BotAccount, Callback, Chat, Json, Message, Person, Version, chat_key

FIRST_PERSON_ID = 100_001


class People:
    """The people's side of every chat."""

    def __init__(self, board: Switchboard) -> None:
        self.board = board

    def create(self, given: Json) -> Person:
        """Add a person, or change one that exists."""
        person_id = int(given.get("id") or max(self.board.world.people, default=FIRST_PERSON_ID - 1) + 1)
        if person_id in self.board.world.bots or person_id <= 0:
            raise ControlError(f"id {person_id} cannot be a person's; take a positive number no bot has")
        known = self.board.world.people.get(person_id)
        fields = {**(known.model_dump() if known else {"first_name": f"Person {person_id}"}), **given}
        person = Person.model_validate(fields | {"id": person_id})
        self.board.world.people[person_id] = person
        self.board.touch()
        return person

    def person(self, person_id: int) -> Person:
        """Return a person, made on first use so that a test need not introduce everybody."""
        return self.board.world.people.get(person_id) or self.create({"id": person_id})

    def chat_of(self, person: Person, bot: BotAccount, chat_id: int | None = None) -> Chat:
        """Return the private chat with `bot`, or the group `chat_id` the person is in."""
        if chat_id is not None and chat_id < 0:
            group = self.group(chat_id)
            if group.members.get(person.id) in (None, "left", "kicked"):
                raise ControlError(
                    f"person {person.id} is not in group {chat_id}; add them with /control/group"
                )
            return group
        key = chat_key(person.id, bot.id)
        if key not in self.board.world.chats:
            self.board.world.chats[key] = Chat(id=person.id, type="private", bot=bot.id)
        return self.board.world.chats[key]

    def group(self, chat_id: int) -> Chat:
        group = self.board.world.chats.get(chat_key(chat_id, None))
        if group is None:
            raise ControlError(f"no group {chat_id}; make one with POST /control/group")
        if group.migrated_to is not None:
            return self.group(group.migrated_to)
        return group

    def send(self, person: Person, bot: BotAccount, version: Version, **more: Any) -> Json:
        """Put a person's message into a chat and tell the bots that may read it.

        `chat` (id of a group), `kind`, `reply_to`, `forward` may be given.
        Returns message_id and update_id (None: the bot was not told).
        """
        chat = self.chat_of(person, bot, more.pop("chat", None))
        if chat.private and person.id in bot.blocked_by:
            raise ControlError(f"person {person.id} has blocked bot {bot.name}; unblock first")
        if chat.private and person.id not in bot.started_by:
            bot.started_by.append(person.id)
        message = Message(
            id=self.board.next_message_id(chat),
            sender=person.id,
            at=self.board.now(),
            versions=[version],
            **more,
        )
        self.board.add_message(chat, message)
        return {
            "chat_id": chat.id,
            "message_id": message.id,
            "update_id": self.tell(chat, message, bot, "message"),
        }

    def tell(self, chat: Chat, message: Message, bot: BotAccount, kind: str) -> int | None:
        """Deliver a message to the bots of its chat; return the update id of `bot`."""
        shape = message_shape(self.board.world, chat, message)
        told = {each.id: self.board.deliver(each, kind, shape) for each in self.readers(chat, message)}
        return told.get(bot.id)

    def readers(self, chat: Chat, message: Message) -> list[BotAccount]:
        if chat.private and chat.bot is not None:
            return [self.board.world.bots[chat.bot]]
        present = [
            self.board.world.bots[member]
            for member, status in chat.members.items()
            if member in self.board.world.bots and status not in ("left", "kicked")
        ]
        text = message.now.text
        answered = chat.messages.get(message.reply_to or 0)
        return [
            each
            for each in present
            if each.reads_groups
            or chat.members[each.id] == "administrator"
            or message.service
            or text.startswith("/")
            or f"@{each.username}" in text
            or (answered is not None and answered.sender == each.id)
        ]

    def say(self, person: Person, bot: BotAccount, text: str, **more: Any) -> Json:
        if not text.strip():
            raise ControlError("text is empty; Telegram sends no empty message")
        text = clean(text).strip()
        if len(text) > 4096:
            raise ControlError(
                f"text has {len(text)} characters; Telegram's limit is 4096, split it as a client would"
            )
        return self.send(
            person, bot, Version(at=self.board.now(), text=text, entities=with_found(text, [])), **more
        )

    def send_file(
        self, person: Person, bot: BotAccount, kind: str, upload: Upload, caption: str, **more: Any
    ) -> Json:
        stored = store_file(self.board.world, kind, upload)
        entities = with_found(caption, [])
        version = Version(
            at=self.board.now(), text=caption, entities=entities, media=media_shape(kind, stored)
        )
        return self.send(person, bot, version, kind=kind, **more) | {"file_id": stored.id}

    def send_thing(self, person: Person, bot: BotAccount, kind: str, media: Json, **more: Any) -> Json:
        """Send a location, a contact or a poll."""
        return self.send(person, bot, Version(at=self.board.now(), media={kind: media}), kind=kind, **more)

    def own_message(self, person: Person, chat: Chat, message_id: int) -> Message:
        message = chat.messages.get(message_id)
        if message is None or message.deleted_at is not None or message.sender != person.id:
            raise ControlError(f"person {person.id} has no message {message_id} in chat {chat.id}")
        return message

    def edit(
        self, person: Person, bot: BotAccount, message_id: int, text: str, chat: int | None = None
    ) -> Json:
        where = self.chat_of(person, bot, chat)
        message = self.own_message(person, where, message_id)
        changed = {"at": self.board.now(), "text": text, "entities": with_found(text, [])}
        message.versions.append(message.now.model_copy(update=changed))
        self.board.touch(message)
        return {"message_id": message_id, "update_id": self.tell(where, message, bot, "edited_message")}

    def delete(self, person: Person, bot: BotAccount, message_id: int, chat: int | None = None) -> Json:
        """Delete a message for both sides; Telegram tells bots nothing about it."""
        where = self.chat_of(person, bot, chat)
        message = where.messages.get(message_id)
        if message is None:
            raise ControlError(f"no message {message_id} in chat {where.id}")
        message.deleted_at = self.board.now()
        self.board.touch(message)
        return {"message_id": message_id}

    def forward(self, person: Person, bot: BotAccount, given: Json) -> Json:
        """Forward a message of this chat by id, or words somebody else is said to have written."""
        now = self.board.now()
        if "message_id" in given:
            source = self.chat_of(person, bot).messages.get(int(given["message_id"]))
            if source is None or source.protect:
                raise ControlError(f"message {given['message_id']} does not exist or may not be forwarded")
            version = source.now.model_copy(update={"at": now, "markup": None})
            return self.send(person, bot, version, kind=source.kind, forward=origin(self.board.world, source))
        text = str(given.get("text", ""))
        hidden = {"type": "hidden_user", "date": int(now), "sender_user_name": given.get("from", "Somebody")}
        version = Version(at=now, text=text, entities=with_found(text, []))
        return self.send(person, bot, version, forward=hidden)

    def tap(self, person: Person, bot: BotAccount, given: Json) -> Json:
        """Press a button: by `data` or `label`, on `message_id` or on the newest message that has it.

        With `forge` any data is sent for the message given, button or not, as a forged client could.
        """
        chat = self.chat_of(person, bot, given.get("chat"))
        message, data = find_button(chat, given)
        self.board.world.last_callback += 1
        number = self.board.world.last_callback
        query = Callback(
            id=str(4_000_000_000 + number), bot=message.sender, person=person.id, chat=chat.key,
            message_id=message.id, data=data, at=self.board.now(),
        )  # fmt: skip
        self.board.world.callbacks[query.id] = query
        owner = self.board.world.bots.get(message.sender, bot)
        query.bot = owner.id
        update_id = self.board.deliver(owner, "callback_query", {
            "id": query.id,
            "from": person_shape(person),
            "message": message_shape(self.board.world, chat, message),
            "chat_instance": str(zlib.crc32(chat.key.encode())),
            "data": data,
        })  # fmt: skip
        return {"callback_id": query.id, "message_id": message.id, "data": data, "update_id": update_id}

    def block(self, person: Person, bot: BotAccount) -> Json:
        if person.id in bot.blocked_by:
            return {"update_id": None}
        bot.blocked_by.append(person.id)
        return self._private_change(person, bot, ("member", "kicked"))

    def unblock(self, person: Person, bot: BotAccount) -> Json:
        if person.id not in bot.blocked_by:
            return {"update_id": None}
        bot.blocked_by.remove(person.id)
        return self._private_change(person, bot, ("kicked", "member"))

    def _private_change(self, person: Person, bot: BotAccount, change: tuple[str, str]) -> Json:
        chat = self.chat_of(person, bot)
        shape = member_change(self.board.world, chat, bot, change, by=person.id, at=self.board.now())
        return {"update_id": self.board.deliver(bot, "my_chat_member", shape)}


def find_button(chat: Chat, given: Json) -> tuple[Message, str]:
    """Return the message and the data of the button meant.

    Raises:
        ControlError: no such button is on any message, with those that are.
    """
    if given.get("forge"):
        message = chat.messages.get(int(given.get("message_id", 0)))
        if message is None:
            raise ControlError("a forged tap needs the message_id of a message in this chat")
        return message, str(given["data"])
    wanted = given.get("message_id")
    alive = [each for each in chat.messages.values() if each.deleted_at is None]
    for message in reversed([each for each in alive if wanted in (None, each.id)]):
        for button in buttons_of(message.now.markup):
            if "callback_data" in button and _is_meant(button, given):
                return message, str(button["callback_data"])
    here = [button["text"] for each in alive[-3:] for button in buttons_of(each.now.markup)]
    raise ControlError(f"no such button in chat {chat.id}; the newest messages have: {here}")


def _is_meant(button: Json, given: Json) -> bool:
    if "data" in given:
        return bool(button["callback_data"] == given["data"])
    label = str(given.get("label", ""))
    return bool(button["text"] == label) or (
        label != "" and label.lower() == _words(str(button["text"])).lower()
    )


def _words(label: str) -> str:
    """Return a label without the signs around its words."""
    return label.strip("✓✔☑☐•◀▶←→↩ \ufe0f")
