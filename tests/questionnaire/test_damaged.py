"""A damaged questionnaire is refused in words or read in part; it never stops the program."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.content.source import ContentError
from bot.questionnaire import import_questionnaire
from tests.questionnaire.forms import ORDINAL, SYSTEM, WEIGHT, choice, form, scored, total, translated

VALUESET = {
    "resourceType": "ValueSet",
    "id": "v",
    "compose": {"include": [{"system": SYSTEM, "concept": [{"code": "a", "extension": scored(WEIGHT, 2)}]}]},
}
SOUND = json.loads(
    form(
        {
            "linkId": "g",
            "type": "group",
            "text": "Last week",
            "_text": translated("es", "La última semana"),
            "item": [
                choice("a"),
                choice("b", enableWhen=[{"question": "a", "operator": "exists", "answerBoolean": True}]),
                {"linkId": "c", "type": "choice", "text": "?", "answerValueSet": "#v"},
                {"linkId": "d", "type": "integer", "text": "?", "extension": scored(ORDINAL, 1)},
            ],
        },
        total("t", "%resource.item.where(linkId='g').item.answer.value.ordinal().sum()"),
        contained=[VALUESET],
    )
)
ANYTHING = st.sampled_from(
    [None, 3, -1, 1.5, 10**30, True, "", "x", "a" * 3000, "iif(", "%t + %t", ORDINAL, [], [1, "a"], [{}], {}]
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a JSON document."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from places(inner, (*path, key))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(places(SOUND), key=str)), ANYTHING)
def test_any_value_may_be_anything(path: tuple[Any, ...], value: Any) -> None:
    damaged = copy.deepcopy(SOUND)
    holder = damaged
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    try:
        imported = import_questionnaire(json.dumps(damaged))
    except ContentError as error:
        assert error.problems
        assert all(each.what for each in error.problems)
    else:
        assert imported.toml_text.startswith("# Imported")


@example("null")
@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_at_all(text: str) -> None:
    try:
        import_questionnaire(text)
    except ContentError as error:
        assert len(error.problems) == 1
