"""Methods that change, mark or remove messages, and the answer to a pressed button."""

from __future__ import annotations

from typing import Any

from bot.sandbox.calls import Call, method
from bot.sandbox.entities import read_marked
from bot.sandbox.errors import bad_request
from bot.sandbox.media import read_media
from bot.sandbox.sending import MOST_CAPTION, MOST_TEXT
from bot.sandbox.shapes import message_shape
from bot.sandbox.world import Chat, Json, Message, Version

DELETABLE_FOR_S = 48 * 3600
TAP_ANSWERABLE_FOR_S = 15
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
REACTIONS = frozenset({
    "❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮",
    "💩", "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤‍🔥", "🌚", "🌭", "💯", "🤣",
    "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋", "🖕", "😈", "😴", "😭", "🤓", "👻",
    "👨‍💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅", "🎄", "☃", "💅",
    "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷‍♂", "🤷", "🤷‍♀",
    "😡",
})  # fmt: skip


def _editable(call: Call) -> tuple[Chat, Message]:
    if call.params.has("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = call.chat()
    message = call.message(chat, "to edit")
    if message.sender != call.bot.id or message.service or message.forward:
        raise bad_request("message can't be edited")
    return chat, message


def _change(call: Call, chat: Chat, message: Message, **changed: Any) -> Json:
    """Add a version in which only `changed` differs, unless nothing would."""
    old = message.now
    new = Version.model_validate(old.model_dump() | changed | {"at": call.board.now()})
    if new.model_dump(exclude={"at"}) == old.model_dump(exclude={"at"}):
        raise bad_request(NOT_MODIFIED)
    message.versions.append(new)
    call.board.touch(message)
    return message_shape(call.world, chat, message)


@method("editMessageText")
def edit_text(call: Call) -> Json:
    chat, message = _editable(call)
    said = read_marked(call.params, "text", MOST_TEXT, "message is too long")
    if not said.text:
        raise bad_request("message text is empty")
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _change(call, chat, message, text=said.text, entities=said.entities, markup=call.markup())


@method("editMessageCaption")
def edit_caption(call: Call) -> Json:
    chat, message = _editable(call)
    said = read_marked(call.params, "caption", MOST_CAPTION, "message caption is too long")
    if message.kind in ("text", "sticker", "location", "contact"):
        raise bad_request("there is no caption in the message to edit")
    return _change(call, chat, message, text=said.text, entities=said.entities, markup=call.markup())


@method("editMessageReplyMarkup")
def edit_markup(call: Call) -> Json:
    chat, message = _editable(call)
    return _change(call, chat, message, markup=call.markup())


@method("editMessageMedia")
def edit_media(call: Call) -> Json:
    chat, message = _editable(call)
    given = call.params.object("media", "InputMedia")
    if not isinstance(given, dict) or given.get("type") not in (
        "photo",
        "document",
        "video",
        "audio",
        "animation",
    ):
        raise bad_request("can't parse InputMedia: unsupported type")
    if message.kind == "text":
        raise bad_request("there is no media in the message to edit")
    kind = str(given["type"])
    media = read_media(call, kind, str(given.get("media", "")))
    caption = str(given.get("caption") or "")
    if len(caption) > MOST_CAPTION:
        raise bad_request("message caption is too long")
    shape = _change(call, chat, message, media=media, text=caption, entities=[], markup=call.markup())
    message.kind = kind
    return shape | message_shape(call.world, chat, message)


def _delete(call: Call, message: Message) -> None:
    message.deleted_at = call.board.now()
    message.pinned = False
    call.board.touch(message)


@method("deleteMessage")
def delete_message(call: Call) -> bool:
    chat = call.chat()
    message = call.message(chat, "to delete")
    if call.board.now() - message.at > DELETABLE_FOR_S:
        raise bad_request("message can't be deleted for everyone")
    if not chat.private and message.sender != call.bot.id and chat.members[call.bot.id] != "administrator":
        raise bad_request("message can't be deleted")
    _delete(call, message)
    return True


@method("deleteMessages")
def delete_messages(call: Call) -> bool:
    chat = call.chat()
    wanted = call.params.object("message_ids", "message identifiers")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= 100:
        raise bad_request("too few or too many message identifiers specified")
    for each in wanted:
        message = chat.messages.get(int(each))
        if message is None or message.deleted_at is not None:
            continue
        if call.board.now() - message.at <= DELETABLE_FOR_S:
            _delete(call, message)
    return True


@method("answerCallbackQuery")
def answer_callback(call: Call) -> bool:
    text = call.params.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    query = call.world.callbacks.get(call.params.text("callback_query_id"))
    now = call.board.now()
    if query is None or query.bot != call.bot.id or query.answered_at is not None:
        raise bad_request(QUERY_TOO_OLD)
    if not 0 <= now - query.at <= TAP_ANSWERABLE_FOR_S:
        raise bad_request(QUERY_TOO_OLD)
    query.answered_at, query.answer, query.alert = now, text, call.params.flag("show_alert")
    call.board.touch()
    return True


@method("setMessageReaction")
def set_reaction(call: Call) -> bool:
    chat = call.chat()
    message = call.message(chat, "to react")
    given = call.params.object("reaction", "ReactionType") or []
    emoji = [str(each.get("emoji", "")).replace("\ufe0f", "") for each in given]
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if any(each not in REACTIONS for each in emoji):
        raise bad_request("REACTION_INVALID")
    message.reactions[str(call.bot.id)] = emoji
    call.board.touch(message)
    return True


@method("pinChatMessage")
def pin_message(call: Call) -> bool:
    chat = call.chat()
    message = call.message(chat, "to pin")
    message.pinned = True
    call.board.touch(message)
    return True


@method("unpinChatMessage")
def unpin_message(call: Call) -> bool:
    chat = call.chat()
    if call.params.has("message_id"):
        message = call.message(chat, "to unpin")
    else:
        pinned = [each for each in chat.messages.values() if each.pinned]
        if not pinned:
            raise bad_request("message to unpin not found")
        message = pinned[-1]
    message.pinned = False
    call.board.touch(message)
    return True


@method("unpinAllChatMessages")
def unpin_all(call: Call) -> bool:
    for message in call.chat().messages.values():
        if message.pinned:
            message.pinned = False
            call.board.touch(message)
    return True
