"""The command line as a script sees it: one clear line, the right exit code, no traceback."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage import patients, staff
from storage.database import Database
from storage.tables import Role
from storage.vault import Vault

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Terminal:
    folder: Path

    def run(self, *words: str, given: bytes = b"", **environment: str) -> Ended:
        """Run `aftercare` in an empty folder with only the settings it is given."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AFTERCARE_")}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words], input=given, capture_output=True, check=False, timeout=120,
            cwd=self.folder, env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `aftercare init` was run."""
    folder = tmp_path_factory.mktemp("begun")
    assert Terminal(folder).run("init").code == 0
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def terminal(begun: Path, tmp_path: Path) -> Terminal:
    """A terminal in a folder of its own with a key and an empty database."""
    shutil.copytree(begun, tmp_path / "clinic")
    return Terminal(tmp_path / "clinic")


RAISED = ("--raised", "1")


def with_key(terminal: Terminal, *words: str) -> Ended:
    return terminal.run(*words, AFTERCARE_KEY_FILE=str(terminal.folder / "aftercare.key"))


def test_init_makes_a_key_for_the_owner_alone_and_a_database(begun: Path) -> None:
    assert (begun / "aftercare.key").stat().st_mode & 0o777 == 0o600
    assert (begun / "aftercare.db").exists()


def test_from_invite_to_the_end_of_a_record(terminal: Terminal) -> None:
    invited = with_key(terminal, "invite", "patient")
    code = invited.out.partition(":")[0]
    assert invited.code == 0 and "/start" in invited.out

    treated = with_key(terminal, "treat", code)
    assert treated.code == 0 and "check-ins to come" in treated.out
    assert "was recorded before" in with_key(terminal, "treat", code).out

    assert with_key(terminal, "audit", "verify").code == 0
    assert with_key(terminal, "backup", "copy.aftercare").code == 0
    assert with_key(terminal, "erase", code, "--yes").code == 0
    assert "had been erased" in with_key(terminal, "erase", code, "--yes").out


def test_a_raised_dose_is_recorded_with_its_home_check(terminal: Terminal) -> None:
    invited = with_key(terminal, "invite", "patient", "--protocol", "daily_low_dose_stable")
    code = invited.out.partition(":")[0]
    usual = int(with_key(terminal, "treat", code).out.split(";")[1].split()[0])
    raised = with_key(terminal, "treat", code, "--increased").out
    assert "was recorded before" in raised and int(raised.split(";")[1].split()[0]) == usual + 1


def test_the_calendar_for_scripts_says_what_the_printed_one_says(terminal: Terminal) -> None:
    asked = ("protocol", "show", "induction", "--treated", "2026-10-26 10:00", "--zone", "America/Chicago")
    printed, told = terminal.run(*asked).out, json.loads(terminal.run(*asked, "--json").out)
    weeks = [
        f"Week {week}: {asked} questions" for week, asked in told["questions_per_week"].items() if week != "0"
    ]
    assert weeks and all(each in printed for each in weeks)
    assert sum(each["questions"] for each in told["check_ins"]) <= sum(told["questions_per_week"].values())
    sent = [each for each in told["check_ins"] if not each["not_sent"]]
    assert len(sent) == printed.count(", until ")
    hours = {
        datetime.fromisoformat(each["due_at"]).strftime("%H:%M %z") for each in sent if each["kind"] == "DAY"
    }
    assert hours == {"08:00 -0500", "08:00 -0600"}, (
        "08:00 on the patient's clock, before and after it changes"
    )


def test_an_export_proves_itself_and_a_changed_one_does_not(terminal: Terminal) -> None:
    code = with_key(terminal, "invite", "patient").out.partition(":")[0]
    with_key(terminal, "treat", code)
    assert with_key(terminal, "export", "--out", "log").code == 0
    assert with_key(terminal, "export", "verify", "log").code == 0

    longest = max((terminal.folder / "log").glob("*.csv"), key=lambda path: path.stat().st_size)
    longest.write_text(longest.read_text() + "x")
    changed = with_key(terminal, "export", "verify", "log")
    assert changed.code == 1 and longest.name in changed.err

    assert with_key(terminal, "export", "--out", "log").code == 2, (
        "a folder that is there is not written over"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["nonsense"], 2, "No such command", id="unknown command"),
        pytest.param(["export", "--nonsense"], 2, "No such option", id="unknown option"),
        pytest.param(["export", "--out", "x", "--from", "2026-13-01"], 2, "2026-13-01", id="no such day"),
        pytest.param(["export", "--out", "x", "--format", "docx"], 2, "docx", id="unknown format"),
        pytest.param(["export", "--out", "x"], 5, "nothing", id="nothing to export"),
        pytest.param(["export", "--out", "../x"], 2, "..", id="out of the folder"),
        pytest.param(["patients"], 5, "nobody is in follow-up", id="nobody yet"),
        pytest.param(["treat", "K-9999"], 2, "K-9999", id="unknown code"),
        pytest.param(["summary", "K-9999", "--out", "s.pdf"], 2, "K-9999", id="summary of nobody"),
        pytest.param(["erase", "K-9999", "--yes"], 2, "K-9999", id="erase nobody"),
        pytest.param(["drill"], 6, "nobody is on call", id="nobody to drill"),
        pytest.param(["rota", "check"], 6, "nobody is on call", id="nobody on call"),
        pytest.param(["staff", "list"], 5, "nobody has joined", id="no staff yet"),
        pytest.param(["staff", "leave", "Dr Nobody"], 2, "nobody here has this name", id="nobody leaves"),
        pytest.param(["staff", "role", "Dr Nobody", "boss"], 2, "boss", id="no such role"),
        pytest.param(["doctor"], 6, "nobody is on call", id="the doctor says so too"),
        pytest.param(["rota", "import", "missing.ics"], 2, "missing.ics", id="no such calendar"),
        pytest.param(["restore", "missing"], 4, "missing", id="no such backup"),
        pytest.param(
            ["protocol", "show", "x", "--treated", "2026-11-02 10:00", "--zone", "UTC"], 2, "x", id="protocol"
        ),
        pytest.param(
            [
                "protocol",
                "show",
                "induction",
                "--treated",
                "2026-11-02 10:00",
                "--zone",
                "UTC",
                "--raised",
                "1",
            ],
            2,
            "1 is no treatment day of induction",
            id="raised on a day without treatment",
        ),
        pytest.param(
            ["protocol", "show", "single_infusion", "--treated", "25:00", "--zone", "UTC"],
            2,
            "25:00",
            id="time",
        ),
        pytest.param(
            ["protocol", "show", "single_infusion", "--treated", "2026-11-02 10:00", "--zone", "Mars/Phobos"],
            2,
            "Mars/Phobos",
            id="zone",
        ),
    ],
)
def test_bad_input_gets_one_clear_line_and_its_own_code(
    terminal: Terminal, words: Sequence[str], code: int, said: str
) -> None:
    done = with_key(terminal, *words)
    assert (done.code, said.lower() in done.err.lower()) == (code, True), done.err


TONIGHT = """BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;TZID=/vendor.example/America/Chicago:{day}T000000
DURATION:P2D
SUMMARY:[L1] amara@clinic.example
END:VEVENT
END:VCALENDAR
"""


def joined(terminal: Terminal, *names: str) -> None:
    """Let these people be on the staff."""
    key = base64.b64decode((terminal.folder / "aftercare.key").read_text())
    db = Database.open(f"sqlite:///{terminal.folder / 'aftercare.db'}", Vault([key]))
    with db.transaction() as tx:
        patients.site_row(tx, "demo")
        for name in names:
            staff.add(tx, "demo", name, Role.CLINICIAN, datetime.now(UTC))
    db.close()


def test_a_calendar_is_imported_by_the_aliases_in_the_settings(terminal: Terminal) -> None:
    joined(terminal, "Dr Amara Osei")
    now = datetime.now(UTC)
    (terminal.folder / "oncall.ics").write_text(TONIGHT.format(day=f"{now:%Y%m%d}"))
    (terminal.folder / "aftercare.toml").write_text(
        '[rota_aliases]\n"amara@clinic.example" = "Dr Amara Osei"\n'
    )
    done = with_key(terminal, "rota", "import", "oncall.ics")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("oncall.ics: 1 shifts in tier 1, of Dr Amara Osei")


def test_somebody_gets_another_role_and_leaves(terminal: Terminal) -> None:
    joined(terminal, "Amara Osei", "Jonas Lind", "Jonas Lind")
    given = with_key(terminal, "staff", "role", "amara osei", "lead")
    assert given.code == 0 and "amara osei is lead now" in given.out
    assert "Nobody as first on call" in given.out, "what is wrong with the rota since is said at once"
    both = with_key(terminal, "staff", "leave", "Jonas Lind")
    assert both.code == 2 and "several have this name" in both.err
    listed = json.loads(with_key(terminal, "staff", "list", "--json").out)
    assert (listed[0]["name"], listed[0]["role"]) == ("Amara Osei", "lead")
    assert with_key(terminal, "staff", "leave", listed[1]["id"]).code == 0
    assert with_key(terminal, "staff", "list").out.count("Jonas Lind: no way to be reached") == 1


def test_a_missing_setting_is_named_before_anything_starts(empty: Terminal) -> None:
    done = empty.run("run")
    assert done.code == 2
    assert "token: is missing" in done.err and "master key" in done.err


def test_a_missing_database_is_never_replaced_by_an_empty_one(terminal: Terminal) -> None:
    (terminal.folder / "aftercare.db").unlink()
    done = with_key(terminal, "patients")
    assert done.code == 4 and "aftercare init" in done.err
    assert not (terminal.folder / "aftercare.db").exists()


def test_triage_answers_every_line_and_ends_with_1_when_one_was_bad(terminal: Terminal) -> None:
    lines = b'{"text": "I am going to kill myself tonight", "lang": "en"}\nnot json\n{"text": "slept fine"}\n'
    done = terminal.run("triage", given=lines)
    first, second, third = map(json.loads, done.out.splitlines())
    assert (first["level"], third["level"]) == ("emergency", "none")
    assert "error" in second
    assert done.code == 1


def test_content_check_prints_what_a_medical_director_can_sign(terminal: Terminal) -> None:
    done = terminal.run("content", "check")
    assert done.code == 0 and "draft" in done.out.lower()


def test_broken_content_is_named_with_file_and_line(terminal: Terminal, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "prompts", tmp_path / "prompts")
    protocol = tmp_path / "prompts" / "protocols" / "single_infusion.toml"
    protocol.write_text("nonsense = 1\n" + protocol.read_text())
    done = terminal.run("content", "check", PROMPTS_DIR=str(tmp_path / "prompts"))
    assert done.code == 3
    assert "prompts/protocols/single_infusion.toml:1" in done.err and "nonsense" in done.err
