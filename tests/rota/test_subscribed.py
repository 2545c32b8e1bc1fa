"""Calendars read again every few minutes, from a real server and from a file: the last good rota stays."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bot.calendars import Subscription, line_problems, read_subscriptions
from bot.flows.clinic import Clinic
from bot.flows.doctor import examine
from bot.rota.importing import RotaReport
from bot.rota.subscription import Reading
from tests.rota.conftest import NOW
from tests.rota.test_import import BEGUN, WEEKLY, calendar, on_call, shifts, told

T = TypeVar("T")
MINUTES = timedelta(minutes=1)
OTHER = calendar("UID:x\nDTSTART:20261001T000000Z\nDTEND:20261101T000000Z\nSUMMARY:Dr Ines Prado")


@dataclass
class CalendarServer:
    """Answers as it is told: a calendar, an error, a log-in page, or never."""

    port: int
    status: int = 200
    body: bytes = WEEKLY
    hangs: bool = False
    asked: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/private-4711/oncall.ics"


@pytest.fixture
def server() -> Iterator[CalendarServer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            it.asked += 1
            self.send_response(it.status)
            if it.hangs:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nBEGIN:VCAL")
                it.ended.wait(30)
                return
            self.send_header("Content-Length", str(len(it.body)))
            self.end_headers()
            self.wfile.write(it.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the screen."""

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it = CalendarServer(serving.server_port)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield it
    it.ended.set()
    serving.shutdown()


@dataclass
class Rota:
    """A clinic with its subscribed calendars, and a clock to turn."""

    clinic: Clinic
    lines: tuple[str, ...]
    now_is: float = 120  # minutes after noon: the first shift of WEEKLY is on

    async def read(self, after: float = 0) -> tuple[RotaReport, ...]:
        self.now_is += after

        async def at_once(work: Callable[[], T], /) -> T:
            return work()

        subscriptions = read_subscriptions(self.lines, {"oncall@clinic.example": "Amara Osei"})
        return await Reading(self.clinic, subscriptions, lambda: self.now, at_once).read(time_limit=0.5)

    @property
    def now(self) -> datetime:
        return NOW + self.now_is * MINUTES

    @property
    def doctor(self) -> list[str]:
        return [each for each in examine(self.clinic, self.now).lines() if "calendar" in each]


async def test_a_calendar_at_an_address_becomes_the_rota_and_is_followed(
    clinic: Clinic, server: CalendarServer
) -> None:
    rota = Rota(clinic, (f"demo 1 {server.address}",))
    (report,) = await rota.read()
    assert report.imported and on_call(clinic, BEGUN) == "Amara Osei"
    server.body = OTHER
    assert (await rota.read(after=5))[0].imported
    assert on_call(clinic, rota.now) == "Dr. Inés Prado"


async def test_one_that_has_not_changed_is_left_alone_until_people_may_have_changed(
    clinic: Clinic, server: CalendarServer
) -> None:
    rota = Rota(clinic, (f"demo 1 {server.address}",))
    await rota.read()
    assert await rota.read(after=5) == () and server.asked == 2
    assert rota.doctor == ["note: calendar demo:subscribed-1: last read well 0 minutes ago"]
    assert len(await rota.read(after=30)) == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param({"status": 404}, "its address answers 404", id="gone"),
        pytest.param({"body": b"<!DOCTYPE html><p>Sign in"}, "a log-in page", id="a log-in page"),
        pytest.param({"body": b""}, "it is empty", id="empty"),
        pytest.param({"hangs": True}, "not there as a whole within 0.5 seconds", id="one that never ends"),
    ],
)
async def test_trouble_leaves_the_last_good_rota_and_is_told_once(
    clinic: Clinic, server: CalendarServer, answer: dict[str, object], problem: str
) -> None:
    rota = Rota(clinic, (f"demo 1 {server.address}",))
    await rota.read()
    before = [(each.id, each.staff_id, each.starts_at, each.ends_at) for each in shifts(clinic)]
    for name, value in answer.items():
        setattr(server, name, value)
    for _ in range(3):
        (report,) = await rota.read(after=25)
        assert not report.imported and problem in report.problems[0]
    assert [(each.id, each.staff_id, each.starts_at, each.ends_at) for each in shifts(clinic)] == before
    messages = [each for each in told(clinic) if "subscribed-1" in each]
    assert len(messages) == 1 and problem in messages[0] and "private-4711" not in messages[0]
    assert rota.doctor == ["weakens: calendar demo:subscribed-1: last read well 75 minutes ago"]


