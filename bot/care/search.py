"""Searching with google-re2, whose time grows with the text alone, whatever the pattern."""

from __future__ import annotations

from collections.abc import Callable

import re2

NOWHERE = (-1, -1)
Span = Callable[..., tuple[int, int]]  # (text, from=0) -> first and one past the last byte, or NOWHERE
_OPTIONS = re2.Options()
_OPTIONS.max_mem = 1 << 25
_OPTIONS.log_errors = False
_ANYWHERE = re2._Anchor.UNANCHORED


def compiled(pattern: str) -> Span:
    """Return a function that finds the first place of a pattern in a text, at or after a byte.

    It calls the matcher below `re2`'s own match objects: these cost more than a search of a short message.
    """
    match = re2._Regexp(pattern.encode(), _OPTIONS)._regexp.Match

    def span(text: bytes, start: int = 0) -> tuple[int, int]:
        found: tuple[int, int] = match(_ANYWHERE, text, start, len(text))[0]
        return found

    return span
