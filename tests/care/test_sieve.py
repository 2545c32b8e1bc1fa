"""The quick look at a text may let a pattern through that is not there, and never hold back one that is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.care.patterns import Grammar, collect_words
from bot.care.search import NOWHERE, compiled
from bot.care.sieve import Joiner, Sieve
from bot.care.vocabulary import Vocabulary
from bot.care.writer import Writer

FILLERS = frozenset({"just", "no"})  # one of them is a negation too
NEGATIONS = frozenset({"not", "no"})
LISTS = {
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
    | FILLERS | NEGATIONS | {"7", "tree", ".", "?", ",", "!"}
)  # fmt: skip


def machinery() -> tuple[Vocabulary, Writer, Sieve[str], dict[str, object]]:
    grammar = Grammar(LISTS)
    nodes = {pattern: grammar.read(pattern) for pattern in PATTERNS}
    sets: set[frozenset[str]] = {FILLERS, NEGATIONS, frozenset({"walking"})}
    for node in nodes.values():
        collect_words(node, sets, set())
    words = Vocabulary(sets, {}, (), frozenset({"to", "it"}))
    joiner, breaks = Joiner(words.weigh), NEGATIONS | {".", "?", "!"}
    sieve = Sieve([(pattern, joiner.joints(node)) for pattern, node in nodes.items()])
    sieve.settle(words.symbols, words.symbols_of(FILLERS), words.symbols_of(breaks))
    writer = Writer(
        words.class_of, words.every, words.ends, words.class_of(FILLERS), words.comma,
        words.class_but(breaks | {","}),
    )  # fmt: skip
    return words, writer, sieve, {pattern: compiled(writer.write(node)) for pattern, node in nodes.items()}


VOCABULARY, WRITER, SIEVE, SPANS = machinery()


def held(text: str) -> dict[str, bool]:
    """The patterns let through, each with whether it may stand there twice."""
    found, again = SIEVE.held("".join(VOCABULARY.encode(text.split())))
    return {pattern: bool(again >> joint & 1) for pattern, joint in found}


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_a_pattern_that_is_there_is_let_through(text):
    encoded = "".join(VOCABULARY.encode(text.split())).encode()
    let_through = held(text)
    for pattern, span in SPANS.items():
        first = span(encoded)
        if first != NOWHERE:
            assert pattern in let_through
            if first[1] < len(encoded) and span(encoded, first[1]) != NOWHERE:
                assert let_through[pattern], "a pattern that is there twice is known to be"


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        pytest.param("home want", "want home", id="the other way round"),
        pytest.param("want tree home", "want home", id="a word between"),
        pytest.param("want to . stop", "{want} .. {end}", id="a sentence between"),
        pytest.param("want to not stop", "{want} .. {end}", id="a negation between"),
        pytest.param("tree", "walk", id="nothing of it"),
    ],
)
def test_a_pattern_that_cannot_be_there_is_not_searched_for(text, pattern):
    assert pattern not in held(text)


def test_a_pattern_met_once_is_not_searched_for_again():
    assert held("want home tree")["want home"] is False
    assert held("want home want home")["want home"] is True
