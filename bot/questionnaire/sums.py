"""Calculated totals: reading a FHIRPath expression when, and only when, it is a plain sum of answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

LONGEST = 20_000
DEEPEST_VARIABLES = 10
_LINK = r"\.?where\(linkId='(?P<link>[^']+)'\)"
_ROOT = r"(?:%resource|%context|%questionnaire)?\.?(?:descendants\(\)|repeat\(item\)|item)?"
_VALUE = (
    r"(?:\.answer)?(?:\.first\(\))?(?:\.value(?:\.ofType\(\w+\)|Coding|Integer|Decimal|Quantity)?)?"
    r"(?:\.ordinal\(\)|\.weight\(\)|\.extension(?:\.where\(url='[^']+'\)|\('[^']+'\))\.value(?:Decimal)?)?"
    r"(?:\.value)?(?:\.first\(\))?"
)
_ONE = re.compile(rf"{_ROOT}(?:\.item)?(?:{_LINK.replace('?P<link>', '?P<outer>')}\.item)?{_LINK}{_VALUE}")
_ALL_IN = re.compile(rf"{_ROOT}{_LINK}(?:\.descendants\(\)|\.repeat\(item\)|\.item)+{_VALUE}\.sum\(\)")
_ALL = re.compile(rf"(?:%resource|%context)?\.?(?:descendants\(\)|repeat\(item\)|item){_VALUE}\.sum\(\)")
_UNLESS_EMPTY = re.compile(r"iif\((?P<test>.+),(?:\{\},(?P<last>.+)|(?P<middle>.+),\{\})\)")
_VARIABLE = re.compile(r"%(\w+)")


def summed(
    expression: str, variables: Mapping[str, str], links: Sequence[str], inside: Mapping[str, Sequence[str]]
) -> tuple[str, ...] | None:
    """Return the linkIds an expression adds up, or None when it is anything but a sum.

    `links` are the answerable linkIds of the form in order, `inside` those within each group.
    `variables` are the named expressions of the form, put in where they are used.
    """
    text = _plain(expression)
    for _ in range(DEEPEST_VARIABLES):
        put_in = _VARIABLE.sub(lambda name: _plain(variables.get(name[1], name[0])), text)
        if put_in == text or len(put_in) > LONGEST:
            break
        text = put_in
    return None if len(text) > LONGEST else _terms(_unwrapped(text), links, inside)


def _plain(expression: str) -> str:
    return re.sub(r"\s+", "", expression).replace('"', "'")


def _unwrapped(text: str) -> str:
    """Return what `iif(..., {}, SUM)` gives when it gives anything, without brackets around the whole."""
    while True:
        match = _UNLESS_EMPTY.fullmatch(text)
        if match:
            text = match["last"] or match["middle"]
        elif text.startswith("(") and _closes_at_end(text):
            text = text[1:-1]
        else:
            return text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return at == len(text) - 1
    return False


def _terms(text: str, links: Sequence[str], inside: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    if _ALL.fullmatch(text):
        return tuple(links)
    group = _ALL_IN.fullmatch(text)
    if group and group["link"] in inside:
        return tuple(inside[group["link"]])
    found: list[str] = []
    for term in text.split("+"):
        match = _ONE.fullmatch(_unwrapped(term))
        if not match or match["link"] not in links:
            return None
        found.append(match["link"])
    return tuple(dict.fromkeys(found)) if len(found) > 1 else None
