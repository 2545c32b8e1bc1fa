"""From the Bot API's raw update to a `Reply`: never raises on any JSON object, however odd."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.message import Reply, ReplyKind

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""Asked for by name: left out, Telegram keeps whatever was set last."""

KIND_OF_FIELD = (
    ("text", ReplyKind.TEXT),
    ("voice", ReplyKind.VOICE),
    ("audio", ReplyKind.VOICE),
    ("photo", ReplyKind.PHOTO),
    ("paid_media", ReplyKind.PHOTO),
    ("sticker", ReplyKind.STICKER),
    ("animation", ReplyKind.VIDEO),  # before document: an animation carries both
    ("video", ReplyKind.VIDEO),
    ("video_note", ReplyKind.VIDEO),
    ("document", ReplyKind.FILE),
    ("venue", ReplyKind.LOCATION),
    ("location", ReplyKind.LOCATION),
    ("contact", ReplyKind.CONTACT),
    ("poll", ReplyKind.POLL),
)

SERVICE_FIELDS = (
    "pinned_message",
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
    "chat_background_set",
    "boost_added",
)
"""What the chat itself did: nobody said anything, nobody waits for an answer."""

PRESENT = ("creator", "administrator", "member", "restricted")

Json = Mapping[str, Any]


def read_update(raw: Json, bot: str, received_at: datetime) -> Reply | None:
    """Return what a person did, or None when nobody did anything or nobody can be answered.

    `received_at` stands in where the channel gives no time of its own: a press of a button.
    """
    update_id = raw.get("update_id")
    if not isinstance(update_id, int):
        return None
    readers = {
        "message": _message,
        "edited_message": _edited,
        "callback_query": _tap,
        "my_chat_member": _membership,
    }
    for field, reader in readers.items():
        body = raw.get(field)
        if isinstance(body, dict):
            found = reader(body, received_at)
            return Reply(bot=bot, update_id=update_id, **found) if found else None
    return None


def chat_of(raw: Json) -> int | None:
    """Return the chat an update belongs to, whatever its kind; None when it names none."""
    for body in raw.values():
        if not isinstance(body, dict):
            continue
        message = body.get("message") if isinstance(body.get("message"), dict) else body
        chat_id = _id(_part(message, "chat"))
        if chat_id is not None:
            return chat_id
    return None


def _message(body: Json, received_at: datetime) -> dict[str, Any] | None:
    found = _common(body, received_at)
    if found is None:
        return None
    if moved := _migration(body, found["chat_id"]):
        return found | moved | {"kind": ReplyKind.OTHER}
    if any(field in body for field in SERVICE_FIELDS) or _part(body, "from").get("is_bot") is True:
        return None
    kind = next((kind for field, kind in KIND_OF_FIELD if field in body), ReplyKind.OTHER)
    return found | {"kind": kind, "text": _words(body)}


def _edited(body: Json, received_at: datetime) -> dict[str, Any] | None:
    found = _common(body, received_at)
    if found is None or "location" in body:  # a live location moves by edits, every few seconds
        return None
    edited_at = _instant(body.get("edit_date"), found["sent_at"])
    return found | {"kind": ReplyKind.EDIT, "text": _words(body), "sent_at": edited_at}


def _tap(body: Json, received_at: datetime) -> dict[str, Any] | None:
    # The message may be inaccessible (date 0, no text): only its chat and id are relied upon.
    message, sender = _part(body, "message"), _part(body, "from")
    chat_id, sender_id = _id(_part(message, "chat")), _id(sender)
    if chat_id is None or sender_id is None:
        return None
    return {
        "kind": ReplyKind.TAP,
        "chat_id": chat_id,
        "sender_id": sender_id,
        "sent_at": received_at,
        "private": _part(message, "chat").get("type") == "private",
        "data": _text(body.get("data")),
        "callback_id": _text(body.get("id")),
        "message_id": _whole(message.get("message_id")),
        "language_code": _text(sender.get("language_code")),
    }


def _membership(body: Json, received_at: datetime) -> dict[str, Any] | None:
    found = _common(body, received_at)
    if found is None:
        return None
    here = _part(body, "new_chat_member").get("status") in PRESENT
    was_here = _part(body, "old_chat_member").get("status") in PRESENT
    if here == was_here and not found["private"]:
        return None  # promoted or restricted: still in the group, or still not
    if found["private"]:
        kind = ReplyKind.UNBLOCKED if here else ReplyKind.BLOCKED
    else:
        kind = ReplyKind.ADDED if here else ReplyKind.REMOVED
    return found | {"kind": kind}


def _common(body: Json, received_at: datetime) -> dict[str, Any] | None:
    chat, sender = _part(body, "chat"), _part(body, "from")
    chat_id = _id(chat)
    if chat_id is None:
        return None
    return {
        "chat_id": chat_id,
        "sender_id": _id(sender) or 0,  # posted in the name of a group or channel: no person
        "sent_at": _instant(body.get("date"), received_at),
        "private": chat.get("type") == "private",
        "message_id": _whole(body.get("message_id")),
        "reply_to_message_id": _whole(_part(body, "reply_to_message").get("message_id")),
        "language_code": _text(sender.get("language_code")),
        "forwarded": "forward_origin" in body or "forward_date" in body,
    }


def _migration(body: Json, chat_id: int) -> dict[str, Any] | None:
    """Both service messages of a move say the same: the old id, and the new one."""
    if new := _whole(body.get("migrate_to_chat_id")):
        return {"new_chat_id": new}
    if old := _whole(body.get("migrate_from_chat_id")):
        return {"chat_id": old, "new_chat_id": chat_id}
    return None


def _words(body: Json) -> str:
    return _text(body.get("text")) or _text(body.get("caption")) or _text(_part(body, "poll").get("question"))


def _part(body: Any, field: str) -> Json:
    part = body.get(field) if isinstance(body, dict) else None
    return part if isinstance(part, dict) else {}


def _id(body: Json) -> int | None:
    return _whole(body.get("id"))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _instant(value: Any, otherwise: datetime) -> datetime:
    """Return seconds since 1970 as an instant; `otherwise` when they are missing, 0 or out of range."""
    if not isinstance(value, int) or value <= 0:
        return otherwise
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return otherwise
