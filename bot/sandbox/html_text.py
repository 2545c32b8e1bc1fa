"""Telegram's HTML: few tags, every error with the place it is at."""

from __future__ import annotations

import html
import re

from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.world import Json

TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote", "span": "spoiler",
    "tg-emoji": "custom_emoji",
}  # fmt: skip
TAG = re.compile(r"<(/?)([a-zA-Z0-9-]*)((?:\s+[^<>]*)?)>")
ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
CHARACTER = re.compile(r"&(#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);")


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.text = ""
        self.length = 0  # of the text so far, in UTF-16 units
        self.entities: list[Json] = []
        self.open: list[tuple[str, int, str, int]] = []  # tag, offset, attributes, place in the source

    def add(self, piece: str) -> None:
        self.text += piece
        self.length += len(piece.encode("utf-16-le")) // 2

    def refuse(self, reason: str) -> ApiError:
        return bad_request(f"can't parse entities: {reason}")

    def byte(self, index: int) -> int:
        return len(self.source[:index].encode())

    def start_tag(self, hit: re.Match[str]) -> None:
        tag = hit.group(2).lower()
        if tag not in TAGS:
            place = self.byte(hit.start())
            raise self.refuse(f'Unsupported start tag "{tag}" at byte offset {place}')
        self.open.append((tag, self.length, hit.group(3), hit.start()))

    def end_tag(self, hit: re.Match[str]) -> None:
        place = self.byte(hit.start())
        if not self.open:
            raise self.refuse(f"Unexpected end tag at byte offset {place}")
        tag, offset, attributes, _ = self.open.pop()
        closing = hit.group(2).lower()
        if closing not in ("", tag):
            raise self.refuse(
                f'Unmatched end tag at byte offset {place}, expected "</{tag}>", found "</{closing}>"'
            )
        if self.length > offset:
            entity = {"type": TAGS[tag], "offset": offset, "length": self.length - offset}
            self.add_entity(entity, dict(_attributes(attributes)))

    def add_entity(self, entity: Json, attributes: dict[str, str]) -> None:
        if entity["type"] == "text_link":
            url = attributes.get("href", "")
            if not url:
                return
            if person := re.fullmatch(r"tg://user\?id=(\d+)", url):
                entity |= {"type": "text_mention", "user_id": int(person.group(1))}
                return
            entity["url"] = url
        if entity["type"] == "custom_emoji":
            entity["custom_emoji_id"] = attributes.get("emoji-id", "")
        self.entities.append(entity)


def _attributes(source: str) -> list[tuple[str, str]]:
    return [(hit[0].lower(), html.unescape(hit[1] or hit[2] or hit[3])) for hit in ATTRIBUTE.findall(source)]


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Return the text without tags, and what the tags marked.

    Raises:
        ApiError: an unknown or unclosed tag.
    """
    reader = _Reader(source)
    at = 0
    while at < len(source):
        if source[at] == "<":
            at = _read_tag(reader, at)
        elif hit := CHARACTER.match(source, at):
            reader.add(html.unescape(hit.group()))
            at = hit.end()
        else:
            reader.add(source[at])
            at += 1
    if reader.open:
        tag, _, _, _ = reader.open[-1]
        raise reader.refuse(f'Can\'t find end tag corresponding to start tag "{tag}"')
    return reader.text, sorted(reader.entities, key=lambda each: (each["offset"], -each["length"]))


def _read_tag(reader: _Reader, at: int) -> int:
    hit = TAG.match(reader.source, at)
    if hit is None:
        name = re.match(r"<([a-zA-Z0-9-]*)", reader.source[at:])
        place = reader.byte(at)
        if ">" not in reader.source[at:] and name and name.group(1):
            raise reader.refuse(f"Unclosed start tag at byte offset {place}")
        found = name.group(1) if name else ""
        raise reader.refuse(f'Unsupported start tag "{found}" at byte offset {place}')
    if hit.group(1):
        reader.end_tag(hit)
    else:
        reader.start_tag(hit)
    return hit.end()
