"""Files: taken from uploads or named by id, kept, and described as the Bot API describes them."""

from __future__ import annotations

import hashlib
import secrets
import struct
from typing import TYPE_CHECKING

from bot.sandbox.errors import bad_request
from bot.sandbox.params import Upload
from bot.sandbox.world import Json, StoredFile, World

if TYPE_CHECKING:
    from bot.sandbox.calls import Call

LARGEST_PHOTO = 10_000_000
LARGEST_FILE = 50_000_000
FOLDERS = {"photo": "photos", "voice": "voice", "sticker": "stickers", "video": "videos", "audio": "music",
           "document": "documents", "animation": "animations"}  # fmt: skip


def store_file(world: World, kind: str, upload: Upload) -> StoredFile:
    unique = hashlib.sha256(upload.content + upload.name.encode()).hexdigest()[:16]
    number = len(world.files) + 1
    suffix = "jpg" if kind == "photo" else (upload.name.rpartition(".")[2] or "bin")
    stored = StoredFile(
        id=f"SB{kind[:3].upper()}{number}-{secrets.token_urlsafe(24)}",
        unique_id=f"SB{unique}",
        path=f"{FOLDERS[kind]}/file_{number}.{suffix}",
        name=upload.name,
        mime=upload.mime or "application/octet-stream",
        content=upload.content,
    )
    world.files[stored.id] = stored
    return stored


def find_upload(call: Call, given: str, field: str) -> Upload | None:
    uploads = call.params.uploads
    if given.startswith("attach://"):
        found = uploads.get(given.removeprefix("attach://"))
        if found is None:
            raise bad_request("file for attach:// was not found in the request")
        return found
    return uploads.get(field)


def read_media(call: Call, kind: str, given: str | None = None) -> Json:
    """Return the media of a call, stored: an upload, or a file already known by its id.

    Raises:
        ApiError: there is no file, or it is one Telegram would refuse.
    """
    given = call.params.text(kind) if given is None else given
    upload = find_upload(call, given, kind)
    if upload is None:
        return media_shape(kind, known_file(call.world, kind, given))
    if not upload.content:
        raise bad_request("file must be non-empty")
    if kind == "photo" and (len(upload.content) > LARGEST_PHOTO or image_size(upload.content) is None):
        raise bad_request(
            "IMAGE_PROCESS_FAILED" if len(upload.content) <= LARGEST_PHOTO else "file is too big"
        )
    if len(upload.content) > LARGEST_FILE:
        raise bad_request("file is too big")
    return media_shape(kind, store_file(call.world, kind, upload))


def known_file(world: World, kind: str, given: str) -> StoredFile:
    if not given:
        raise bad_request(f"there is no {kind} in the request")
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    if given not in world.files:
        raise bad_request("wrong remote file identifier specified: Wrong string length")
    return world.files[given]


def media_shape(kind: str, stored: StoredFile) -> Json:
    about: Json = {
        "file_id": stored.id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.content),
    }
    named: Json = {"file_name": stored.name, "mime_type": stored.mime}
    if kind == "photo":
        width, height = image_size(stored.content) or (90, 90)
        return {"photo": [about | {"width": width, "height": height}]}
    if kind == "voice":
        return {"voice": about | {"duration": 3, "mime_type": "audio/ogg"}}
    if kind == "sticker":
        looks = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return {"sticker": about | looks | {"emoji": "🙂"}}
    if kind in ("video", "animation"):
        moving: Json = about | named | {"width": 320, "height": 240, "duration": 3}
        return {"video": moving} if kind == "video" else {"animation": moving, "document": about | named}
    if kind == "audio":
        return {"audio": about | named | {"duration": 3}}
    return {"document": about | named}


def image_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, JPEG, GIF or WebP picture, None when it is none of these."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(content)
    if content.startswith((b"GIF8", b"RIFF")):
        return 90, 90
    return None


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        if 0xC0 <= content[at + 1] <= 0xCF and content[at + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return int(width), int(height)
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 90, 90
