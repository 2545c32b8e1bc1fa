"""Every worked case of the published scoring rules."""

from __future__ import annotations

import pytest

from bot.care.instrument import Answer
from bot.care.scoring import (
    ScreenOutcome,
    change,
    clusters,
    count_symptoms,
    provisional,
    screen,
    total,
    totals,
    values_of,
)
from bot.content import Content, load_content


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content()


def filled(prefix: str, *values: int) -> dict[str, float]:
    return {f"{prefix}_{number}": float(value) for number, value in enumerate(values, start=1)}


ONE_EACH = [2 if number in (1, 6, 8, 9, 15, 16) else 0 for number in range(1, 21)]
PCL5_CASES = [
    pytest.param([0] * 20, (0, 2 * 0, 0, 0), (0, 0, 0, 0), 0, False, (), id="all 0"),
    pytest.param([1] * 20, (5, 2, 7, 6), (0, 0, 0, 0), 20, False, (), id="all 1"),
    pytest.param([2] * 20, (10, 4, 14, 12), (5, 2, 7, 6), 40, True, ("screening", "confirming"), id="all 2"),
    pytest.param([4] * 20, (20, 8, 28, 24), (5, 2, 7, 6), 80, True, ("screening", "confirming"), id="all 4"),
    pytest.param(ONE_EACH, (2, 2, 4, 4), (1, 1, 2, 2), 12, True, (), id="rule met, cut-point not"),
    pytest.param(
        [4] * 5 + [1] * 2 + [2] * 13,
        (20, 2, 14, 12),
        (5, 0, 7, 6),
        48,
        False,
        ("screening", "confirming"),
        id="no C",
    ),
    pytest.param(
        [3, 3, 3, 0, 0, 3, 3, 4, 1, 1, 1, 1, 1, 1] + [2] * 6,
        (9, 6, 10, 12),
        (3, 2, 1, 6),
        37,
        False,
        ("screening", "confirming"),
        id="one D",
    ),
    pytest.param(
        [2] * 14 + [4, 1, 1, 1, 1, 1],
        (10, 4, 14, 9),
        (5, 2, 7, 1),
        37,
        False,
        ("screening", "confirming"),
        id="one E",
    ),
    pytest.param([2] * 10 + [1] * 10, (10, 4, 10, 6), (5, 2, 3, 0), 30, False, (), id="one below 31"),
    pytest.param(
        [2] * 11 + [1] * 9, (10, 4, 11, 6), (5, 2, 4, 0), 31, False, ("screening",), id="exactly 31"
    ),
    pytest.param(
        [2] * 13 + [1] * 7,
        (10, 4, 13, 6),
        (5, 2, 6, 0),
        33,
        False,
        ("screening", "confirming"),
        id="exactly 33",
    ),
]


@pytest.mark.parametrize(("answers", "sums", "endorsed", "value", "met", "cuts"), PCL5_CASES)
def test_pcl5(
    *,
    content: Content,
    answers: list[int],
    sums: tuple[int, ...],
    endorsed: tuple[int, ...],
    value: int,
    met: bool,
    cuts: tuple[str, ...],
) -> None:
    instrument, values = content.instruments["pcl5"], filled("pcl5", *answers)
    found = clusters(instrument, values)
    assert found is not None
    assert tuple(each.total for each in found) == sums
    assert tuple(each.endorsed for each in found) == endorsed
    (scored,) = totals(instrument, values)
    assert (scored.value, scored.cuts_reached, scored.band) == (value, cuts, "")
    assert provisional(instrument, values) is met


