"""Methods that put a new message into a chat."""

from __future__ import annotations

from typing import Any

from bot.sandbox.calls import Call, find_chat, method
from bot.sandbox.entities import read_marked
from bot.sandbox.errors import bad_request
from bot.sandbox.media import read_media
from bot.sandbox.shapes import message_shape, sender_shape
from bot.sandbox.world import Chat, Json, Message, Version

MOST_TEXT = 4096
MOST_CAPTION = 1024
CHAT_ACTIONS = (
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
)  # fmt: skip


def post(call: Call, chat: Chat, version: Version, **more: Any) -> Json:
    """Put the bot's message into the chat and return it as the API shows it."""
    params = call.params
    if params.has("message_effect_id") and not chat.private:
        raise bad_request("message effects can be used only in private chats")
    thread = params.integer("message_thread_id") or None
    if thread is not None and chat.private:
        thread = None
    message = Message(
        id=0,
        sender=call.bot.id,
        at=version.at,
        versions=[version],
        reply_to=answered(call, chat),
        silent=params.flag("disable_notification"),
        protect=params.flag("protect_content"),
        thread=thread,
        **more,
    )
    message.id = call.board.next_message_id(chat)
    call.board.add_message(chat, message)
    return message_shape(call.world, chat, message)


def answered(call: Call, chat: Chat) -> int | None:
    """Return the id of the message replied to, None when there is none.

    Raises:
        ApiError: it is not in the chat, and the call insists.
    """
    given = call.params.object("reply_parameters", "reply parameters") or {}
    wanted = int(given.get("message_id") or call.params.integer("reply_to_message_id"))
    if not wanted:
        return None
    found = chat.messages.get(wanted)
    if found is not None and found.deleted_at is None:
        return wanted
    if given.get("allow_sending_without_reply") or call.params.flag("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


@method("sendMessage")
def send_message(call: Call) -> Json:
    chat = call.open_chat()
    said = read_marked(call.params, "text", MOST_TEXT, "message is too long")
    if not said.text:
        raise bad_request(
            "message text is empty" if not call.params.text("text") else "text must be non-empty"
        )
    version = Version(at=call.board.now(), text=said.text, entities=said.entities, markup=call.markup())
    return post(call, chat, version)


def _media_method(name: str, kind: str) -> None:
    @method(name)
    def send(call: Call) -> Json:
        chat = call.open_chat()
        said = read_marked(call.params, "caption", MOST_CAPTION, "message caption is too long")
        markup = call.markup()
        media = read_media(call, kind)
        version = Version(
            at=call.board.now(), text=said.text, entities=said.entities, markup=markup, media=media
        )
        return post(call, chat, version, kind=kind)


for _name, _kind in (
    ("sendPhoto", "photo"), ("sendDocument", "document"), ("sendVoice", "voice"), ("sendSticker", "sticker"),
    ("sendVideo", "video"), ("sendAudio", "audio"), ("sendAnimation", "animation"),
):  # fmt: skip
    _media_method(_name, _kind)


@method("sendLocation")
def send_location(call: Call) -> Json:
    chat = call.open_chat()
    try:
        place = {name: float(call.params.text(name)) for name in ("latitude", "longitude")}
    except ValueError:
        raise bad_request("wrong latitude or longitude specified") from None
    version = Version(at=call.board.now(), markup=call.markup(), media={"location": place})
    return post(call, chat, version, kind="location")


@method("sendContact")
def send_contact(call: Call) -> Json:
    chat = call.open_chat()
    card = {name: call.params.text(name) for name in ("phone_number", "first_name")}
    if not all(card.values()):
        raise bad_request("phone number and first name must be non-empty")
    version = Version(at=call.board.now(), markup=call.markup(), media={"contact": card})
    return post(call, chat, version, kind="contact")


@method("sendChatAction")
def send_chat_action(call: Call) -> bool:
    call.open_chat()
    if call.params.text("action") not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True


def _source(call: Call) -> tuple[Chat, Message]:
    given = call.params.text("from_chat_id")
    chat = find_chat(call.world, call.bot, given)
    if chat is None:
        raise bad_request("chat not found")
    return chat, call.message(chat, f"to {'copy' if 'copy' in call.name.lower() else 'forward'}")


def origin(call_world: Any, message: Message) -> Json:
    """Return where a forwarded message first came from."""
    if message.forward:
        return message.forward
    return {"type": "user", "date": int(message.at), "sender_user": sender_shape(call_world, message.sender)}


@method("forwardMessage")
def forward_message(call: Call) -> Json:
    chat = call.open_chat()
    _, message = _source(call)
    if message.protect or message.service:
        raise bad_request("message can't be forwarded")
    version = message.now.model_copy(update={"at": call.board.now()})
    return post(call, chat, version, kind=message.kind, forward=origin(call.world, message))


@method("copyMessage")
def copy_message(call: Call) -> Json:
    chat = call.open_chat()
    _, message = _source(call)
    if message.protect or message.service:
        raise bad_request("message can't be copied")
    changed: Json = {"at": call.board.now(), "markup": call.markup()}
    if call.params.has("caption") and message.kind != "text":
        said = read_marked(call.params, "caption", MOST_CAPTION, "message caption is too long")
        changed |= {"text": said.text, "entities": said.entities}
    return {
        "message_id": post(call, chat, message.now.model_copy(update=changed), kind=message.kind)[
            "message_id"
        ]
    }
