"""Rules and the escalation policy: what a clinician may get wrong is said before anything starts."""

from __future__ import annotations

import pytest

from tests.content.conftest import Folder

BODY, MIND, USE, SILENCE, SAFETY = (
    f"rules/{name}.toml" for name in ("body", "mind", "use", "silence", "safety")
)
POLICY = "escalation_policy.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param(
            MIND,
            'item = "anxiety", at_least = 9 }',
            'item = "anxiety", at_least = 11 }',
            'rule "ANX-2": at_least is 11, but the scale of "anxiety" runs from 0 to 10',
            id="off the scale",
        ),
        pytest.param(
            MIND,
            'item = "anxiety", at_least = 9 }',
            'item = "anxeity", at_least = 9 }',
            'there is no item "anxeity"',
            id="no such item",
        ),
        pytest.param(
            BODY,
            'any_of = ["swollen_face"]',
            'any_of = ["swolen_face"]',
            '"red_flags" has no option swolen_face',
            id="no such option",
        ),
        pytest.param(BODY, "says = ", "sayz = ", "sayz", id="a misspelt key"),
        pytest.param(BODY, 'id = "SEZ-1"', 'id = "MED-1"', 'rule "MED-1" is there twice', id="twice"),
        pytest.param(
            BODY, 'level = "emergency"', 'level = "panic"', "'panic' is no level", id="no such level"
        ),
        pytest.param(
            MIND,
            'spares = ["m1 anxiety 8"]',
            'spares = ["m1 anxiety 9"]',
            'case "m1 anxiety 9" must raise nothing, but raised watch',
            id="a case that does not hold",
        ),
        pytest.param(
            MIND,
            'fires = ["m1 anxiety 9"]',
            'fires = ["m1 anxiety 9 => urgent"]',
            "must raise urgent, but raised watch",
            id="a case at another level",
        ),
        pytest.param(
            MIND,
            'fires = ["m1 anxiety 9"]',
            'fires = ["in the morning anxiety 9"]',
            "is no step",
            id="a case nobody can read",
        ),
        pytest.param(
            MIND, 'spares = ["m1 anxiety 8"]', "spares = []", "has no case", id="no case that spares"
        ),
        pytest.param(
            MIND,
            'when = [[{ item = "anxiety", at_least = 9 }]]',
            "when = [[]]",
            "would always fire",
            id="a rule without a condition",
        ),
        pytest.param(
            MIND,
            '[{ item = "anxiety", at_least = 9 }]',
            '[{ item = "anxiety", score = "pcl5", at_least = 9 }]',
            "looks at item, score; exactly one",
            id="two subjects",
        ),
        pytest.param(SAFETY, 'score = "gad7"', 'score = "gad9"', 'no instrument "gad9"', id="no instrument"),
        pytest.param(
            SILENCE,
            ", within_hours = 72 }",
            " }",
            "found needs within_hours",
            id="a look back without an end",
        ),
        pytest.param(MIND, "[[implied]]", "[[impled]]", 'unknown key "impled"', id="an unknown table"),
        pytest.param(
            POLICY, "[urgent]", "[urgnet]", "level [urgent] is missing", id="a level without policy"
        ),
        pytest.param(
            POLICY, "repeat_minutes = 2 ", "repeat_minutes = 0 ", "must be more than 0", id="no repeat"
        ),
        pytest.param(
            POLICY,
            '  { who = "everyone" },\n',
            "",
            "must run always and end with everyone",
            id="no last resort",
        ),
        pytest.param(
            POLICY,
            'becomes = "emergency"',
            'becomes = "watch"',
            "which is not more urgent",
            id="becomes less",
        ),
        pytest.param(
            POLICY, 'to = ["lead", "admin"]', 'to = ["boss"]', '"boss" is no role', id="no such role"
        ),
        pytest.param(
            POLICY,
            '{ who = "first", minutes = 30 }',
            '{ who = "first" }',
            "needs minutes above 0",
            id="no delay",
        ),
        pytest.param(POLICY, 'who = "backup"', 'who = "bakcup"', "who", id="no such tier"),
    ],
)
def test_a_mistake_is_said_with_its_file(folder: Folder, file: str, old: str, new: str, said: str) -> None:
    folder.edit(file, old, new)
    problems = folder.problems()
    assert any(said in each and file in each for each in problems), problems


def test_without_a_policy_file_nothing_starts(folder: Folder) -> None:
    (folder.root / POLICY).unlink()
    assert any("escalation_policy.toml" in each for each in folder.problems())


def test_without_any_rule_nothing_starts(folder: Folder) -> None:
    for file in (BODY, MIND, USE, SILENCE, SAFETY):
        (folder.root / file).unlink()
    assert any("no structured rule" in each for each in folder.problems())


def test_several_mistakes_are_all_said_at_once(folder: Folder) -> None:
    folder.edit(MIND, 'item = "anxiety", at_least = 9 }', 'item = "anxiety", at_least = 11 }')
    folder.edit(POLICY, 'to = ["lead", "admin"]', 'to = ["boss"]')
    assert len(folder.problems()) >= 2


def test_a_threshold_can_be_changed_together_with_its_cases(folder: Folder) -> None:
    folder.edit(
        MIND,
        'when = [[{ item = "anxiety", at_least = 9 }]]',
        'when = [[{ item = "anxiety", at_least = 10 }]]',
    )
    folder.edit(MIND, 'fires = ["m1 anxiety 9"]', 'fires = ["m1 anxiety 10"]')
    folder.edit(MIND, 'spares = ["m1 anxiety 8"]', 'spares = ["m1 anxiety 9"]')
    assert folder.problems() == []


def test_every_shipped_rule_has_a_plain_reason_for_the_page_in_every_language(folder: Folder) -> None:
    content = folder.load()
    for wording in content.languages.values():
        for rule in content.rules.rules:
            family = rule.id.rpartition("-")[0]
            assert f"staff.reason.{rule.id}" in wording or f"staff.reason.{family}" in wording, rule.id