async def test_one_that_hangs_holds_up_no_other(
    clinic: Clinic, server: CalendarServer, tmp_path: Path
) -> None:
    server.hangs = True
    file = tmp_path / "oncall.ics"
    file.write_bytes(WEEKLY)
    rota = Rota(clinic, (f"demo 2 {server.address}", f"demo 1 {file}"))
    hanging, read = await rota.read()
    assert not hanging.imported and read.imported
    assert "weakens: calendar demo:subscribed-2: has never been read; look at rota_calendars" in rota.doctor


async def test_a_file_that_is_gone_for_a_while_changes_nothing(clinic: Clinic, tmp_path: Path) -> None:
    file = tmp_path / "on call.ics"
    file.write_bytes(WEEKLY)
    rota = Rota(clinic, (f"demo 1 {file}",))
    await rota.read()
    file.unlink()
    (report,) = await rota.read(after=5)
    assert report.problems == ("it cannot be read: No such file or directory",)
    assert on_call(clinic, rota.now) == "Amara Osei"


async def test_a_calendar_that_moved_replaces_what_the_old_address_brought(
    clinic: Clinic, server: CalendarServer, tmp_path: Path
) -> None:
    await Rota(clinic, (f"demo 1 {server.address}",)).read()
    file = tmp_path / "oncall.ics"
    file.write_bytes(OTHER)
    moved = Rota(clinic, (f"demo 1 {file}",))
    await moved.read(after=5)
    assert {on_call(clinic, moved.now + hours * 60 * MINUTES) for hours in range(0, 48, 3)} == {
        "Dr. Inés Prado"
    }


async def test_an_alias_says_whose_shift_a_title_means(clinic: Clinic, tmp_path: Path) -> None:
    file = tmp_path / "oncall.ics"
    file.write_bytes(calendar("UID:x\nDTSTART:20261001T000000Z\nDURATION:P9D\nSUMMARY:oncall@clinic.example"))
    rota = Rota(clinic, (f"demo 1 {file}",))
    assert (await rota.read())[0].imported and on_call(clinic, rota.now) == "Amara Osei"


async def test_a_calendar_nobody_subscribes_to_any_more_is_no_trouble(
    clinic: Clinic, server: CalendarServer
) -> None:
    await Rota(clinic, (f"demo 1 {server.address}",)).read()
    nothing = Rota(clinic, ())
    await nothing.read()
    assert nothing.doctor == [] and on_call(clinic, BEGUN) == "Amara Osei"


def test_names_come_from_the_tier_so_that_addresses_may_change() -> None:
    lines = ("demo 1 https://a.example/x", "demo 1 https://b.example/y", "demo 2 /srv/on call.ics")
    found = read_subscriptions(lines, {})
    assert [each.name for each in found] == ["subscribed-1", "subscribed-1-2", "subscribed-2"]
    assert found[2] == Subscription("subscribed-2", "/srv/on call.ics", "demo", 2)
    assert "a.example" not in repr(found)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("demo https://a.example/secret", "must be SITE TIER ADDRESS", id="no tier"),
        pytest.param("demo 4 https://a.example/secret", "the tier must be 1", id="no such tier"),
        pytest.param("demo 1 http://a.example/secret", "must begin with https://", id="readable on the way"),
        pytest.param("demo 1 https://[secret", "must begin with https://", id="no address"),
        pytest.param("demo 1 https://a.example/secret b", "holds a space", id="two in one"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_its_secret_is_not(line: str, problem: str) -> None:
    (found,) = line_problems([line])
    assert found.startswith("entry 1: ") and problem in found and "secret" not in found


@pytest.mark.parametrize(
    "line", ["demo 1 webcal://a.example/x", "demo 3 rota/lead.ics", "demo 2 http://[::1]:9/x"]
)
def test_lines_that_can_be_used(line: str) -> None:
    assert list(line_problems([line])) == []
