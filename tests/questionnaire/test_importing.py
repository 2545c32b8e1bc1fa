"""Questionnaires as others publish them: what is carried, and what is said not to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.care.instrument import AskedWhen, ItemKind
from bot.care.scoring import totals
from bot.content.source import ContentError
from bot.questionnaire import import_file, import_questionnaire
from tests.questionnaire.forms import (
    ORDINAL,
    SYSTEM,
    WEIGHT,
    choice,
    coding,
    content_with,
    form,
    scored,
    total,
    translated,
)


def imported(text: str, *valuesets: str) -> Any:
    return content_with(
        import_questionnaire(text, [("vs.json", each) for each in valuesets], languages=("en",))
    )


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"type": "boolean"}, ItemKind.CHOICE),
        ({"type": "integer"}, ItemKind.NUMBER),
        ({"type": "decimal"}, ItemKind.NUMBER),
        ({"type": "string"}, ItemKind.TEXT),
        ({"type": "text"}, ItemKind.TEXT),
        (choice("1"), ItemKind.CHOICE),
        (choice("1", repeats=True), ItemKind.MULTI),
    ],
)
def test_types(item: dict[str, Any], kind: ItemKind) -> None:
    content = imported(form({"linkId": "1", "text": "How are you?"} | item))
    (found,) = content.items.values()
    assert (found.kind, found.link_id) == (kind, "1")
    assert content.languages["en"].items[found.id].question.endswith("?")


def test_words_of_groups_and_displays_stand_before_the_question() -> None:
    inner = {"linkId": "g2", "type": "group", "text": "At night", "item": [choice("1"), choice("2")]}
    note = {"linkId": "d", "type": "display", "text": "Take your time."}
    content = imported(form({"linkId": "g", "type": "group", "text": "Last week", "item": [note, inner]}))
    stems = [words.stem for words in content.languages["en"].items.values()]
    assert stems == ["Last week\nAt night\nTake your time.", "Last week\nAt night"]


@pytest.mark.parametrize("url", [ORDINAL, WEIGHT])
@pytest.mark.parametrize("place", ["option", "coding", "valueset"])
def test_scores_on_any_of_their_places(url: str, place: str) -> None:
    given = scored(url, 3)
    if place == "valueset":
        concepts = [{"code": "a", "display": "A", "extension": given}]
        valueset = {
            "resourceType": "ValueSet",
            "id": "v",
            "compose": {"include": [{"system": SYSTEM, "concept": concepts}]},
        }
        item = {"linkId": "1", "type": "choice", "text": "?", "answerValueSet": "#v"}
        content = imported(form(item, contained=[valueset]))
    else:
        option = {"valueCoding": coding("a")} | ({"extension": given} if place == "option" else {})
        option["valueCoding"] |= {"extension": given} if place == "coding" else {}
        content = imported(form({"linkId": "1", "type": "choice", "text": "?", "answerOption": [option]}))
    (item_read,) = content.items.values()
    assert [(each.code, each.value) for each in item_read.options] == [("a", 3)]


@pytest.mark.parametrize("shape", ["compose", "expansion", "codesystem", "bundle"])
def test_a_supplied_answer_list(shape: str) -> None:
    url = "http://example.org/vs"
    concepts = [
        {"code": "a", "display": "A"},
        {"code": "b", "display": "B", "designation": [{"language": "es", "value": "Be"}]},
    ]
    system = {"resourceType": "CodeSystem", "url": SYSTEM, "concept": concepts}
    plain = {
        "resourceType": "ValueSet",
        "url": url,
        "compose": {"include": [{"system": SYSTEM, "concept": concepts}]},
    }
    whole = {"resourceType": "ValueSet", "url": url, "compose": {"include": [{"system": SYSTEM}]}}
    supplied = {
        "compose": [plain],
        "expansion": [
            {
                "resourceType": "ValueSet",
                "url": url,
                "expansion": {"contains": [{"system": SYSTEM} | each for each in concepts]},
            }
        ],
        "codesystem": [whole, system],
        "bundle": [{"resourceType": "Bundle", "entry": [{"resource": whole}, {"resource": system}]}],
    }[shape]
    item = {"linkId": "1", "type": "choice", "text": "Which?", "answerValueSet": f"{url}|1.0"} | {
        "_text": translated("es-MX", "¿Cuál?")
    }
    content = imported(form(item), *(json.dumps(each) for each in supplied))
    (found,) = content.items.values()
    assert [each.code for each in found.options] == ["a", "b"]
    assert content.languages["es"].items[found.id].question == "¿Cuál?"
    assert content.languages["es"].items[found.id].options["b"] == "Be"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"operator": "=", "answerCoding": coding("yes")}, AskedWhen("form_c", any_of=("yes",))),
        ({"operator": "!=", "answerCoding": coding("yes")}, AskedWhen("form_c", none_of=("yes",))),
        ({"operator": "exists", "answerBoolean": True}, AskedWhen("form_c", answered=True)),
        ({"operator": "exists", "answerBoolean": False}, AskedWhen("form_c", answered=False)),
        ({"question": "n", "operator": ">", "answerInteger": 3}, AskedWhen("form_n", above=3)),
        ({"question": "n", "operator": ">=", "answerDecimal": 3.5}, AskedWhen("form_n", at_least=3.5)),
        ({"question": "n", "operator": "<", "answerInteger": 3}, AskedWhen("form_n", below=3)),
        ({"question": "n", "operator": "<=", "answerInteger": 3}, AskedWhen("form_n", at_most=3)),
        ({"question": "n", "operator": "=", "answerInteger": 3}, AskedWhen("form_n", equals=3)),
        ({"question": "n", "operator": "!=", "answerInteger": 3}, AskedWhen("form_n", differs=3)),
        ({"question": "b", "operator": "=", "answerBoolean": False}, AskedWhen("form_b", any_of=("false",))),
    ],
)
def test_conditions(when: dict[str, Any], expected: AskedWhen) -> None:
    content = imported(
        form(
            choice("c"),
            {"linkId": "n", "type": "integer", "text": "?"},
            {"linkId": "b", "type": "boolean", "text": "?"},
            {"linkId": "x", "type": "text", "text": "?", "enableWhen": [{"question": "c"} | when]},
        )
    )
    assert content.items["form_x"].asked_when == (expected,)


@pytest.mark.parametrize(("behavior", "of_all"), [("all", True), ("any", False), (None, False)])
def test_any_or_all(behavior: str | None, of_all: bool) -> None:
    when = [
        {"question": "a", "operator": "=", "answerCoding": coding("yes")},
        {"question": "b", "operator": "=", "answerCoding": coding("yes")},
    ]
    item = {"linkId": "x", "type": "text", "text": "?", "enableWhen": when}
    content = imported(
        form(choice("a"), choice("b"), item | ({"enableBehavior": behavior} if behavior else {}))
    )
    assert len(content.items["form_x"].asked_when) == 2
    assert content.items["form_x"].asked_when_all is of_all


def test_what_stands_in_a_group_needs_the_group_as_well() -> None:
    group = {
        "linkId": "g",
        "type": "group",
        "enableWhen": [{"question": "a", "operator": "=", "answerCoding": coding("yes")}],
        "item": [
            choice("b"),
            choice("c", enableWhen=[{"question": "b", "operator": "exists", "answerBoolean": True}]),
        ],
    }
    content = imported(form(choice("a"), group))
    assert [each.item_id for each in content.items["form_b"].asked_when] == ["form_a"]
    assert [each.item_id for each in content.items["form_c"].asked_when] == ["form_a", "form_b"]
    assert content.items["form_c"].asked_when_all


TERM = "%resource.item.where(linkId='{0}').answer.value.ordinal()"
SUMS = {
    "terms": f"{TERM.format('a')} + {TERM.format('b')}",
    "codings": " + ".join(f"%context.item.where(linkId='{x}').answer.valueCoding.ordinal()" for x in "ab"),
    "weights": " + ".join(
        f"%resource.descendants().where(linkId = '{x}').answer.value.weight()" for x in "ab"
    ),
    "by group": "%resource.item.where(linkId='g').item.answer.value.ordinal().sum()",
    "pattern": "%resource.item.item.where(linkId.matches('^[ab]$')).answer.value.ordinal().sum()",
    "listed": "%resource.item.item.where(linkId='a' or linkId='b').answer.value.ordinal().sum()",
    "aggregate": "%resource.descendants().where(linkId.matches('^(a|b)$')).answer.value.ordinal()"
    ".aggregate($this + $total, 0)",
    "variables": "%first + %second",
    "unless empty": "iif(%first.empty() or %second.empty(), {}, %first + %second)",
    "zero for missing": f"iif(%first.exists(), %first, 0) + iif(%second.exists(), {TERM.format('b')}, 0)",
    "brackets": f"(({TERM.format('a')}) + ({TERM.format('b')}))",
}


@pytest.mark.parametrize("name", SUMS)
def test_totals_that_are_sums(name: str) -> None:
    variables = [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/variable",
            "valueExpression": {"name": each, "language": "text/fhirpath", "expression": TERM.format(link)},
        }
        for each, link in (("first", "a"), ("second", "b"))
    ]
    group = {"linkId": "g", "type": "group", "item": [choice("a"), choice("b", "no", "some", "all")]}
    content = imported(form(group, choice("c"), total("sum", SUMS[name]), extension=variables))
    (instrument,) = content.instruments.values()
    (scored_total,) = totals(instrument, {"form_a": 1, "form_b": 2})
    assert (scored_total.key, scored_total.value, instrument.scores[0].highest) == ("sum", 3, 3)
    assert "form_sum" not in content.items


@pytest.mark.parametrize(
    "expression",
    [
        f"{TERM.format('a')} * 2",
        f"{TERM.format('a')} - {TERM.format('b')}",
        f"({TERM.format('a')} + {TERM.format('b')}) / 2",
        f"iif({TERM.format('a')} > 1, 1, 2)",
        TERM.format("a"),
        f"{TERM.format('a')} + {TERM.format('gone')}",
        "%resource.item.where(linkId.matches('(')).answer.value.ordinal().sum()",
        "1 + 2",
        "",
    ],
)
def test_what_is_no_sum_is_named(expression: str) -> None:
    found = import_questionnaire(form(choice("a"), choice("b"), total("t", expression)), languages=("en",))
    assert "calculatedExpression that is not a sum (item 't')" in found.notes
    assert "[[instrument.scores]]" not in found.toml_text


def test_an_open_choice_asks_for_the_rest_in_words() -> None:
    content = imported(form(choice("a") | {"type": "open-choice"}))
    assert [each.code for each in content.items["form_a"].options] == ["no", "yes", "other"]
    assert content.items["form_a_other"].asked_when == (AskedWhen("form_a", any_of=("other",)),)


def test_answers_without_codes_of_their_own() -> None:
    options = [{"valueString": "A little, or more"}, {"valueInteger": 7}]
    content = imported(form({"linkId": "1", "type": "choice", "text": "?", "answerOption": options}))
    first, second = content.items["form_1"].options
    assert (first.code, first.published, first.value) == ("a_little_or_more", "A little, or more", None)
    assert (second.code, second.value) == ("7", 7)


@pytest.mark.parametrize(
    ("item", "note"),
    [
        ({"type": "date"}, "type date, asked as free words (item '1')"),
        ({"type": "string", "maxLength": 20}, "maxLength (item '1')"),
        ({"type": "string", "initial": [{"valueString": "x"}]}, "initial (item '1')"),
        ({"type": "string", "repeats": True}, "repeats (item '1')"),
        ({"type": "string", "disabledDisplay": "hidden"}, "disabledDisplay (item '1')"),
        ({"type": "integer"}, "a number without limits, read as 0 to 999 (item '1')"),
        (
            {"type": "string", "code": [{"system": "http://snomed.info/sct", "code": "1"}]},
            "code of another system than LOINC (item '1')",
        ),
        (
            {
                "type": "string",
                "extension": [{"url": "http://x.org/questionnaire-itemControl", "valueCode": "x"}],
            },
            "extension questionnaire-itemControl",
        ),
        ({"type": "text", "text": None}, "a question without words, shown by its linkId (item '1')"),
    ],
)
def test_what_is_not_carried_is_named(item: dict[str, Any], note: str) -> None:
    found = import_questionnaire(form({"linkId": "1", "text": "Words?"} | item), languages=("en",))
    assert note in found.notes


def test_types_without_a_keypad_are_left_out_by_name() -> None:
    found = import_questionnaire(form(choice("a"), {"linkId": "f", "type": "attachment", "text": "A file"}))
    assert "type attachment (item 'f')" in found.notes


def test_a_language_the_form_does_not_have_is_said_to_be_missing() -> None:
    found = import_questionnaire(form(choice("a")), languages=("en", "es"))
    assert 'language_status.es = "missing"' in found.toml_text


def test_the_licence_is_carried_or_said_not_to_be_stated() -> None:
    stated = import_questionnaire(form(choice("a"), copyright="© Somebody, free to use"))
    unstated = import_questionnaire(form(choice("a"), copyright=None))
    assert 'licence = "© Somebody, free to use"' in stated.toml_text
    assert 'licence = "not stated by the publisher; ask before use"' in unstated.toml_text


def nested(groups: int) -> str:
    """Return a form of groups within groups, written by hand: the encoder itself would give up."""
    opened = "".join(f'{{"linkId": "g{n}", "type": "group", "item": [' for n in range(groups))
    inner = '{"linkId": "deep", "type": "text", "text": "?"}'
    return f'{{"resourceType": "Questionnaire", "item": [{opened}{inner}{"]}" * groups}]}}'


BROKEN = {
    "broken JSON": ('{"resourceType": "Questionnaire",', "is not JSON"),
    "nothing": ("", "is not JSON"),
    "a list": ("[1, 2]", "is a list, not a FHIR Questionnaire"),
    "another resource": ('{"resourceType": "Patient"}', "is a Patient, not a FHIR Questionnaire"),
    "no items": ('{"resourceType": "Questionnaire"}', "has no items"),
    "R5": (form({"linkId": "1", "type": "coding", "text": "?"}), "is FHIR R5"),
    "unknown type": (form({"linkId": "1", "type": "slider", "text": "?"}), "has type 'slider'"),
    "no type": (form({"linkId": "1", "text": "?"}), "has no type; known are attachment"),
    "no linkId": (form({"type": "text", "text": "Where?"}), "item number 1 'Where?' has no linkId"),
    "duplicate linkId": (form(choice("1"), choice("1")), "linkId '1' is used 2 times"),
    "500 nested groups": (nested(500), "nested deeper than 20 groups"),
    "100,000 nested groups": (nested(100_000), "nested deeper than 20 groups"),
    "answer list not supplied": (
        form({"linkId": "1", "type": "choice", "text": "?", "answerValueSet": "http://x.org/vs"}),
        "answerValueSet http://x.org/vs was not supplied; give its file with --valueset",
    ),
    "10,000 answers": (
        form(
            {
                "linkId": "1",
                "type": "choice",
                "text": "?",
                "answerOption": [{"valueCoding": coding(str(n))} for n in range(10_000)],
            }
        ),
        "item '1' has 10000 answers; 100 at most",
    ),
    "coding without a system": (
        form(
            {"linkId": "1", "type": "choice", "text": "?", "answerOption": [{"valueCoding": {"code": "a"}}]}
        ),
        "answer 'a' has a coding without a system",
    ),
    "choice without answers": (
        form({"linkId": "1", "type": "choice", "text": "?"}),
        "is a choice without answers",
    ),
    "condition on nothing": (
        form(choice("1", enableWhen=[{"question": "9", "operator": "exists", "answerBoolean": True}])),
        "enableWhen asks about '9', which does not exist",
    ),
    "nothing to ask": (
        form({"linkId": "1", "type": "display", "text": "Hello"}),
        "asks nothing that can be carried",
    ),
    "asked about itself": (
        form(choice("1", enableWhen=[{"question": "1", "operator": "exists", "answerBoolean": True}])),
        "is asked depending on itself",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_used_is_said_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    text, problem = BROKEN[name]
    source = tmp_path / "in.json"
    source.write_text(text)
    with pytest.raises(ContentError) as caught:
        import_file(source, [], tmp_path / "out")
    said = [str(each) for each in caught.value.problems]
    assert any(problem in each for each in said), said
    assert all(each.startswith("in.json") for each in said)
    assert not (tmp_path / "out").exists()


def test_every_problem_is_said_at_once() -> None:
    text = form(
        {"type": "slider", "text": "A"},
        choice("1"),
        choice("1"),
        {"linkId": "2", "type": "choice", "text": "?"},
    )
    with pytest.raises(ContentError) as caught:
        import_questionnaire(text)
    assert len(caught.value.problems) == 4


def test_the_file_is_written_once_and_never_over_another(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    source.write_text(form(choice("a")), encoding="utf-8-sig")
    target, found = import_file(source, [], tmp_path / "out")
    assert target.read_text() == found.toml_text
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["form.toml"]
    with pytest.raises(ContentError, match="1 problem"):
        import_file(source, [], tmp_path / "out")
    assert target.read_text() == found.toml_text


def test_half_characters_quotes_and_controls_do_not_break_the_file() -> None:
    text = form(choice("a", text='Half \ud83d of "it" \\ {x}\n\x7f'))
    content = content_with(import_questionnaire(text, languages=("en",)))
    assert content.languages["en"].items["form_a"].question == 'Half \ufffd of "it" \\ {x}\n\x7f'.strip()
