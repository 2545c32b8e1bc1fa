"""Why a question has no answer, as an export says it, after what really happens in a chat."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.care.unasked import Unasked
from bot.content import Content, load_content
from bot.flows import tick
from bot.flows.erasure import erase
from bot.flows.exports import Wanted, export
from bot.message import ReplyKind
from storage.tables import CheckIn, Outbox, OutboxKind
from tests.flows.clinic_night import House, Phone


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content()


@pytest.fixture
def house(database_url: str, content: Content) -> Iterator[House]:
    night = House(database_url, content)
    yield night
    night.close()


def nothing(house: House, maria: Phone) -> None:
    """Nobody answers."""


def pauses(house: House, maria: Phone) -> None:
    maria.says("/pause")
    maria.taps("7 days")


def withdraws_before(house: House, maria: Phone) -> None:
    maria.says("STOP")


def withdraws_in_the_middle(house: House, maria: Phone) -> None:
    house.skip_to(house.now + timedelta(hours=2, minutes=5))
    maria.taps("Skip")
    maria.says("STOP")


def blocks(house: House, maria: Phone) -> None:
    house.receive(maria, ReplyKind.BLOCKED)


def skips(house: House, maria: Phone) -> None:
    house.skip_to(house.now + timedelta(hours=2, minutes=5))
    while maria.has_button("Skip"):
        maria.taps("Skip")


def is_erased(house: House, maria: Phone) -> None:
    with house.clinic() as clinic:
        erase(clinic, maria.code, house.now, "cli", with_alert=True)


def is_treated_again(house: House, maria: Phone) -> None:
    house.wait(minutes=70)
    house.treated(maria)


def has_it_taken_back(house: House, maria: Phone) -> None:
    okafor = house.clinician()
    okafor.says(f"/treated {maria.code} cancel")
    okafor.taps("Yes, it did not happen")


def is_never_reached(house: House, maria: Phone) -> None:
    """The card is written and no channel accepts it."""
    house.now += timedelta(hours=2, minutes=5)
    with house.clinic() as clinic:
        tick.tick(clinic, house.now)
    with house.looking() as tx:
        tx.execute(update(Outbox).where(Outbox.kind == OutboxKind.CARD).values(state="failed"))


def is_asleep(house: House, maria: Phone) -> None:
    """The machine was off until the window was over."""
    house.skip_to(house.now + timedelta(hours=5))


CASES = [
    pytest.param(nothing, "home", {"expired"}, "", id="nobody answers"),
    pytest.param(pauses, "home", {"paused"}, "paused", id="a pause"),
    pytest.param(withdraws_before, "home", {"withdrawn"}, "withdrawn", id="stop before it came"),
    pytest.param(withdraws_in_the_middle, "home", {"skipped", "withdrawn"}, "withdrawn", id="stop half-way"),
    pytest.param(blocks, "home", {"not_sent"}, "unreachable", id="the bot is blocked"),
    pytest.param(skips, "home", {"skipped"}, "", id="every question skipped"),
    pytest.param(is_erased, "home", {"erased"}, "erased", id="erased"),
    pytest.param(is_treated_again, "home", {"superseded"}, Unasked.SUPERSEDED, id="treated again"),
    pytest.param(has_it_taken_back, "home", {"superseded"}, Unasked.CANCELLED, id="taken back"),
    pytest.param(is_never_reached, "home", {"not_delivered"}, "", id="no channel accepted it"),
    pytest.param(is_asleep, "home", {"not_sent"}, Unasked.OVER, id="the machine was off"),
]


@pytest.mark.parametrize(("happens", "slot", "reasons", "detail"), CASES)
def test_the_reason_for_what_is_missing(
    house: House,
    tmp_path: Path,
    happens: Callable[[House, Phone], None],
    slot: str,
    reasons: set[str],
    detail: str,
) -> None:
    maria = house.enrolled()
    house.treated(maria)
    first = next(each.id for each in house.check_ins() if each.key == slot)
    happens(house, maria)
    house.wait(hours=4)
    with house.clinic() as clinic:
        export(clinic, tmp_path / "out", Wanted(), house.now)
    with (tmp_path / "out/answers.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["slot"] == slot and row["treatment_number"] == "1"]
    assert {row["reason"] for row in rows} == reasons
    assert {row["reason_detail"] for row in rows if row["status"] == "missing"} <= {detail}
    (check_in,) = [each for each in house.all(CheckIn) if each.id == first]
    assert check_in.reason == detail
