"""Walking through a check-in, and what a typed answer is taken for."""

from __future__ import annotations

import pytest

from bot.care.checkin import (
    TypedWords,
    answer_from_picks,
    answer_from_tap,
    next_item,
    previous_item,
    progress,
    read_typed,
    sequence,
    toggle,
)
from bot.care.instrument import Answer, AskedWhen, Item, ItemKind, Option

ANXIETY = Item("anx", ItemKind.SCALE, 0, 10, higher_is="worse")
NIGHTMARES = Item("nmc", ItemKind.COUNT, 0, 5, unknown_allowed=True)
DISTRESS = Item("nmd", ItemKind.SCALE, 0, 10, asked_when=(AskedWhen("nmc", at_least=1),))
HOURS = Item("slh", ItemKind.HOURS, 0, 14, step=0.5)
PRESSURE = Item("bpr", ItemKind.PRESSURE, 60, 260)
TALK = Item("talk", ItemKind.CHOICE, options=(Option("no"), Option("today"), Option("asap")))
NAUSEA = Item(
    "nau",
    ItemKind.GRADE,
    0,
    3,
    options=tuple(Option(c, v) for v, c in enumerate(["none", "mild", "moderate", "severe"])),
)
EFFECTS = Item(
    "se",
    ItemKind.MULTI,
    options=(Option("none"), Option("nau"), Option("diz")),
    follow_ups=(("nau", "nau"), ("diz", "diz")),
)
DIZZINESS = Item("diz", ItemKind.GRADE, 0, 3, options=NAUSEA.options)
ITEMS = {each.id: each for each in (ANXIETY, NIGHTMARES, DISTRESS, HOURS, TALK, NAUSEA, EFFECTS, DIZZINESS)}

WORDS = TypedWords(
    numbers={"seven": 7, "siete": 7, "three": 3, "zero": 0},
    options={
        "mild": "mild", "leve": "mild", "as soon as you can": "asap", "nausea": "nau",
        "sick to your stomach": "nau",
        "dizzy": "diz", "none": "none",
    },
    fillers=frozenset({"a", "an", "i", "guess", "about", "hours", "it", "is", "unos", "horas"}),
    joins=frozenset({"but", "pero", "and", "y"}),
    over=frozenset({"over", "sobre", "out of", "de"}),
    unknown=frozenset({"don't know", "no se"}),
    skip=frozenset({"skip", "saltar"}),
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["7", "seven", "siete", "SEVEN!", "7/10", "7 out of 10", "7 de 10", " 7 ", "７", "7.", "a 7 I guess",
     "7.0", "7, but I took 2 pills", "7, pero estoy cansado"],
)  # fmt: skip
def test_a_seven_is_read_however_it_is_typed(text: str) -> None:
    assert read_typed(ANXIETY, text, WORDS) == Answer("answered", 7.0)


@pytest.mark.parametrize(
    "text",
    ["11", "-1", "7.5", "7-8", "1e3", "NaN", "٧", "7/5", "7, no 8", "7 8", "I took 3 pills", "", "   ", ".",
     "inf", "0x7", "7/100", "I am afraid", "\u200b"],
)  # fmt: skip
def test_what_is_off_the_scale_or_not_certain_is_asked_again(text: str) -> None:
    assert read_typed(ANXIETY, text, WORDS) is None


def test_a_rating_with_a_crisis_in_it_is_still_that_rating() -> None:
    assert read_typed(ANXIETY, "3, but I want to die", WORDS) == Answer("answered", 3.0)
    assert read_typed(ANXIETY, "3 but I want to die", WORDS) == Answer("answered", 3.0)


@pytest.mark.parametrize(
    ("text", "code"),
    [("138 over 90", "138/90"), ("138/90", "138/90"), ("138 90", "138/90"), ("138 sobre 90", "138/90")],
)
def test_blood_pressure_is_read_as_two_numbers(text: str, code: str) -> None:
    assert read_typed(PRESSURE, text, WORDS) == Answer("answered", 138.0, code)


@pytest.mark.parametrize("text", ["1380/9", "138", "90/138", "138/90/70", "59/40", "261/90", "high"])
def test_blood_pressure_that_cannot_be_is_asked_again(text: str) -> None:
    assert read_typed(PRESSURE, text, WORDS) is None


@pytest.mark.parametrize(
    ("text", "hours"),
    [("7.5", 7.5), ("7,5", 7.5), ("7½", 7.5), ("½", 0.5), ("7 1/2", 7.5), ("7h30", 7.5),
     ("7:30", 7.5), ("7h", 7.0),
     ("about 7 hours", 7.0), ("0", 0.0), ("14", 14.0)],
)  # fmt: skip
def test_hours_of_sleep_are_read_in_half_steps(text: str, hours: float) -> None:
    assert read_typed(HOURS, text, WORDS) == Answer("answered", hours)


