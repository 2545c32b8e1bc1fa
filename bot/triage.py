"""Judging texts from outside a chat: a stream of JSON lines, or one text explained to a rule's owner."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, Protocol, TextIO

from bot.care.judgement import Hit
from bot.care.phrases import PhraseBook

LONGEST_LINE = 8_000_000  # bytes; a longer line is answered with an error
_MOST_NEAR = 12


class HasPhrases(Protocol):
    """The part of the content that judging needs."""

    @property
    def phrases(self) -> PhraseBook: ...


def triage(lines: Iterable[bytes], out: TextIO, content: HasPhrases) -> int:
    """Answer each line `{"text", "lang"}` with `{"level", "rules": [{"id", "level", "words"}]}`, in order.

    `lang` is ignored: both languages are always tried. A line that cannot be read is answered with
    `{"error", "line"}` and the others still are. Returns the exit code: 0, or 1 when any line was bad.
    A reader that goes away ends the work quietly.
    """
    code = 0
    try:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            answer = _answer(line, number, content.phrases)
            code = 1 if "error" in answer else code
            out.write(json.dumps(answer) + "\n")
            out.flush()
    except BrokenPipeError:
        _discard_the_rest(out)
    return code


def explain(text: str, content: HasPhrases) -> str:
    """Return, for people: what fired in `text`, what lowered it, and what nearly fired."""
    book = content.phrases
    seen = book.examine(text)
    top = seen.findings[0].level.key if seen.findings else "none"
    lines = [f"level: {top}"]
    for finding in seen.findings:
        words = ", ".join(f'"{each}"' for each in finding.words)
        asks = ", asks the direct question" if finding.asks else ""
        told = f", tells the patient {finding.told}" if finding.told else ""
        lines.append(
            f"  {finding.rule_id} {finding.level.key}: {words or '(the text as a whole)'}{told}{asks}"
        )
    lines += ["", "fired:", *(_explained(seen.hits, lowered=False) or ["  nothing"])]
    lines += ["", "lowered by its context:", *(_explained(seen.hits, lowered=True) or ["  nothing"])]
    if seen.restored:
        lines.append("  (lowering was undone: the message also speaks of intent, plan, means or preparation)")
    near = book.near(text)
    lines += ["", "nearly fired (one word short):", *(f"  {each}" for each in near[:_MOST_NEAR])]
    if len(near) > _MOST_NEAR:
        lines.append(f"  and {len(near) - _MOST_NEAR} more")
    return "\n".join([*lines, *([] if near else ["  nothing"])])


def _explained(hits: Iterable[Hit], *, lowered: bool) -> list[str]:
    lines: dict[str, None] = {}
    for hit in hits:
        if bool(hit.lowered_by) == lowered:
            why = f', lowered to {hit.level.key} by "{hit.lowered_by}"' if lowered else f" {hit.level.key}"
            lines[f'  {hit.phrase.rule_id}{why}: "{hit.words}" (phrase {hit.phrase.id}: {hit.pattern})'] = (
                None
            )
    return list(lines)


def _answer(line: bytes, number: int, book: PhraseBook) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        return _error(number, f"the line is {len(line)} bytes; the limit is {LONGEST_LINE}")
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _error(number, "the line is not UTF-8")
    except (ValueError, RecursionError):
        return _error(number, 'the line is not JSON; expected {"text": "...", "lang": "en"}')
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        return _error(number, 'expected an object with "text" as a string')
    findings = book.judge(data["text"])
    return {
        "level": findings[0].level.key if findings else "none",
        "rules": [
            {"id": each.rule_id, "level": each.level.key, "words": list(each.words)} for each in findings
        ],
    }


def _error(number: int, what: str) -> dict[str, Any]:
    return {"error": what, "line": number}


def _discard_the_rest(out: TextIO) -> None:
    """Point the closed pipe at nothing, so that the interpreter's last flush does not complain."""
    try:
        descriptor = out.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
