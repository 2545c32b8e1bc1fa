"""What `prompts/README.md` teaches works as it is written there."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.content.calendar import show
from bot.content.check import report
from bot.questionnaire import import_questionnaire
from tests.content.conftest import SHIPPED, Folder
from tests.questionnaire.forms import choice, form


def block(begins: str) -> str:
    """Return the indented example of the README that begins with a line, without its notes."""
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    lines = text[text.index(begins) :].splitlines()
    taken = []
    for line in lines:
        if taken and line.strip() and not line.startswith("    "):
            break
        taken.append(re.sub(r"\s{2,}#.*", "", line.strip()))
    return "\n".join(taken).strip() + "\n"


def test_the_examples_are_what_is_shipped() -> None:
    assert block('M6 = "Got it.').strip() in (SHIPPED / "wording/en/messages.toml").read_text()
    rules = "".join(path.read_text() for path in (SHIPPED / "rules").glob("*.toml"))
    for line in block('[[rule]]\n    id = "ANX-2"').splitlines():
        assert line in rules


def test_change_a_word(folder: Folder) -> None:
    folder.edit(
        "wording/en/messages.toml", "Got it. Your answers are saved.", "Thanks. We have your answers."
    )
    assert folder.load().wording("en").say("messages.M6").startswith("Thanks.")


def test_change_a_time(folder: Folder) -> None:
    shipped = (folder.root / "protocols/single_infusion.toml").read_text()
    example = block('[[check_in]]\n    key = "d1-morning"').replace('or open_for = "36 h"', "")
    assert [line for line in example.splitlines() if line not in shipped] == []
    folder.edit("protocols/single_infusion.toml", "day = 1\nat = 08:00:00", "day = 1\nat = 08:45:00")
    treated = datetime.fromisoformat("2026-11-02T10:00")
    assert "Tue 03 Nov  08:45  AM" in show(
        "single_infusion", treated, ZoneInfo("America/Chicago"), folder.load()
    )


def test_change_a_threshold_and_its_cases_and_sentence(folder: Folder) -> None:
    old = block('[[rule]]\n    id = "ANX-2"').splitlines()
    place = next(
        path for path in (folder.root / "rules").glob("*.toml") if 'id = "ANX-2"' in path.read_text()
    )
    name = f"rules/{place.name}"
    folder.edit(name, old[-3], old[-3].replace("at_least = 9", "at_least = 10"))
    assert any("ANX-2" in each for each in folder.problems()), "the cases no longer agree"
    folder.edit(name, old[-2], 'fires = ["m1 anxiety 10"]')
    folder.edit(name, old[-1], 'spares = ["m1 anxiety 9"]')
    assert '    when "Worry or fear" is 10 or more' in report(folder.load())


def test_a_threshold_off_the_scale_is_refused(folder: Folder) -> None:
    place = next(
        path for path in (folder.root / "rules").glob("*.toml") if 'id = "ANX-2"' in path.read_text()
    )
    folder.edit(
        f"rules/{place.name}",
        '[[{ item = "anxiety", at_least = 9 }]]',
        '[[{ item = "anxiety", at_least = 11 }]]',
    )
    assert any("11" in each and "10" in each for each in folder.problems())


def test_add_a_question(folder: Folder) -> None:
    folder.add("instruments/core.toml", "\n" + block("[items.pain]\n       kind"))
    folder.add("wording/en/items.toml", "\n" + block("[items.pain]\n       question"))
    assert any("item 'pain' has no words in 'es'" in each for each in folder.problems())
    folder.add(
        "wording/es/items.toml",
        '\n[items.pain]\nquestion = "¿Cuánto dolor tuvo?"\nlow = "0 = nada"\nhigh = "10 = lo peor"\n',
    )
    folder.edit("protocols/kinds.toml", '"sleep_quality", "anxiety"]', '"sleep_quality", "anxiety", "pain"]')
    content = folder.load()
    assert content.protocols["single_infusion"].kinds["DAY"].items[-1] == "pain"
    assert content.wording("en").item("pain").high == "10 = the worst I can think of"


def test_an_imported_questionnaire_is_read_with_the_rest(folder: Folder) -> None:

    imported = import_questionnaire(form(choice("a"), choice("b"), title="Mood check"))
    folder.add(f"instruments/{imported.id}.toml", imported.toml_text)
    content = folder.load()
    assert content.instruments["mood_check"].items == ("mood_check_a", "mood_check_b")
    assert content.wording("es").item("mood_check_a").question == "Question a?"
    assert "Instrument mood_check in es has no words; it is shown in another language" in report(content)


def test_teach_it_a_phrase(folder: Folder) -> None:
    shutil.copytree(SHIPPED / "rules/phrases", folder.root / "rules/phrases", dirs_exist_ok=True)
    folder.add("rules/phrases/own.toml", block("[[phrase]]"))
    book = folder.load().phrases
    assert "letters-written" in {hit.phrase.id for hit in book.examine("I finished my last letter").hits}
    assert "letters-written" not in {hit.phrase.id for hit in book.examine("wrote to my landlord").hits}
