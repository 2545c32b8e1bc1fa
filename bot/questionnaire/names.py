"""Ids that fit our content, made from whatever a publisher called things."""

from __future__ import annotations

import re
import unicodedata

LONGEST_ID = 26


def slug(text: str, longest: int = LONGEST_ID) -> str:
    """Return letters, digits and underscores that stand for `text`, at most `longest` of them."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", flat).strip("_")[:longest].strip("_")


def unique(wanted: str, taken: set[str], longest: int = LONGEST_ID) -> str:
    """Return `wanted`, or with a number behind it when it is taken, and take it."""
    chosen, number = wanted or "x", 1
    while chosen in taken:
        number += 1
        chosen = f"{wanted[: longest - len(str(number)) - 1]}_{number}"
    taken.add(chosen)
    return chosen
