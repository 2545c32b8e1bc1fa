"""Calculated totals: reading a FHIRPath expression when, and only when, it is a plain sum of answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import re2

LONGEST = 50_000
DEEPEST_VARIABLES = 10
NOTHING = ("{}", "0")
_VARIABLE = re.compile(r"%(\w+)")
_ROOT = re.compile(r"(?:%resource|%context|\$this)?\.?")
_STEP = re.compile(r"\.?(?:item|descendants\(\)|repeat\(item\)|children\(\))(?![\w(])")
_WHERE = re.compile(r"\.?where\(")
_IS = re.compile(r"linkId='([^']*)'")
_MATCHES = re.compile(r"linkId\.matches\('([^']*)'\)")
_VALUE = re.compile(
    r"(?:\.?answer)?(?:\.first\(\))?(?:\.value(?:\.ofType\(\w+\)|Coding|Integer|Decimal|Quantity)?)?"
    r"(?:\.ordinal\(\)|\.weight\(\)|\.extension(?:\.where\(url='[^']+'\)|\('[^']+'\))\.value(?:Decimal)?)?"
    r"(?:\.value)?(?:\.first\(\))?(?P<sum>\.sum\(\)|\.aggregate\(\$this\+\$total,0\)|\.aggregate\(\$total\+\$this,0\))?"
)


def summed(
    expression: str, variables: Mapping[str, str], links: Sequence[str], inside: Mapping[str, Sequence[str]]
) -> tuple[str, ...] | None:
    """Return the linkIds an expression adds up, or None when it is anything but a sum.

    `links` are the answerable linkIds of the form in order, `inside` those within each group.
    `variables` are the named expressions of the form, put in where they are used. A default of nothing
    or 0 for a missing answer is read as part of the sum; here a total with one missing is refused.
    """
    text = _plain(expression)
    for _ in range(DEEPEST_VARIABLES):
        put_in = _VARIABLE.sub(lambda name: _bracketed(variables, name[1]) or name[0], text)
        if put_in == text or len(put_in) > LONGEST:
            break
        text = put_in
    if len(text) > LONGEST:
        return None
    found: list[str] = []
    for term in _split(_unwrapped(text), "+"):
        added = _term(_unwrapped(term), links, inside)
        if added is None:
            return None
        found += added
    return tuple(dict.fromkeys(found)) if len(found) > 1 else None


def _bracketed(variables: Mapping[str, str], name: str) -> str:
    return f"({_plain(variables[name])})" if name in variables else ""


def _plain(expression: str) -> str:
    return re.sub(r"\s+", "", expression).replace('"', "'")


def _split(text: str, at: str) -> list[str]:
    """Split at a character that stands in no bracket and no quotes."""
    parts, depth, quoted, begin = [], 0, False, 0
    for index, character in enumerate(text):
        quoted = quoted != (character == "'")
        if not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
        if character == at and depth == 0 and not quoted:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


def _closing(text: str, begin: int) -> int:
    """Return where the bracket that opens before `begin` closes, or -1."""
    depth, quoted = 1, False
    for index in range(begin, len(text)):
        quoted = quoted != (text[index] == "'")
        if not quoted:
            depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return -1


def _unwrapped(text: str) -> str:
    """Return what stands within brackets around the whole, or what `iif` gives when it gives anything."""
    while True:
        begin = 1 if text.startswith("(") else 4 if text.startswith("iif(") else 0
        if begin == 0 or _closing(text, begin) != len(text) - 1:
            return text
        inner = text[begin:-1]
        if begin == 1:
            text = inner
            continue
        given = [each for each in _split(inner, ",")[1:] if each not in NOTHING]
        if len(given) != 1:
            return text
        text = given[0]


def _term(text: str, links: Sequence[str], inside: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Return the linkIds one term adds, or None when it is no answer and no sum of answers."""
    root = _ROOT.match(text)
    at = root.end() if root else 0
    chosen: list[str] | None = None
    while True:
        if step := _STEP.match(text, at):
            at = step.end()
            if chosen is not None:
                chosen = [each for link in chosen for each in inside.get(link, ())]
        elif where := _WHERE.match(text, at):
            end = _closing(text, where.end())
            known = list(dict.fromkeys([*links, *inside])) if chosen is None else chosen
            picked = _picked(text[where.end() : end], known) if end > 0 else None
            if picked is None:
                return None
            chosen, at = picked, end + 1
        else:
            break
    value = _VALUE.fullmatch(text, at)
    answers = [each for each in (links if chosen is None else chosen) if each in links]
    if value is None or not answers or at == 0 or (len(answers) > 1 and not value["sum"]):
        return None
    return answers


def _picked(condition: str, known: Sequence[str]) -> list[str] | None:
    """Return which of the known linkIds a `where` lets through, or None when it asks anything else."""
    wanted: list[str] = []
    for part in _alternatives(condition):
        if found := _IS.fullmatch(part):
            wanted.append(found[1])
        elif found := _MATCHES.fullmatch(part):
            try:
                pattern = re2.compile(found[1].replace("\\\\", "\\"))
            except re2.error:
                return None
            wanted += [each for each in known if pattern.search(each)]
        else:
            return None
    return [each for each in known if each in wanted]


def _alternatives(condition: str) -> Iterator[str]:
    """Yield the parts of `linkId='a' or linkId='b'`, the blanks already gone."""
    yield from re.split(r"(?<=['\)])or(?=linkId)", condition)
