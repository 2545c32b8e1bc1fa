"""Two languages complete; a third is a folder and no code; right-to-left text breaks nothing."""

from __future__ import annotations

import re

import pytest

from bot.content import Content
from bot.content.check import drafts, hardest, patient_texts
from bot.content.reading import LIMIT, measure, measure_all, syllables_of
from bot.content.wording import ISOLATE, POP_ISOLATE, Language, Wording
from tests.content.conftest import Folder


def pig_latin(toml: str) -> str:
    """Return a wording file with every text marked, its placeholders and keys untouched."""
    return re.sub(r'(= "{1,3}\n?)', r"\1Ø ", toml)


def test_a_third_language_is_a_folder(folder: Folder) -> None:
    words = _instrument_words(folder.load())
    for path in sorted((folder.root / "wording/en").glob("*.toml")):
        folder.add(f"wording/xx/{path.name}", pig_latin(path.read_text(encoding="utf-8")))
    (folder.root / "wording/xx/language.toml").write_text('name = "Invented"\n', encoding="utf-8")
    folder.add("wording/xx/instruments.toml", words)
    content = folder.load()
    wording = content.wording("xx")
    assert wording.say("messages.M6").startswith("Ø Got it.")
    assert wording.item("anxiety").question.startswith("Ø In the last")
    assert wording.item("pcl5_1").question.startswith("Ø Repeated")
    assert "wording/xx/language.toml" in "\n".join(drafts(content))


def _instrument_words(content: Content) -> str:
    """Return what a translator of the instruments would write: one table an item."""
    lines = []
    for item in content.items.values():
        if item.instrument:
            words = content.wording("en").item(item.id)
            lines += [f"[items.{item.id}]", f"question = '''Ø {words.question}'''"]
            lines += [f"options.{code} = '''Ø {text}'''" for code, text in words.options.items()]
    return "\n".join(lines) + "\n"


def test_a_language_that_lacks_anything_is_refused(folder: Folder) -> None:
    folder.add("wording/xx/language.toml", 'name = "Invented"\n')
    problems = folder.problems()
    assert (
        "prompts/wording/xx/messages.toml: 'messages.M1' is missing; wording/en/messages.toml has it"
        in problems
    )
    assert any("item 'anxiety' has no words in 'xx'" in each for each in problems)
    assert any("item 'pcl5_1' has no words in 'xx'" in each for each in problems)


def test_spanish_is_a_draft_until_a_reviewer_is_named(folder: Folder) -> None:
    line = "Language es (Español): no reviewer is named in wording/es/language.toml"
    assert line in drafts(folder.load())
    folder.edit(
        "wording/es/language.toml", 'reviewed_by = ""', 'reviewed_by = "A. Reviewer, clinical translator"'
    )
    assert line not in drafts(folder.load())


def test_both_languages_say_the_same_things(content: Content) -> None:
    english, spanish = content.wording("en"), content.wording("es")
    assert english.sentences.keys() == spanish.sentences.keys()
    assert english.items.keys() == spanish.items.keys()
    assert content.wording("fr").language.code == "en"  # nobody entered it


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_text_of_our_own_is_easy_to_read(content: Content, language: str) -> None:
    """Text by text: an easy chapter does not make up for a hard page. Forms of others are as published."""
    texts = patient_texts(content, content.wording(language))
    ours = {key: text for key, text in texts.items() if key.startswith(("messages.", "item ", "patient."))}
    assert len(ours) > 200
    too_hard = [(key, grade.grade) for key, grade in hardest(ours, language) if (grade.grade or 0) > LIMIT]
    assert too_hard == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_all_a_patient_reads_is_within_grade_six(content: Content, language: str) -> None:
    whole = measure_all(patient_texts(content, content.wording(language)).values(), language)
    assert whole.words > 1500
    assert whole.grade is not None and whole.grade <= LIMIT


@pytest.mark.parametrize(
    ("word", "language", "count"),
    [
        ("cat", "en", 1),
        ("water", "en", 2),
        ("nightmare", "en", 2),
        ("emergency", "en", 4),
        ("table", "en", 2),
        ("noche", "es", 2),
        ("emergencia", "es", 4),
        ("sueño", "es", 2),
    ],
)
def test_syllables(word: str, language: str, count: int) -> None:
    assert syllables_of(word, language) == count


def test_hard_and_easy_text_are_told_apart() -> None:
    easy = measure("The dog is big. The cat is not. We go to bed. It is dark.", "en").grade
    hard = measure(
        "Institutional considerations necessitate comprehensive pharmacological reconsideration of it.", "en"
    ).grade
    assert easy is not None and hard is not None
    assert easy < 2
    assert hard > 12
    assert measure("Two words", "en").grade is None
    assert measure("Sieben kurze Worte stehen in diesem deutschen Satz.", "de").grade is None


def test_an_arabic_name_does_not_turn_an_english_sentence() -> None:
    wording = Wording(Language("en", "English"), {"hello": "{name} has this: {count} alerts."}, {})
    assert wording.say("hello", name="ليلى", count=3) == f"{ISOLATE}ليلى{POP_ISOLATE} has this: 3 alerts."
    assert wording.say("hello", name="Ann", count=3) == "Ann has this: 3 alerts."


def test_a_number_stands_apart_in_right_to_left_text() -> None:
    wording = Wording(Language("ar", "العربية", direction="rtl"), {"call": "اتصل على {phone} الآن"}, {})
    assert wording.say("call", phone="555-0100") == f"اتصل على {ISOLATE}555-0100{POP_ISOLATE} الآن"


def test_braces_in_what_people_wrote_are_only_braces() -> None:
    wording = Wording(Language("en", "English"), {"quote": "They wrote: {words}"}, {})
    assert wording.say("quote", words="{0} {phone} %s") == "They wrote: {0} {phone} %s"
