"""The auditor: what stands still is noticed, mended or told to people outside, and silence means trouble."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import col

from bot.watch import Watcher, ping
from storage import alerts, inbox
from storage import staff as people
from storage.database import Database, StorageError
from storage.tables import Alert, FindingRow, Outbox, OutboxKind, OutboxState, Page, PageState, Role, Staff
from storage.vault import Vault
from tests.databases import MASTER_KEY
from tests.flows.alarm import CRISIS, audited, found, found_but_not_carried, only
from tests.flows.clinic_night import House, Phone

LATE = timedelta(minutes=2)


@dataclass
class Outside:
    """People and services outside: what they were told, and how often we said that all is well."""

    told: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    pings: int = 0
    reachable: bool = True

    def tell(self, addresses: list[str], text: str) -> int:
        self.told.append((tuple(addresses), text))
        return len(addresses)

    def ping(self) -> bool:
        self.pings += self.reachable
        return self.reachable


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def watcher(house: House, outside: Outside) -> Watcher:
    def open_database() -> Database:
        return Database.open(house.url, Vault([MASTER_KEY]))

    return Watcher(house.content, ["ntfy://director"], open_database, outside.ping, outside.tell)


def test_while_all_holds_the_dead_man_is_pinged_and_nobody_is_told(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher, outside: Outside
) -> None:
    found(house, maria, CRISIS)
    house.tick()
    assert watcher.look(house.now)
    assert (outside.pings, outside.told) == (1, [])


def test_a_sender_that_never_started_is_noticed_within_two_minutes(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher, outside: Outside
) -> None:
    found_but_not_carried(house, maria, CRISIS)
    assert not watcher.look(house.now + LATE)
    ((addresses, text),) = outside.told
    assert addresses == ("ntfy://director",)
    assert "pages not sent: 2" in text and "avisos sin enviar: 2" in text
    assert outside.pings == 0
    assert "K-0001" not in text and "loaded" not in text


def test_whoever_is_on_call_is_told_by_their_own_outside_channels_too(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher, outside: Outside
) -> None:
    with house.looking() as tx:
        staff = tx.scalars(select(Staff)).one()
        people.add_contact(tx, staff.id, "ntfy", "ntfy://okafor", house.now)
    found_but_not_carried(house, maria, CRISIS)
    watcher.look(house.now + LATE)
    assert outside.told[0][0] == ("ntfy://director", "ntfy://okafor")


def test_it_is_said_again_every_five_minutes_and_once_when_it_is_over(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher, outside: Outside
) -> None:
    found_but_not_carried(house, maria, CRISIS)
    for minutes in range(2, 9):
        watcher.look(house.now + timedelta(minutes=minutes))
    assert len(outside.told) == 2
    house.carry()
    house.tick()
    assert watcher.look(house.now)
    assert "moving again" in outside.told[-1][1] and outside.pings == 1
    watcher.look(house.now)
    assert len(outside.told) == 3


def test_a_clockwork_that_stands_still_is_noticed(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher, outside: Outside
) -> None:
    house.tick()
    found(house, maria, CRISIS)
    assert not watcher.look(house.now + timedelta(minutes=5))
    text = outside.told[0][1]
    assert "the clockwork stands still" in text and "alerts not moved: 1" in text


def test_a_reply_that_nobody_reads_is_noticed(
    house: House, maria: Phone, watcher: Watcher, outside: Outside
) -> None:
    with house.looking() as tx:
        inbox.store(tx, "care", 1, maria.chat_id, {}, house.now)
    assert watcher.look(house.now + timedelta(minutes=1))
    assert not watcher.look(house.now + LATE)
    assert "replies not read: 1" in outside.told[0][1]


def test_a_page_that_nothing_carries_is_mended_by_paging_again(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher
) -> None:
    alert = found_but_not_carried(house, maria, CRISIS)
    with house.looking() as tx:
        lost = col(Outbox.kind) == OutboxKind.PAGE
        tx.execute(update(Outbox).where(lost).values(state=OutboxState.CANCELLED))
    house.now += LATE
    watcher.look(house.now)
    assert len(audited(house, "promise.mended")) == 1
    with house.looking() as tx:
        assert tx.scalars(select(Page.state).where(col(Page.alert_id) == alert.id)).one() == PageState.FAILED
    house.tick()
    assert "EMERGENCY" in okafor.screen


def test_an_alert_that_lost_its_pages_is_paged_again(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher
) -> None:
    found(house, maria, CRISIS)
    before = len(okafor.bubbles)
    with house.looking() as tx:
        tx.execute(update(Outbox).values(page_id=None))
        tx.execute(delete(Page))
    watcher.look(house.now)
    house.tick()
    assert len(okafor.bubbles) == before + 1


def test_a_finding_nobody_was_told_of_becomes_an_alert(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher
) -> None:
    patient = house.patient(maria)
    with house.looking() as tx:
        alerts.record_finding(tx, patient.id, CRISIS, house.now, "v")
    assert watcher.look(house.now)
    house.carry()
    assert only(house).level == "emergency" and "EMERGENCY" in okafor.screen
    with house.looking() as tx:
        kept = tx.scalars(select(FindingRow.alert_id)).one()
    assert kept == only(house).id
    watcher.look(house.now)
    assert len(house.alerts()) == 1


def test_without_a_database_people_kept_outside_it_are_told(
    house: House, outside: Outside, tmp_path: Path
) -> None:
    def gone() -> Database:
        raise StorageError("gone")

    watcher = Watcher(house.content, ["ntfy://director"], gone, outside.ping, outside.tell)
    assert not watcher.look(house.now)
    assert outside.told[0][0] == ("ntfy://director",) and "database" in outside.told[0][1]
    assert outside.pings == 0


def test_a_dead_man_that_cannot_be_reached_is_told_to_the_admin_and_changes_nothing_else(
    house: House, maria: Phone, okafor: Phone, watcher: Watcher, outside: Outside
) -> None:
    admin = house.phone()
    with house.looking() as tx:
        member = people.add(tx, "demo", "Root", Role.ADMIN, house.now)
        people.link_chat(tx, member, admin.chat_id, house.now)
    outside.reachable = False
    for _ in range(5):
        assert watcher.look(house.now)
    house.carry()
    assert admin.everything.count("outside watch cannot be reached") == 1
    found(house, maria, CRISIS)
    assert "EMERGENCY" in okafor.screen


def test_a_database_that_cannot_even_be_read_counts_as_gone(
    house: House, watcher: Watcher, outside: Outside
) -> None:
    with house.looking() as tx:
        tx.execute(delete(Alert))

    def wrong_key() -> Database:
        return Database.open(house.url, Vault([bytes(32)]))

    watcher.open_database = wrong_key
    with house.looking() as tx:
        inbox.store(tx, "care", 1, 5, {}, house.now)
    watcher.look(house.now + LATE)
    assert outside.pings == 0 and outside.told


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[int]]]:
    """A dead-man service on loopback that answers with the next status of a list."""
    statuses: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", statuses
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "taken"), [(200, True), (204, True), (404, False), (500, False)])
def test_a_ping_counts_only_when_it_was_taken(
    endpoint: tuple[str, list[int]], status: int, taken: bool
) -> None:
    url, statuses = endpoint
    statuses.append(status)
    assert ping(url) is taken


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "nonsense", "http://"])
def test_a_ping_to_nowhere_is_not_taken(url: str) -> None:
    assert ping(url) is False
