"""Patterns tried at all places at once find what trying one place after the other finds, and where."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.nodes import Choice, Edge, Gap, Maybe, Node, Row, Stride, Words, spans
from bot.care.passage import Frame, Passage
from bot.care.patterns import NUMBER, Grammar
from bot.care.shortlist import Shortlist
from bot.care.vocabulary import Vocabulary

LISTS = {
    "filler": "just | no",  # one of them is a negation too
    "not": "not | no",
    "want": "want to | wish to | need",
    "end": "stop | end it | (put an)? end to (it | this)",
    "loose": "... home | go .. home | walk",
}
PATTERNS = (
    "walk",
    "want home",
    "{want} {end}",
    "{want} .. {end}",
    "{end} >> home",
    "walk (just | home)? (to)? stop",
    "walk ... (to)? home",
    "walk (.. to)? home",
    "(walk | ^) want",
    "^ {want} (^ | stop)? walk $",
    "{loose}",
    "{want} {loose}",
    "(stop walk | go .. home | #) it",
    "walk* home",
    "not walk",
    "walk _ home",
    "^^ go home $$",
)
WORDS = sorted(
    {"want", "to", "wish", "need", "stop", "end", "it", "put", "an", "this", "home", "go", "walk", "walking"}
    | {"just", "no", "not", "7", "tree", ".", "?", ",", "!"}
)  # fmt: skip

GRAMMAR = Grammar(LISTS)
NODES = {pattern: GRAMMAR.read(pattern) for pattern in PATTERNS}
FRAME = Frame(GRAMMAR.listed("filler"), GRAMMAR.listed("not"))
VOCABULARY = Vocabulary(GRAMMAR.words, {}, WORDS)
ENDS = r"[.?!]\ "
FILLER = r"(?:(?:just|no)\ )"
INSIDE = r"(?:(?!(?:no|not|[.?!,])\ )\S+\ )"


def passage(words: list[str]) -> Passage:
    return Passage(VOCABULARY.units(words), FRAME)


def as_written(node: Node) -> str:
    """The pattern as a regular expression over words, each with a space behind it."""
    match node:
        case Words():
            return f"(?:{'|'.join(map(_word, sorted(node.any_of)))})"
        case Maybe():
            return f"(?:{as_written(node.part)})?"
        case Choice():
            parts = [*([node.words] if node.words else []), *node.parts]
            return f"(?:{'|'.join(map(as_written, parts))})"
        case Row():
            return _row(node)
    return _between(node)


def _between(node: Node) -> str:
    match node:
        case Gap():
            return rf"(?:,\ )?(?:{INSIDE}(?:,\ )?){{{node.least},{node.most}}}"
        case Stride():
            return rf"(?:\S+\ ){{0,{node.most}}}"
        case Edge(message=True):
            return r"\A" if node.start else r"\Z"
    edge = r"\A" if node.start else r"\Z"
    return f"(?:{edge}|{ENDS})"


def _row(row: Row) -> str:
    out, between = "", True
    for part in row.parts:
        here = isinstance(part, Gap | Stride | Edge)
        filler = "" if between or here else f"{FILLER}{{0,2}}"
        inner = part.part if isinstance(part, Maybe) else part
        out += f"(?:{filler}{as_written(inner)}){'?' if isinstance(part, Maybe) else ''}"
        between = here
    return out


def _word(word: str) -> str:
    form = r"\d\S*" if word == NUMBER else rf"{word[:-1]}\S*" if word[-1] == "*" else re.escape(word)
    return rf"{form}\ "


def starts_of(pattern: str, words: list[str]) -> list[int]:
    """Every place where a regular expression may begin, one after the other."""
    sought, text = re.compile(as_written(NODES[pattern])), "".join(f"{word} " for word in words)
    places = [0, *(match.end() for match in re.finditer(" ", text))]
    return [number for number, place in enumerate(places) if sought.match(text, place)]


texts = st.lists(st.sampled_from(WORDS), max_size=14)


@given(words=texts)
def test_a_pattern_begins_where_a_regular_expression_begins(words: list[str]) -> None:
    text = passage(words)
    for pattern, node in NODES.items():
        wanted = starts_of(pattern, words)
        found = [place for place in range(len(words) + 1) if node.reach(text, 1 << place)]
        assert found == wanted, pattern
        assert bool(node.reach(text, text.everywhere)) == bool(wanted), pattern
        first = next(spans(node, text), None)
        assert (first and first[0]) == (wanted[0] if wanted else None), pattern


@given(words=texts)
def test_no_quick_look_hides_a_pattern_that_is_there(words: list[str]) -> None:
    text = passage(words)
    listed = set(Shortlist([(pattern, node.needs()) for pattern, node in NODES.items()]).of(text.heard))
    for pattern, node in NODES.items():
        if node.reach(text, text.everywhere):
            assert pattern in listed
            assert node.likely(text)


@pytest.mark.parametrize(
    ("pattern", "text", "places"),
    [
        pytest.param("walk", "walk home walk", [(0, 1), (2, 3)], id="every place, from left to right"),
        pytest.param("walk .. home", "walk walk home", [(0, 3)], id="from the first word, none overlapping"),
        pytest.param(
            "walk ... (to)? home", "walk home to home", [(0, 4)], id="to the last word it may end with"
        ),
        pytest.param("not walk", "not just no walk", [(0, 4)], id="two fillers between"),
        pytest.param("walk _ home", "walk not home", [], id="a gap runs over no negation"),
    ],
)
def test_where_a_pattern_stands(pattern: str, text: str, places: list[tuple[int, int]]) -> None:
    node = NODES.get(pattern) or GRAMMAR.read(pattern)
    assert list(spans(node, passage(text.split()))) == places


def test_many_ways_to_fit_take_no_more_steps_than_few() -> None:
    node = GRAMMAR.read("walk ... walk ... walk ... walk ... walk ... home")
    steps(node, passage(["walk"]))  # what is worked out once for a pattern is not counted
    few, many = passage(["walk"] * 40), passage(["walk"] * 4000)
    assert steps(node, many) == steps(node, few) < 20


def steps(node: Node, text: Passage) -> int:
    """How many calls it takes to look for a pattern that is not there."""
    calls: list[str] = []
    sys.setprofile(lambda frame, event, _: calls.append(event) if event == "call" else None)
    try:
        assert not node.reach(text, text.everywhere)
    finally:
        sys.setprofile(None)
    return len(calls)