@pytest.mark.parametrize(
    ("before", "now", "reliable", "not_reliable", "minimal", "well", "worse"),
    [
        pytest.param(
            52, 37, (15,), False, True, False, False, id="-15: reliable at 15, not at 18, not <= 28"
        ),
        pytest.param(46, 28, (15, 18), False, True, True, False, id="-18: reliable at both and <= 28"),
        pytest.param(40, 35, (), True, False, False, False, id="-5: not reliable"),
        pytest.param(40, 34, (), False, False, False, False, id="-6: neither"),
        pytest.param(40, 31, (), False, True, False, False, id="-9: minimal important only"),
        pytest.param(40, 32, (), False, False, False, False, id="-8: one below minimal"),
        pytest.param(30, 45, (15,), False, True, False, True, id="+15: reliable worsening"),
        pytest.param(52.39, 29.42, (15, 18), False, True, False, False, id="a published group mean"),
        pytest.param(60, 29, (15, 18), False, True, False, False, id="29 is not yet <= 28"),
    ],
)
def test_change_of_pcl5(
    *,
    content: Content,
    before: float,
    now: float,
    reliable: tuple[float, ...],
    not_reliable: bool,
    minimal: bool,
    well: bool,
    worse: bool,
) -> None:
    rule = content.instruments["pcl5"].change
    assert rule is not None
    found = change(rule, before, now)
    assert found.reliable_at == reliable
    assert (found.not_reliable, found.minimal, found.well, found.worse) == (
        not_reliable,
        minimal,
        well,
        worse,
    )


@pytest.mark.parametrize(
    ("answers", "value", "band", "symptoms", "outcome"),
    [
        ([1] * 9, 9, "mild", 1, ""),
        ([2, 2, 2, 2, 2, 0, 0, 0, 0], 10, "moderate", 5, "major"),
        ([0, 0, 2, 2, 2, 2, 2, 0, 0], 10, "moderate", 5, ""),
        ([2, 0, 2, 2, 0, 0, 0, 0, 1], 7, "mild", 4, "other"),
        ([0] * 8 + [3], 3, "minimal", 1, ""),
        ([2, 2, 2, 2, 1, 1, 1, 1, 2], 14, "moderate", 5, "major"),
        ([2, 2, 2, 2, 1, 1, 0, 0, 0], 10, "moderate", 4, "other"),
        ([2] * 7 + [1, 0], 15, "moderately_severe", 7, "major"),
        ([3] * 6 + [1, 1, 0], 20, "severe", 6, "major"),
        ([3] * 9, 27, "severe", 9, "major"),
    ],
)
def test_phq9(
    *, content: Content, answers: list[int], value: int, band: str, symptoms: int, outcome: str
) -> None:
    instrument, values = content.instruments["phq9"], filled("phq9", *answers)
    (scored,) = totals(instrument, values)
    assert (scored.value, scored.band) == (value, band)
    assert instrument.algorithm is not None
    assert count_symptoms(instrument.algorithm, values) == (symptoms, outcome)


@pytest.mark.parametrize(
    ("before", "now", "minimal", "response", "remission"),
    [
        pytest.param(20, 10, True, True, False, id="half: response"),
        pytest.param(20, 11, True, False, False, id="not quite half"),
        pytest.param(10, 4, True, True, True, id="below 5 from 10: remission"),
        pytest.param(10, 5, True, True, False, id="5 is no remission"),
        pytest.param(9, 4, True, True, False, id="from 9 there is none"),
        pytest.param(14, 10, False, False, False, id="4 is below the smallest change"),
    ],
)
def test_change_of_phq9(
    *, content: Content, before: int, now: int, minimal: bool, response: bool, remission: bool
) -> None:
    rule = content.instruments["phq9"].change
    assert rule is not None
    found = change(rule, before, now)
    assert (found.minimal, found.response, found.remission) == (minimal, response, remission)


@pytest.mark.parametrize(
    ("answers", "value", "band"),
    [
        ([1] * 7, 7, "mild"),
        ([2] * 7, 14, "moderate"),
        ([3] * 7, 21, "severe"),
        ([1, 1, 1, 1, 0, 0, 0], 4, "minimal"),
        ([1, 1, 1, 1, 1, 0, 0], 5, "mild"),
        ([3, 3, 3, 0, 0, 0, 0], 9, "mild"),
        ([3, 3, 3, 1, 0, 0, 0], 10, "moderate"),
        ([3, 3, 3, 3, 3, 0, 0], 15, "severe"),
    ],
)
def test_gad7(content: Content, answers: list[int], value: int, band: str) -> None:
    (scored,) = totals(content.instruments["gad7"], filled("gad7", *answers))
    assert (scored.value, scored.band) == (value, band)


