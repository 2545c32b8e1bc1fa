"""The demonstration's folder, and what a newcomer is told when it cannot start."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from bot.sandbox.demo import Place, run_demo


def test_the_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    place = Place.fresh(tmp_path / "demo")
    assert stat.S_IMODE(place.key_file.stat().st_mode) == 0o600


def test_a_second_start_begins_afresh_under_another_key(tmp_path: Path) -> None:
    first = Place.fresh(tmp_path)
    key = first.key_file.read_text()
    first.open_database().close()
    (tmp_path / "notes.txt").write_text("the visitor's own")
    second = Place.fresh(tmp_path)
    assert second.key_file.read_text() != key
    assert not (tmp_path / "aftercare.db").exists()
    assert (tmp_path / "notes.txt").exists()


def test_the_bot_of_the_demonstration_is_told_where_everything_is(tmp_path: Path) -> None:
    settings = Place.fresh(tmp_path).environment("http://127.0.0.1:1")
    assert settings["AFTERCARE_API_URL"] == "http://127.0.0.1:1"
    assert settings["AFTERCARE_CLOCK_FILE"] == str(tmp_path / "clock")


def test_a_taken_port_is_named_with_the_next_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_demo(tmp_path, port) == 2
    said = capsys.readouterr().out
    assert f"port {port}" in said
    assert f"--port {port + 1}" in said


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run_demo(tmp_path / "file" / "demo", 0) == 4
    assert "--folder" in capsys.readouterr().out
