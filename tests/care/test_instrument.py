"""A question is asked only when the answers so far leave it worth asking."""

from __future__ import annotations

import pytest

from bot.care.instrument import Answer, AskedWhen, Item, ItemKind, is_asked, meets

FOUR = Answer("answered", 4, "4")
PICKED = Answer("answered", code="nausea+fall")
SKIPPED = Answer("skipped")


@pytest.mark.parametrize(
    ("condition", "answer", "expected"),
    [
        pytest.param(AskedWhen("x", at_least=4), FOUR, True, id="at least, on it"),
        pytest.param(AskedWhen("x", at_least=4.5), FOUR, False, id="at least, below it"),
        pytest.param(AskedWhen("x", at_most=4), FOUR, True, id="at most, on it"),
        pytest.param(AskedWhen("x", above=4), FOUR, False, id="above, on it"),
        pytest.param(AskedWhen("x", above=3), FOUR, True, id="above"),
        pytest.param(AskedWhen("x", below=4), FOUR, False, id="below, on it"),
        pytest.param(AskedWhen("x", equals=4), FOUR, True, id="equals"),
        pytest.param(AskedWhen("x", differs=4), FOUR, False, id="differs, the same"),
        pytest.param(AskedWhen("x", at_least=2, at_most=5), FOUR, True, id="both limits hold"),
        pytest.param(AskedWhen("x", at_least=2, at_most=3), FOUR, False, id="one limit does not"),
        pytest.param(AskedWhen("x", any_of=("fall",)), PICKED, True, id="one of the picks"),
        pytest.param(AskedWhen("x", any_of=("seizure",)), PICKED, False, id="none of the picks"),
        pytest.param(AskedWhen("x", none_of=("fall",)), PICKED, False, id="picked what must not be"),
        pytest.param(AskedWhen("x", answered=True), FOUR, True, id="answered"),
        pytest.param(AskedWhen("x", answered=True), SKIPPED, False, id="skipped is not answered"),
        pytest.param(AskedWhen("x", answered=False), None, True, id="not asked is not answered"),
        pytest.param(AskedWhen("x", answered=False), FOUR, False, id="answered after all"),
        pytest.param(AskedWhen("x", at_least=0), SKIPPED, False, id="a skipped number is no zero"),
        pytest.param(AskedWhen("x", any_of=("fall",)), None, False, id="not asked, nothing picked"),
        pytest.param(AskedWhen("x", none_of=("fall",)), None, True, id="not asked, so not that"),
        pytest.param(AskedWhen("x", differs=4), SKIPPED, True, id="skipped, so not four"),
    ],
)
def test_conditions(condition: AskedWhen, answer: Answer | None, expected: bool) -> None:
    assert meets(condition, answer) is expected


@pytest.mark.parametrize(("of_all", "expected"), [(False, True), (True, False)])
def test_any_or_all(of_all: bool, expected: bool) -> None:
    conditions = (AskedWhen("x", at_least=1), AskedWhen("y", at_least=1))
    item = Item("z", ItemKind.TEXT, asked_when=conditions, asked_when_all=of_all)
    assert is_asked(item, {"x": FOUR, "y": SKIPPED}) is expected


def test_without_conditions_it_is_always_asked() -> None:
    assert is_asked(Item("z", ItemKind.TEXT), {})