ASQ = ("asq_1", "asq_2", "asq_3", "asq_4", "asq_5")


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        pytest.param(("no", "no", "no", "no"), ScreenOutcome.NEGATIVE, id="all no"),
        pytest.param(("yes", "no", "no", "no", "no"), ScreenOutcome.NON_ACUTE, id="one yes, not now"),
        pytest.param(("no", "no", "no", "yes", "no"), ScreenOutcome.NON_ACUTE, id="ever tried, not now"),
        pytest.param(("no", "yes", "no", "no", "yes"), ScreenOutcome.ACUTE, id="any yes and now"),
        pytest.param(("no", "refused", "no", "no", "no"), ScreenOutcome.NON_ACUTE, id="a refusal counts"),
        pytest.param(("no", "no", "yes", "no"), ScreenOutcome.NON_ACUTE, id="the last question skipped"),
        pytest.param(("yes", "yes", "yes", "yes", "refused"), ScreenOutcome.NON_ACUTE, id="refuses the last"),
        pytest.param((), ScreenOutcome.INCOMPLETE, id="nothing answered"),
    ],
)
def test_asq(content: Content, codes: tuple[str, ...], outcome: ScreenOutcome) -> None:
    rule = content.instruments["asq"].screen
    assert rule is not None
    assert screen(rule, dict(zip(ASQ, codes, strict=False))) == outcome


def test_the_weekly_screen_has_no_question_about_the_past(content: Content) -> None:
    assert "asq_4" not in content.protocols["induction"].kinds["SAFE"].items
    rule = content.instruments["asq"].screen
    assert rule is not None
    assert screen(rule, {"asq_1": "no", "asq_2": "no", "asq_3": "no"}) == ScreenOutcome.NEGATIVE


@pytest.mark.parametrize("left_out", ["pcl5_1", "pcl5_20"])
def test_no_total_with_an_item_missing(content: Content, left_out: str) -> None:
    instrument = content.instruments["pcl5"]
    values = filled("pcl5", *([4] * 20))
    del values[left_out]
    scored = total(instrument.scores[0], values)
    assert (scored.value, scored.missing, scored.band) == (None, (left_out,), "")
    assert clusters(instrument, values) is None
    assert provisional(instrument, values) is None


def test_a_skipped_item_is_missing_and_an_answer_of_nothing_is_not(content: Content) -> None:
    items = [content.items[each] for each in ("gad7_1", "gad7_2", "gad7_3")]
    answers = {
        "gad7_1": Answer("answered", code="0"),
        "gad7_2": Answer("skipped"),
        "gad7_3": Answer("answered", 3, "3"),
    }
    assert values_of(items, answers) == {"gad7_1": 0.0, "gad7_3": 3.0}


def test_the_difficulty_item_adds_nothing(content: Content) -> None:
    assert "phq9_difficulty" not in content.instruments["phq9"].scores[0].items
    assert "phq9_difficulty" in content.instruments["phq9"].items


LOINC = {
    "pcl5": ("101697-1", "101698-9", []),
    "phq9": (
        "44249-1",
        "44261-6",
        [
            "44250-9",
            "44255-8",
            "44259-0",
            "44254-1",
            "44251-7",
            "44258-2",
            "44252-5",
            "44253-3",
            "44260-8",
            "69722-7",
        ],
    ),
    "gad7": (
        "69737-5",
        "70274-6",
        ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"],
    ),
}


@pytest.mark.parametrize("name", LOINC)
def test_loinc_codes_are_the_confirmed_ones(content: Content, name: str) -> None:
    panel, score, items = LOINC[name]
    instrument = content.instruments[name]
    assert (instrument.loinc, instrument.scores[0].loinc) == (panel, score)
    assert [content.items[each].loinc for each in instrument.items if content.items[each].loinc] == items


def test_no_code_is_invented_where_none_is_confirmed(content: Content) -> None:
    confirmed = {code for _, _, items in LOINC.values() for code in items}
    assert {item.loinc for item in content.items.values()} - {""} == confirmed
    assert content.instruments["asq"].loinc == ""
    answers = [option.loinc for option in content.items["phq9_1"].options]
    assert answers == ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