@pytest.mark.parametrize("text", ["14.5", "7.25", "7:20", "-0.5", "6-7"])
def test_hours_off_the_scale_or_between_two_steps_are_asked_again(text: str) -> None:
    assert read_typed(HOURS, text, WORDS) is None


def test_a_count_beyond_the_last_step_means_or_more() -> None:
    assert read_typed(NIGHTMARES, "5", WORDS) == Answer("answered", 5.0)
    assert read_typed(NIGHTMARES, "12", WORDS) == Answer("answered", 5)


def test_not_knowing_is_an_answer_only_where_the_question_allows_it() -> None:
    assert read_typed(NIGHTMARES, "Don’t know", WORDS) == Answer("unknown")
    assert read_typed(ANXIETY, "don't know", WORDS) is None


def test_words_of_options_and_grades_are_read_in_both_languages() -> None:
    assert read_typed(TALK, "As soon as you can", WORDS) == Answer("answered", None, "asap")
    assert read_typed(NAUSEA, "leve", WORDS) == Answer("answered", 1, "mild")
    assert read_typed(NAUSEA, "3", WORDS) == Answer("answered", 3, "severe")
    assert read_typed(NAUSEA, "4", WORDS) is None
    assert read_typed(EFFECTS, "dizzy and sick to your stomach", WORDS) == Answer("answered", 2.0, "nau+diz")
    assert read_typed(EFFECTS, "none", WORDS) == Answer("answered", 0.0, "none")
    assert read_typed(EFFECTS, "none, dizzy", WORDS) is None
    assert read_typed(EFFECTS, "dizzy, my cat", WORDS) is None


def test_a_tap_is_taken_only_for_an_answer_the_item_has() -> None:
    assert answer_from_tap(ANXIETY, "10") == Answer("answered", 10.0)
    for forged in ("11", "-1", "7.5", "x", "", "none", "9" * 50):
        assert answer_from_tap(ANXIETY, forged) is None
    assert answer_from_tap(TALK, "asap") == Answer("answered", None, "asap")
    assert answer_from_tap(TALK, "yes") is None


def test_distress_is_asked_only_after_a_nightmare() -> None:
    asked = ["nmc", "nmd", "anx"]
    assert next_item(asked, {}, ITEMS) == "nmc"
    assert next_item(asked, {"nmc": Answer("answered", 0)}, ITEMS) == "anx"
    assert next_item(asked, {"nmc": Answer("answered", 1)}, ITEMS) == "nmd"
    assert next_item(asked, {"nmc": Answer("skipped")}, ITEMS) == "anx"
    assert next_item(asked, {"nmc": Answer("unknown")}, ITEMS) == "anx"


def test_follow_ups_come_only_for_the_side_effects_picked() -> None:
    picked = {"se": Answer("answered", 1, "diz")}
    assert sequence(["se", "anx"], picked, ITEMS) == ("se", "diz", "anx")
    assert sequence(["se", "anx"], {"se": Answer("answered", 0, "none")}, ITEMS) == ("se", "anx")
    assert progress(["se", "anx"], picked, ITEMS, "diz") == (2, 3)
    assert previous_item(["se", "anx"], picked, ITEMS, "anx") == "diz"
    assert previous_item(["se", "anx"], picked, ITEMS, "se") is None
    assert (
        next_item(["se", "anx"], picked | {"diz": Answer("answered", 1), "anx": Answer("skipped")}, ITEMS)
        is None
    )


def test_an_item_following_itself_does_not_go_round_for_ever() -> None:
    loop = Item("a", ItemKind.MULTI, options=(Option("x"),), follow_ups=(("x", "a"),))
    assert sequence(["a"], {"a": Answer("answered", 1, "x")}, {"a": loop}) == ("a",)


def test_none_and_the_other_picks_exclude_each_other() -> None:
    assert toggle([], "diz", EFFECTS) == ("diz",)
    assert toggle(["diz"], "nau", EFFECTS) == ("nau", "diz")
    assert toggle(["nau", "diz"], "none", EFFECTS) == ("none",)
    assert toggle(["none"], "diz", EFFECTS) == ("diz",)
    assert toggle(["diz"], "diz", EFFECTS) == ()
    assert toggle(["diz"], "forged", EFFECTS) == ("diz",)
    assert answer_from_picks(EFFECTS, []) is None
    assert answer_from_picks(EFFECTS, ["none"]) == Answer("answered", 0.0, "none")
