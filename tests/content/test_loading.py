"""What is wrong with the content is said at once, with file and line, and nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content import ContentError, load_content
from bot.content.crosscheck import LONGEST_MESSAGE
from tests.content.conftest import Folder

CORE = "instruments/core.toml"
SINGLE = "protocols/single_infusion.toml"
ENGLISH, SPANISH = "wording/en/messages.toml", "wording/es/messages.toml"


def test_the_copy_is_sound(folder: Folder) -> None:
    assert folder.problems() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param(CORE, 'unit = "h"', 'unti = "h"', "unti", id="unknown key of an item"),
        pytest.param(
            SINGLE, 'asks = ["EVE"]', 'asks = ["EVENING"]', "asks 'EVENING', which is no kind", id="no kind"
        ),
        pytest.param(
            SINGLE, 'after = "6 h"', 'after = "six hours"', 'write a length of time as "90 min"', id="no time"
        ),
        pytest.param(
            SINGLE, 'key = "d3-morning"', 'key = "d2-morning"', "'d2-morning' appears twice", id="twice"
        ),
        pytest.param(
            SINGLE,
            "remind = [{ at = 10:00:00 }, { at = 12:00:00 }]",
            "remind = [{ at = 09:00:00 }, { at = 10:00:00 }, { at = 11:00:00 }]",
            "has 3 reminders; 2 at most",
            id="too many reminders",
        ),
        pytest.param(
            SINGLE,
            "open_until = { at = 20:00:00 }",
            "open_until = { day = 1, at = 20:00:00 }",
            "'d3-morning' falls due while 'd2-morning', which asks the same, is open",
            id="overlapping windows",
        ),
        pytest.param(
            "protocols/kinds.toml", '"safe_place"', '"safe_plaice"', "no item 'safe_plaice'", id="dangling"
        ),
        pytest.param(
            CORE,
            '{ item_id = "nightmare_count", above = 0 }',
            '{ item_id = "nightmare_count", above = 6 }',
            "reaches 6, but its scale runs from 0 to 5",
            id="a condition off the scale",
        ),
        pytest.param(
            CORE,
            '{ item_id = "nightmare_count", above = 0 }',
            '{ item_id = "nightmare_distress", above = 0 }',
            "'nightmare_distress' is asked depending on itself",
            id="cyclic",
        ),
        pytest.param(
            CORE, 'higher_is = "better"', 'higher_is = "good"', '"worse" or "better"', id="direction"
        ),
        pytest.param(
            CORE, '{ code = "chest_pain" }', '{ code = "none" }', "option 'none' appears twice", id="option"
        ),
        pytest.param(
            ENGLISH, "{phone}", "{telephone}", "has {emergency}, {phone}; wording/en has", id="placeholder"
        ),
        pytest.param(SPANISH, "{emergency}", "{emergencia", "cannot be filled", id="an open brace"),
        pytest.param(
            ENGLISH, 'M6 = "Got it.', f'M6 = "{"x" * 4100}', f"{LONGEST_MESSAGE} at most", id="too long"
        ),
        pytest.param(SPANISH, "M6 =", "M66 =", "'messages.M6' is missing", id="a key missing"),
        pytest.param(SPANISH, "M6 =", "M66 =", "'messages.M66' is not in wording/en", id="a key too many"),
        pytest.param(
            "wording/es/items.toml",
            "[items.sleep_quality]",
            "[items.sleep_kwality]",
            "there is no item 'sleep_kwality'",
            id="words for no item",
        ),
        pytest.param(
            "wording/es/items.toml",
            'low = "0 = muy mal"\n',
            "",
            "words for both ends: low, high",
            id="no direction",
        ),
        pytest.param(
            "wording/es/side_effects.toml",
            'fall = "Una caída"\n',
            "",
            "'fall' has no words in 'es'",
            id="no option words",
        ),
        pytest.param(
            "sites/demo.toml", "America/Chicago", "America/Chikago", "is unknown; write it as", id="zone"
        ),
        pytest.param(
            "sites/demo.toml",
            "[numbers.suicide]",
            "[numbers.crisis]",
            "there is no suicide number",
            id="number",
        ),
        pytest.param("sites/demo.toml", '["en", "es"]', '["en", "fr"]', "'fr' has no folder", id="language"),
        pytest.param(
            "instruments/gad7.toml",
            "highest = 21\nloinc",
            "highest = 28\nloinc",
            "add up to 21",
            id="a total off its items",
        ),
        pytest.param(
            "instruments/gad7.toml", "highest = 21 },", "highest = 21 , colour = 1 },", "colour", id="band"
        ),
        pytest.param(
            "instruments/asq.toml",
            'licence = "Work',
            'licence = "" # "Work',
            "name its licence",
            id="licence",
        ),
        pytest.param(
            "instruments/pcl5.toml",
            "screening = 31",
            "screening = 99",
            "screening is 99; the scale ends at 80",
            id="cut",
        ),
    ],
)
def test_each_fault_is_named(folder: Folder, file: str, old: str, new: str, said: str) -> None:
    folder.edit(file, old, new)
    problems = folder.problems()
    assert any(said in each for each in problems), problems
    assert all(each.startswith("prompts/") for each in problems)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param(SINGLE, 'asks = ["EVE"]', "asks = []", id="asks nothing"),
        pytest.param(SINGLE, "week_begins = 1", "week_begins = nan", id="not a number"),
        pytest.param(SINGLE, "typical_days = [0]", "typical_days = [99999999999]", id="a day beyond time"),
        pytest.param(
            "protocols/induction.toml", "first = 3, last = 6", "first = 3, every = 0", id="weeks without end"
        ),
        pytest.param("protocols/kinds.toml", "[kinds.HOME]", "[[kinds]]", id="kinds in a list"),
        pytest.param(
            "protocols/baseline.toml", "[[before_treatment]]", "[before_treatment]", id="not a list"
        ),
        pytest.param("wording/en/side_effects.toml", "[grades]", "[[grades]]", id="grades in a list"),
        pytest.param("wording/en/items.toml", 'short = "Nightmares"', "short = 3", id="a number for words"),
        pytest.param("instruments/asq.toml", "[instrument]", "[[instrument]]", id="instrument in a list"),
        pytest.param("instruments/asq.toml", "[words.en]", "[[words.en]]", id="words in a list"),
        pytest.param("sites/demo.toml", "close = 17:00:00", "close = 2026-01-01", id="a day for a time"),
    ],
)
def test_a_value_of_the_wrong_kind_is_a_problem_and_not_a_crash(
    folder: Folder, file: str, old: str, new: str
) -> None:
    folder.edit(file, old, new)
    assert folder.problems()


def test_problems_name_the_line(folder: Folder) -> None:
    folder.edit(SINGLE, 'asks = ["EVE"]', 'asks = ["EVENING"]')
    line = (folder.root / SINGLE).read_text().splitlines().index('key = "evening"') + 1
    assert [each for each in folder.problems() if each.startswith(f"prompts/{SINGLE}:{line}: ")]


def test_every_problem_is_said_at_once(folder: Folder) -> None:
    folder.edit(SINGLE, 'after = "6 h"', 'after = "6 hours"')
    folder.edit(SPANISH, "M6 =", "M66 =")
    folder.edit("sites/demo.toml", "America/Chicago", "Mars/Phobos")
    said = "\n".join(folder.problems())
    assert all(each in said for each in ("6 hours", "messages.M6", "Mars/Phobos"))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param(b'name = "\xe9"', "is not UTF-8", id="Latin-1"),
        pytest.param(b"name = ", "is not TOML", id="half a line"),
        pytest.param(b'name = "x"\n\tname = "y"\n', "is not TOML", id="twice, with a tab"),
        pytest.param(b"#" * 2_000_001, "the limit is 2000000", id="too large"),
    ],
)
def test_files_that_cannot_be_read(folder: Folder, raw: bytes, said: str) -> None:
    (folder.root / "wording/en/broken.toml").write_bytes(raw)
    assert any("wording/en/broken.toml" in each and said in each for each in folder.problems())


@pytest.mark.parametrize("change", ["bom", "crlf"])
def test_what_windows_editors_do_is_no_fault(folder: Folder, change: str) -> None:
    path = folder.root / ENGLISH
    raw = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + raw if change == "bom" else raw.replace(b"\n", b"\r\n"))
    words = folder.load().wording("en")
    assert "\r" not in words.sentences["messages.M1"]


def test_a_missing_folder_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        load_content(tmp_path / "nowhere")
    assert "set PROMPTS_DIR" in str(caught.value.problems[0])


def test_the_version_changes_with_any_letter(folder: Folder) -> None:
    before = folder.load().version
    assert folder.load().version == before
    folder.edit(ENGLISH, "Got it.", "Got it!")
    assert folder.load().version != before
    assert len(before) == 64


def test_side_effects_ask_only_about_what_was_picked(folder: Folder) -> None:
    content = folder.load()
    follow_ups = dict(content.items["side_effects"].follow_ups)
    assert follow_ups["nausea"] == "se_nausea"
    assert (
        "fainting" not in follow_ups and "seizure" not in follow_ups
    )  # any is a red flag: no grade is needed
    assert follow_ups["pressure"] == "blood_pressure"
    assert content.items["nightmare_distress"].asked_when[0].item_id == "nightmare_count"


def test_every_scale_shows_which_way_it_runs(folder: Folder) -> None:
    content = folder.load()
    assert content.items["sleep_quality"].higher_is == "better"
    assert content.items["nightmare_distress"].higher_is == content.items["anxiety"].higher_is == "worse"
    for language in ("en", "es"):
        for item_id in ("sleep_quality", "anxiety", "nightmare_distress"):
            words = content.wording(language).item(item_id)
            assert words.low.startswith("0 =") and words.high.startswith("10 =")


def test_hours_come_in_halves_and_grades_in_plain_words(folder: Folder) -> None:
    content = folder.load()
    assert content.items["sleep_hours"].step == 0.5
    assert content.items["se_nausea"].highest == 3
    assert content.wording("en").item("se_nausea").options["severe"] == "Severe: I can't eat or drink"
    assert content.wording("es").item("se_nausea").options["mild"].startswith("Leve:")
