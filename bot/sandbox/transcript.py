"""What stands in the chats, as people see it: for tests and for the page."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.sandbox.account import commands_shown
from bot.sandbox.world import Chat, Json, Message, Version, World


def instant(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def version_line(version: Version) -> Json:
    rows = (version.markup or {}).get("inline_keyboard", [])
    return {
        "at": instant(version.at),
        "text": version.text,
        "entities": version.entities,
        "buttons": [
            [
                {"label": each["text"], "data": each.get("callback_data"), "url": each.get("url"),
                 "style": each.get("style"), "copy": (each.get("copy_text") or {}).get("text")}
                for each in row
            ]
            for row in rows
        ],
        "keyboard": version.markup if version.markup and not rows else None,
        "media": version.media,
    }  # fmt: skip


def message_line(world: World, chat: Chat, message: Message) -> Json:
    """Return one message: its newest words, and every earlier version under `versions`."""
    from_bot = message.sender in world.bots
    sender = world.bots[message.sender] if from_bot else world.people[message.sender]
    return version_line(message.now) | {
        "chat_id": chat.id,
        "bot": world.bots[chat.bot].name if chat.bot is not None else "",
        "message_id": message.id,
        "from_bot": from_bot,
        "sender": sender.first_name,
        "sender_id": message.sender,
        "sent_at": instant(message.at),
        "kind": message.kind,
        "edited": len(message.versions) > 1,
        "deleted_at": instant(message.deleted_at),
        "pinned": message.pinned,
        "silent": message.silent,
        "protected": message.protect,
        "reply_to": message.reply_to,
        "forwarded": message.forward is not None,
        "service": message.service,
        "reactions": message.reactions,
        "change": message.change,
        "versions": [version_line(each) for each in message.versions],
    }


def transcript(world: World, chats: list[Chat], after: int) -> list[Json]:
    """Return messages touched after change number `after`, in the order they were last touched."""
    lines = [
        (message.change, message_line(world, chat, message))
        for chat in chats
        for message in chat.messages.values()
        if message.change > after
    ]
    return [line for _, line in sorted(lines, key=lambda each: each[0])]


def chats_meant(world: World, person: int | None, chat_id: int | None, bot_id: int | None) -> list[Chat]:
    """Return the chats a reader asked for: of a person, of a chat id, of a bot, or all."""
    return [
        chat
        for chat in world.chats.values()
        if (person is None or (chat.id == person if chat.private else person in chat.members))
        and (chat_id is None or chat.id == chat_id)
        and (bot_id is None or chat.bot in (None, bot_id))
    ]


def menu_line(world: World, chat: Chat) -> list[dict[str, str]]:
    if chat.bot is None or chat.id not in world.people:
        return []
    return commands_shown(world.bots[chat.bot], chat, world.people[chat.id].language_code)
