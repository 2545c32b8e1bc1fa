"""Text as Telegram takes it: cleaned, marked up, and with the parts it finds by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.sandbox.errors import bad_request
from bot.sandbox.html_text import parse_html
from bot.sandbox.markdown_text import parse_markdown, parse_markdown_v2
from bot.sandbox.params import Params
from bot.sandbox.world import Json

CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\u2028-\u202e]")
FOUND = (
    ("bot_command", re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?\b")),
    ("email", re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w")),
    ("url", re.compile(r"\bhttps?://[^\s<>\"]+[^\s<>\".,;:!?)]")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}\b")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[A-Za-z]\w*")),
)


@dataclass(frozen=True)
class Marked:
    """A text and its entities, whose offsets count UTF-16 units."""

    text: str
    entities: list[Json]


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def clean(text: str) -> str:
    """Replace what no client shows: control characters become spaces, carriage returns go."""
    return CONTROL.sub(" ", text.replace("\r", ""))


def read_marked(params: Params, name: str, limit: int, too_long: str, default_mode: str = "") -> Marked:
    """Return the text parameter `name` with its markup applied, as it will be shown.

    Raises:
        ApiError: the markup cannot be read, or the text is longer than `limit` characters.
    """
    text = params.text(name)
    mode = params.text("parse_mode", default_mode).lower()
    field = "entities" if name == "text" else f"{name}_entities"
    if mode in ("", "none"):
        given = params.object(field, "message entities") or []
        marked = Marked(clean(text), list(given))
    elif mode == "html":
        marked = Marked(*parse_html(clean(text)))
    elif mode == "markdownv2":
        marked = Marked(*parse_markdown_v2(clean(text)))
    elif mode == "markdown":
        marked = Marked(*parse_markdown(clean(text)))
    else:
        raise bad_request("unsupported parse_mode")
    marked = trim(marked)
    if len(marked.text) > limit:
        raise bad_request(too_long)
    return Marked(marked.text, with_found(marked.text, marked.entities))


def trim(marked: Marked) -> Marked:
    """Cut white space off both ends, and off the entities with it."""
    body = marked.text.rstrip()
    cut = utf16_length(body) - utf16_length(body.lstrip())
    body = body.lstrip()
    whole = utf16_length(body)
    entities = []
    for each in marked.entities:
        start = max(each["offset"] - cut, 0)
        end = min(each["offset"] + each["length"] - cut, whole)
        if end > start:
            entities.append(each | {"offset": start, "length": end - start})
    return Marked(body, entities)


def with_found(text: str, entities: list[Json]) -> list[Json]:
    """Add commands, addresses, mentions and hashtags that stand in plain text."""
    taken = [(each["offset"], each["offset"] + each["length"]) for each in entities]
    found = list(entities)
    for kind, pattern in FOUND:
        for hit in pattern.finditer(text):
            start = utf16_length(text[: hit.start()])
            end = start + utf16_length(hit.group())
            if all(end <= first or start >= last for first, last in taken):
                taken.append((start, end))
                found.append({"type": kind, "offset": start, "length": end - start})
    return sorted(found, key=lambda each: (each["offset"], -each["length"]))
