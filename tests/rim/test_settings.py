"""Settings: every problem at once, one line each, and never a secret."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings, settings_table

TOKEN = "123456789:AAexample-of-no-real-bot-at-all"
OTHER = "987654321:AAanother-of-no-real-bot-at-all"
KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment with nothing of ours in it, in a folder with no settings file."""
    for name in list(os.environ):
        if name.startswith("AFTERCARE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"AFTERCARE_{name.upper()}", value)


def problems() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.problems


def test_token_and_key_are_all_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, token=TOKEN, master_keys=KEY)
    settings = load_settings()
    assert settings.keys == (bytes(range(32)),)
    assert settings.http_host == "127.0.0.1"


def test_with_nothing_set_both_are_named_with_the_next_step() -> None:
    found = problems()
    assert len(found) == 2
    assert "AFTERCARE_TOKEN" in found[0]
    assert "aftercare init" in found[1]


def test_a_command_without_a_bot_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, master_keys=KEY)
    assert load_settings(needs_token=False).token is None


@pytest.mark.parametrize(
    ("values", "about"),
    [
        pytest.param({"token": f"{TOKEN}\n"}, "token: holds a space or line break", id="a line break"),
        pytest.param({"token": "abc"}, "token: is no bot token", id="no token"),
        pytest.param({"alert_token": TOKEN}, "alert_token: is the same as token", id="both the same"),
        pytest.param({"master_keys": "ab" * 31}, "master_keys: key 1: is 31 bytes; a key is 32", id="short"),
        pytest.param({"master_keys": "ä!"}, "master_keys: key 1: is neither base64 nor hex", id="no key"),
        pytest.param({"key_file": "nowhere"}, "key_file: nowhere cannot be read: No such file", id="no file"),
        pytest.param({"http_port": "ninety"}, "http_port: ", id="wrong type"),
        pytest.param({"http_port": "65536"}, "http_port: ", id="one past the last port"),
        pytest.param({"http_prot": "1"}, "is no setting; did you mean http_port?", id="unknown variable"),
        pytest.param({"database_url": "mysql://x"}, "database_url: must begin with", id="other engine"),
        pytest.param({"api_url": "telegram.org"}, "api_url: is no http", id="no address"),
        pytest.param({"prompts_dir": "nowhere"}, "prompts_dir: nowhere is no folder", id="no folder"),
        pytest.param({"webhook_url": "https://x.org"}, "webhook_secret: is missing", id="open webhook"),
        pytest.param({"webhook_url": "http://x.org"}, "webhook_url: must be an https", id="plain webhook"),
        pytest.param({"webhook_secret": "short"}, "webhook_secret: must be 16 to 256", id="guessable"),
        pytest.param({"log_level": "LOUD"}, "log_level: ", id="not one of"),
        pytest.param({"poll_seconds": "0"}, "poll_seconds: ", id="no time at all"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], about: str) -> None:
    given(monkeypatch, **({"token": TOKEN, "master_keys": KEY} | values))
    assert any(about in each for each in problems()), problems()


def test_everything_wrong_is_named_at_once_and_no_secret_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aftercare.toml").write_text('colour = "blue"\nhttp_port = "ninety"\n')
    given(monkeypatch, token=TOKEN, alert_token=TOKEN, master_keys="c2VjcmV0LWtleQ==", wobble="1")
    found = "\n".join(problems())
    for about in ("AFTERCARE_WOBBLE", "colour", "http_port", "alert_token", "key 1: is 10 bytes"):
        assert about in found
    assert TOKEN not in found
    assert "c2VjcmV0" not in found


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "aftercare.toml").write_text("http_port = 9000\npoll_seconds = 5\n")
    given(monkeypatch, token=TOKEN, master_keys=KEY, http_port="9001")
    settings = load_settings()
    assert (settings.http_port, settings.poll_seconds) == (9001, 5)


