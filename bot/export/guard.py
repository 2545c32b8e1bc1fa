"""The guard: what is changed in a text so that no program runs it and no format loses it.

`clean`, in every format: line ends become \\n, other control characters their visible pictures
(NUL becomes U+2400), what is no character (a lone surrogate, U+FFFE) becomes U+FFFD.
`disarm`, in CSV and XLSX: a text that begins with = + - @ ' or their full-width forms, a tab or
a line end gets one apostrophe in front, so that a spreadsheet shows it and never runs it. Whoever
reads such a file back takes one apostrophe away. Numbers are numbers and are never touched.
"""

from __future__ import annotations

import re

ARMED = "=+-@'\t\n\r＝＋－＠"
PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return `text` with nothing in it that a format cannot carry."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return NO_CHARACTER.sub("\ufffd", lines.translate(PICTURES))


def disarm(text: str) -> str:
    """Return `text` so that a spreadsheet never runs it."""
    return f"'{text}" if text[:1] and text[0] in ARMED else text


def rearm(text: str) -> str:
    """Return what `disarm` was given."""
    return text[1:] if text[:1] == "'" else text
