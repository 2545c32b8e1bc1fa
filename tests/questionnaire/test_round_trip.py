"""What goes out as a FHIR Questionnaire comes back meaning the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.care.scoring import totals
from bot.content import Content, load_content
from bot.questionnaire import export_questionnaire, import_questionnaire
from tests.questionnaire.forms import (
    ORDINAL,
    WEIGHT,
    coding,
    content_with,
    form,
    meaning,
    scored,
    total,
    translated,
)

LETTERS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30
)
WORDS = LETTERS.map(str.strip).filter(bool)


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content()


@pytest.mark.parametrize("name", ["pcl5", "phq9", "gad7", "asq"])
def test_our_instruments_survive_the_way_out_and_back(content: Content, name: str) -> None:
    exported = export_questionnaire(name, content)
    Questionnaire.model_validate_json(exported)
    back = content_with(import_questionnaire(exported, languages=("en", "es")))
    (instrument,) = back.instruments.values()
    ours = content.instruments[name]
    assert len(instrument.items) == len(ours.items)
    for language in ("en", "es"):
        for new_id, old_id in zip(instrument.items, ours.items, strict=True):
            new, old = back.languages[language].items[new_id], content.languages[language].items[old_id]
            assert (new.question, new.stem, list(new.options.values())) == (
                old.question,
                old.stem,
                list(old.options.values()),
            )
    for new_id, old_id in zip(instrument.items, ours.items, strict=True):
        new_item, old_item = back.items[new_id], content.items[old_id]
        assert [each.value for each in new_item.options] == [each.value for each in old_item.options]
        assert bool(new_item.asked_when) == bool(old_item.asked_when)
        assert new_item.loinc == old_item.loinc
    worst = {item_id: back.items[item_id].highest for item_id in instrument.items}
    expected = [score.highest for score in ours.scores]
    assert [each.value for each in totals(instrument, worst)] == expected
    assert [each.loinc for each in instrument.scores] == [each.loinc for each in ours.scores]


@st.composite
def forms(draw: st.DrawFn) -> str:
    """Draw a questionnaire of up to six questions: groups, scores, conditions, translations, a total."""
    spanish = draw(st.booleans())
    items: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        items.append(_question(draw, f"q{number}", items, spanish))
    if draw(st.booleans()):
        half = len(items) // 2
        group: dict[str, Any] = {"linkId": "g", "type": "group", "text": draw(WORDS), "item": items[half:]}
        if spanish:
            group["_text"] = translated("es", draw(WORDS))
        items = [*items[:half], group]
    term = "%resource.descendants().where(linkId='{0}').answer.value.ordinal()"
    expression = " + ".join(term.format(f"q{number}") for number in range(2))
    return form(*items, total("sum", expression), title=draw(WORDS), language="en")


def _question(draw: st.DrawFn, link_id: str, before: list[dict[str, Any]], spanish: bool) -> dict[str, Any]:
    kind = draw(st.sampled_from(["choice", "choice", "boolean", "integer", "decimal", "text"]))
    item: dict[str, Any] = {"linkId": link_id, "type": kind, "text": draw(WORDS)}
    if spanish:
        item["_text"] = translated("es", draw(WORDS))
    if draw(st.booleans()):
        item["required"] = True
    if kind == "choice":
        codes = draw(
            st.lists(st.text("abcXYZ019._-", min_size=1, max_size=8), min_size=1, max_size=5, unique=True)
        )
        url = draw(st.sampled_from([ORDINAL, WEIGHT]))
        item["answerOption"] = [
            {"valueCoding": coding(code, draw(WORDS)), "extension": scored(url, draw(st.integers(0, 9)))}
            for code in codes
        ]
        item |= {"repeats": True} if draw(st.booleans()) and draw(st.booleans()) else {}
    if kind in ("integer", "decimal"):
        key = "valueInteger" if kind == "integer" else "valueDecimal"
        item["extension"] = [
            {"url": "http://hl7.org/fhir/StructureDefinition/minValue", key: 0},
            {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", key: draw(st.integers(1, 50))},
        ]
    item["enableWhen"] = [_condition(draw, each) for each in before if draw(st.integers(0, 3)) == 0]
    item["enableBehavior"] = draw(st.sampled_from(["any", "all"]))
    return {key: value for key, value in item.items() if value}


def _condition(draw: st.DrawFn, other: dict[str, Any]) -> dict[str, Any]:
    when: dict[str, Any] = {"question": other["linkId"]}
    exists = {"operator": "exists", "answerBoolean": draw(st.booleans())}
    if other["type"] == "choice":
        option = draw(st.sampled_from(other["answerOption"]))["valueCoding"]
        chosen = {"operator": draw(st.sampled_from(["=", "!="])), "answerCoding": option}
    elif other["type"] == "boolean":
        chosen = {"operator": "=", "answerBoolean": draw(st.booleans())}
    elif other["type"] in ("integer", "decimal"):
        name = "answerInteger" if other["type"] == "integer" else "answerDecimal"
        operator = draw(st.sampled_from(["=", "!=", ">", "<", ">=", "<="]))
        chosen = {"operator": operator, name: 1}
    else:
        chosen = exists
    return when | draw(st.sampled_from([chosen, exists]))


@settings(max_examples=60, deadline=None)
@given(forms())
def test_any_form_means_the_same_after_a_round_trip(text: str) -> None:
    first = content_with(import_questionnaire(text, languages=("en",)))
    (instrument_id,) = first.instruments
    exported = export_questionnaire(instrument_id, first)
    Questionnaire.model_validate(json.loads(exported))
    again = content_with(import_questionnaire(exported, languages=("en",)))
    assert meaning(again) == meaning(first)


def test_an_unknown_instrument_is_named_with_those_there_are(content: Content) -> None:
    with pytest.raises(KeyError, match="asq, gad7, pcl5, phq9"):
        export_questionnaire("isi", content)
