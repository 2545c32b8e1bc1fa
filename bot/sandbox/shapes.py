"""What the Bot API's objects look like in JSON: complete enough for readers that insist on every field."""

from __future__ import annotations

from bot.sandbox.world import BotAccount, Chat, Json, Message, Person, World

ADMIN_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
    "can_post_stories", "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
)  # fmt: skip
GROUP_RIGHTS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages",
    "can_manage_topics",
)  # fmt: skip
GIFT_TYPES = [
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
]


def person_shape(person: Person) -> Json:
    shape: Json = {"id": person.id, "is_bot": False, "first_name": person.first_name}
    if person.last_name:
        shape["last_name"] = person.last_name
    if person.username:
        shape["username"] = person.username
    if person.language_code:
        shape["language_code"] = person.language_code
    return shape


def bot_shape(bot: BotAccount) -> Json:
    return {"id": bot.id, "is_bot": True, "first_name": bot.first_name, "username": bot.username}


def me_shape(bot: BotAccount) -> Json:
    return bot_shape(bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": bot.reads_groups,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def sender_shape(world: World, sender: int) -> Json:
    if sender in world.bots:
        return bot_shape(world.bots[sender])
    return person_shape(world.people[sender])


def chat_shape(world: World, chat: Chat) -> Json:
    shape: Json = {"id": chat.id, "type": chat.type}
    if not chat.private:
        shape["title"] = chat.title
        if chat.type == "group":
            shape["all_members_are_administrators"] = False
        return shape
    person = world.people[chat.id]
    shape["first_name"] = person.first_name
    if person.last_name:
        shape["last_name"] = person.last_name
    if person.username:
        shape["username"] = person.username
    return shape


def full_chat_shape(world: World, chat: Chat) -> Json:
    shape = chat_shape(world, chat) | {
        "accent_color_id": chat.id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(GIFT_TYPES, False),
    }
    if not chat.private:
        shape["permissions"] = dict.fromkeys(GROUP_RIGHTS, True)
    pinned = [each for each in chat.messages.values() if each.pinned and each.deleted_at is None]
    if pinned:
        shape["pinned_message"] = message_shape(world, chat, pinned[-1], with_reply=False)
    return shape


def message_shape(world: World, chat: Chat, message: Message, *, with_reply: bool = True) -> Json:
    """Return a Message as bots see it: its newest version."""
    said = message.now
    shape: Json = {
        "message_id": message.id,
        "from": sender_shape(world, message.sender),
        "chat": chat_shape(world, chat),
        "date": int(message.at),
    }
    if len(message.versions) > 1:
        shape["edit_date"] = int(said.at)
    if message.forward:
        shape["forward_origin"] = message.forward
    if message.thread is not None:
        shape |= {"message_thread_id": message.thread, "is_topic_message": True}
    if message.protect:
        shape["has_protected_content"] = True
    if message.service:
        return shape | message.service
    shape |= said.media or {}
    wording = "caption" if message.kind not in ("text", "contact", "location", "sticker") else "text"
    if said.text:
        shape[wording] = said.text
        if said.entities:
            shape["entities" if wording == "text" else "caption_entities"] = said.entities
    if said.markup and "inline_keyboard" in said.markup:
        shape["reply_markup"] = said.markup
    if with_reply and message.reply_to in chat.messages and message.reply_to is not None:
        shape["reply_to_message"] = message_shape(
            world, chat, chat.messages[message.reply_to], with_reply=False
        )
    return shape


def member_shape(user: Json, status: str) -> Json:
    """Return a ChatMember in one of the states the sandbox knows."""
    shape: Json = {"status": status, "user": user}
    if status == "administrator":
        shape |= dict.fromkeys(ADMIN_RIGHTS, True) | {"can_be_edited": False, "is_anonymous": False}
    if status == "creator":
        shape["is_anonymous"] = False
    if status == "kicked":
        shape["until_date"] = 0
    return shape


def member_change(
    world: World, chat: Chat, bot: BotAccount, change: tuple[str, str], *, by: int, at: float
) -> Json:
    """Return a ChatMemberUpdated about `bot`: `change` is its old and its new status."""
    before, after = change
    return {
        "chat": chat_shape(world, chat),
        "from": sender_shape(world, by),
        "date": int(at),
        "old_chat_member": member_shape(bot_shape(bot), before),
        "new_chat_member": member_shape(bot_shape(bot), after),
    }