@pytest.mark.parametrize(
    ("content", "about"),
    [
        (b"token = [", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, about: str
) -> None:
    (tmp_path / "other.toml").write_bytes(content)
    monkeypatch.setenv("AFTERCARE_SETTINGS", "other.toml")
    given(monkeypatch, token=TOKEN, master_keys=KEY)
    assert problems()[0].startswith("other.toml: ")
    assert about in problems()[0]


def test_a_file_that_was_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERCARE_SETTINGS", "missing.toml")
    given(monkeypatch, token=TOKEN, master_keys=KEY)
    assert problems() == ("missing.toml: cannot be read: No such file or directory",)


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_key_everybody_can_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, refused: bool
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"# made in spring\n{KEY}\n")
    key_file.chmod(mode)
    given(monkeypatch, token=TOKEN, key_file=str(key_file))
    if refused:
        assert any("chmod 600" in each for each in problems())
    else:
        assert len(load_settings().keys) == 1


def test_a_settings_file_with_a_token_in_it_is_guarded_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "aftercare.toml"
    file.write_text(f'token = "{TOKEN}"\n')
    file.chmod(0o644)
    given(monkeypatch, master_keys=KEY)
    assert any("chmod 600" in each for each in problems())
    file.chmod(0o600)
    assert load_settings().token is not None


def test_several_keys_are_read_in_every_way_of_writing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{'ab' * 32}\n\n{KEY}\n")
    file.chmod(0o600)
    urlsafe = base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")
    given(monkeypatch, token=TOKEN, key_file=str(file), master_keys=f"{KEY}, {urlsafe}")
    assert load_settings().keys == (bytes([0xAB]) * 32, bytes(range(32)), bytes(range(32)), b"\xff" * 32)


def test_settings_never_show_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch,
        token=TOKEN,
        alert_token=OTHER,
        master_keys=KEY,
        outside_recipients="mailtos://u:hunter2@x.org",
        database_url="postgresql+psycopg://u:hunter2@h/n",
    )
    settings = load_settings()
    shown = f"{settings!r} {settings}"
    for secret in (TOKEN, OTHER, KEY, "hunter2"):
        assert secret not in shown
    assert {TOKEN, OTHER, KEY} <= set(settings.secrets)


def test_every_setting_is_explained() -> None:
    table = settings_table()
    for name, each in Settings.model_fields.items():
        assert f"| `{name}` |" in table
        assert each.description


def test_calendars_and_who_they_mean_may_stand_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch,
        token=TOKEN,
        master_keys=KEY,
        rota_calendars="demo 1 https://calendar.example/private-4711.ics; demo 2 /srv/rota/backup.ics",
        rota_aliases="amara@clinic.example=Amara Osei; Primary = Jonas Lind",
    )
    settings = load_settings()
    first, second = settings.calendars
    assert (first.site_id, first.tier, second.source) == ("demo", 1, "/srv/rota/backup.ics")
    assert first.aliases == {"amara@clinic.example": "Amara Osei", "Primary": "Jonas Lind"}
    assert "https://calendar.example/private-4711.ics" in settings.secrets
    assert "private-4711" not in repr(settings)


def test_calendars_and_aliases_in_the_file_are_a_list_and_a_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(monkeypatch, token=TOKEN, master_keys=KEY)
    file = tmp_path / "aftercare.toml"
    file.write_text(
        'rota_calendars = ["demo 1 webcal://calendar.example/a.ics"]\n'
        '[rota_aliases]\n"a@b.example" = "Amara Osei"\n'
    )
    file.chmod(0o600)
    (only,) = load_settings().calendars
    assert only.name == "subscribed-1" and only.aliases == {"a@b.example": "Amara Osei"}


def test_a_calendar_line_that_cannot_be_used_is_a_problem_without_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(
        monkeypatch,
        token=TOKEN,
        master_keys=KEY,
        rota_calendars="demo 9 https://calendar.example/private-4711",
    )
    (found,) = problems()
    assert found.startswith("rota_calendars: entry 1: the tier must be") and "private-4711" not in found
