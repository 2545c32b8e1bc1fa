"""Telegram's two kinds of Markdown, strict as Telegram is."""

from __future__ import annotations

from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.world import Json

RESERVED = "_*[]()~`>#+-=|{}.!"
MARKS = ("```", "||", "__", "*", "_", "~", "`", "[")
KINDS = {"```": "pre", "||": "spoiler", "__": "underline", "*": "bold", "_": "italic", "~": "strikethrough",
         "`": "code", "[": "text_link"}  # fmt: skip
OLD_KINDS = {"```": "pre", "*": "bold", "_": "italic", "`": "code", "[": "text_link"}


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def refuse(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


class _Writer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.pieces: list[str] = []
        self.length = 0
        self.entities: list[Json] = []
        self.open: list[tuple[str, int, int]] = []  # mark, offset in the text, place in the source

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += units(piece)

    def byte(self, index: int) -> int:
        return len(self.source[:index].encode())

    def close(self, kind: str, offset: int, **more: str) -> None:
        if self.length > offset:
            self.entities.append({"type": kind, "offset": offset, "length": self.length - offset, **more})

    def finish(self) -> tuple[str, list[Json]]:
        return "".join(self.pieces), sorted(self.entities, key=lambda each: (each["offset"], -each["length"]))


def _link_end(writer: _Writer, at: int) -> tuple[str, int]:
    """Return the address after a link's text, and where reading goes on; `at` is at the "]"."""
    source = writer.source
    if source[at + 1 : at + 2] != "(":
        return "", at + 1
    end = source.find(")", at + 2)
    if end < 0:
        raise refuse(f"Can't find end of a URL at byte offset {writer.byte(at + 2)}")
    return source[at + 2 : end].replace("\\", ""), end + 1


def parse_markdown_v2(source: str) -> tuple[str, list[Json]]:
    """Return the text without marks, and what they marked.

    Raises:
        ApiError: a reserved character not escaped, or a mark never closed.
    """
    writer = _Writer(source)
    at = 0
    while at < len(source):
        at = _step_v2(writer, at)
    if writer.open:
        mark, _, place = writer.open[-1]
        name = KINDS[mark].replace("_", " ").title().replace(" ", "")
        raise refuse(f"Can't find end of {name} entity at byte offset {writer.byte(place)}")
    return writer.finish()


def _step_v2(writer: _Writer, at: int) -> int:
    source = writer.source
    letter = source[at]
    if letter == "\\" and at + 1 < len(source) and ord(source[at + 1]) <= 126:
        writer.add(source[at + 1])
        return at + 2
    within = writer.open[-1][0] if writer.open else ""
    if within in ("`", "```") and not source.startswith(within, at):
        if letter == "`":
            raise refuse("Character '`' is reserved and must be escaped with the preceding '\\'")
        writer.add(letter)
        return at + 1
    if letter == "]" and within == "[":
        _, offset, _ = writer.open.pop()
        url, after = _link_end(writer, at)
        if url:
            writer.close("text_link", offset, url=url)
        return after
    mark = next((each for each in MARKS if source.startswith(each, at)), "")
    if mark:
        return _mark_v2(writer, at, mark, within)
    if letter == ">" and (at == 0 or source[at - 1] == "\n"):
        return _quote_v2(writer, at)
    if letter in RESERVED:
        raise refuse(f"Character '{letter}' is reserved and must be escaped with the preceding '\\'")
    writer.add(letter)
    return at + 1


def _mark_v2(writer: _Writer, at: int, mark: str, within: str) -> int:
    if mark == within and mark != "[":
        _, offset, _ = writer.open.pop()
        writer.close(KINDS[mark], offset)
    else:
        writer.open.append((mark, writer.length, at))
    return at + len(mark)


def _quote_v2(writer: _Writer, at: int) -> int:
    end = writer.source.find("\n", at)
    end = len(writer.source) if end < 0 else end
    offset = writer.length
    inner, entities = parse_markdown_v2(writer.source[at + 1 : end])
    writer.add(inner)
    writer.entities += [each | {"offset": each["offset"] + offset} for each in entities]
    writer.close("blockquote", offset)
    return end


def parse_markdown(source: str) -> tuple[str, list[Json]]:
    """Return the text of the older Markdown, whose entities do not nest.

    Raises:
        ApiError: a mark never closed.
    """
    writer = _Writer(source)
    at = 0
    while at < len(source):
        if source[at] == "\\" and source[at + 1 : at + 2] in tuple("_*`["):
            writer.add(source[at + 1])
            at += 2
            continue
        mark = next((each for each in OLD_KINDS if source.startswith(each, at)), "")
        if not mark:
            writer.add(source[at])
            at += 1
            continue
        at = _old_entity(writer, at, mark)
    return writer.finish()


def _old_entity(writer: _Writer, at: int, mark: str) -> int:
    source = writer.source
    end = source.find("]" if mark == "[" else mark, at + len(mark))
    if end < 0:
        raise refuse(f"Can't find end of the entity starting at byte offset {writer.byte(at)}")
    offset = writer.length
    writer.add(source[at + len(mark) : end])
    if mark != "[":
        writer.close(OLD_KINDS[mark], offset)
        return end + len(mark)
    url, after = _link_end(writer, end)
    if url:
        writer.close("text_link", offset, url=url)
    return after
