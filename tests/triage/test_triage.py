"""Judging a stream of JSON lines, and explaining one text."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

from bot.triage import explain, triage
from tests.care.test_phrases import BOOK

CONTENT = SimpleNamespace(phrases=BOOK)


def _answers(*lines: bytes) -> tuple[int, list[dict]]:
    out = io.StringIO()
    code = triage(iter(lines), out, CONTENT)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_line_is_answered_with_level_and_rules():
    code, (urgent, calm) = _answers(
        b'{"text": "quiero morir", "lang": "en"}\n', b'{"text": "slept fine", "lang": "en"}\n'
    )
    assert code == 0
    assert urgent["level"] == "urgent"
    assert urgent["rules"][0] == {"id": "SUI-3", "level": "urgent", "words": ["quiero morir"]}
    assert calm == {"level": "none", "rules": []}


def test_bad_lines_are_answered_with_an_error_and_the_rest_goes_on():
    bad = [
        b"not json\n",
        b'{"lang": "en"}\n',
        b'{"text": 7}\n',
        b"[]\n",
        b'\xff\xfe{"text": "x"}\n',
        b"[" * 100_000,
    ]
    code, answers = _answers(*bad, b'{"text": "I want to die"}\n')
    assert code == 1
    assert [answer.get("line") for answer in answers[:-1]] == [1, 2, 3, 4, 5, 6]
    assert all("error" in answer for answer in answers[:-1])
    assert answers[-1]["level"] == "urgent"


def test_a_megabyte_and_a_lone_surrogate_are_answered():
    code, answers = _answers(
        json.dumps({"text": "a b " * 250_000}).encode(), b'{"text": "\\ud800 I want to die"}'
    )
    assert code == 0
    assert answers[1]["level"] == "urgent"


def test_a_reader_that_goes_away_ends_the_work():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    asked = []

    def lines():
        for number in range(10):
            asked.append(number)
            yield b'{"text": "hello"}'

    assert triage(lines(), Closed(), CONTENT) == 0
    assert asked == [0]


def test_explaining_says_what_fired_what_lowered_and_what_nearly_did():
    told = explain("no thoughts of killing myself, but my chest hurts", CONTENT)
    assert "level: emergency" in told
    assert "MED-1" in told
    assert 'lowered to watch by "denied"' in told
    assert "nearly fired" in told
