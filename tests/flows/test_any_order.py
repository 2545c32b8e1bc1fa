"""Whatever a patient does in whatever order, the record stays whole and nobody is forgotten."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from bot.message import ReplyKind
from storage import audit
from storage.tables import Alert, CheckIn, Outbox, Response
from tests.flows.clinic_night import House, Phone

WORDS = (
    "7", "0", "11", "seven", "138 over 90", "none", "skip", "yes", "no", "hello", "I want to die",
    "Мне плохо", "", "\x00", "7/10", "3, but I want to die", "Denver", "22:00-07:00", "next",
)  # fmt: skip
COMMANDS = (
    "/start", "/help", "/checkin", "/history", "/pause", "/stop", "/language", "/timezone", "/settings",
    "/cancel", "/alerts", "/start abc",
)  # fmt: skip
STEPS = 70


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_events_keeps_the_record_whole(house: House, okafor: Phone, seed: int) -> None:
    chance = random.Random(seed)
    maria = house.enrolled()
    house.treated(maria)
    for _ in range(STEPS):
        _anything(chance, house, maria)
    _assert_whole(house)


def _anything(chance: random.Random, house: House, maria: Phone) -> None:
    buttons = [
        (each.message_id, button) for each in maria.bubbles.values() for row in each.buttons for button in row
    ]
    match chance.randrange(8):
        case 0 | 1 | 2 if buttons:
            message_id, button = chance.choice(buttons[-40:])
            maria.presses(button.data, message_id)
        case 3 if house.messages():
            house.receive(
                maria,
                ReplyKind.EDIT,
                text=chance.choice(WORDS),
                message_id=chance.choice(house.messages()).message_id or 1,
            )
        case 4:
            maria.says(chance.choice(COMMANDS))
        case 5:
            house.skip_to(house.now + timedelta(minutes=chance.choice((1, 31, 200, 700, 1500))))
        case 6:
            maria.sends(chance.choice((ReplyKind.VOICE, ReplyKind.LOCATION, ReplyKind.BLOCKED)))
        case _:
            maria.says(chance.choice(WORDS))


def _assert_whole(house: House) -> None:
    responses: list[Response] = house.all(Response)
    current = Counter((each.check_in_id, each.item_id) for each in responses if not each.superseded)
    assert not [slot for slot, count in current.items() if count > 1], "one answer counts for each question"
    replaced = {each.supersedes for each in responses if each.supersedes}
    assert replaced == {each.id for each in responses if each.superseded}, "what was replaced stays"
    alerts: list[Alert] = house.all(Alert)
    assert all(each.next_action_at for each in alerts if each.state != "resolved"), "every alert has a clock"
    sent = Counter(each.check_in_id for each in _first_cards(house))
    opened: list[CheckIn] = house.all(CheckIn)
    assert set(sent) <= {each.id for each in opened if each.opened_at}, "a card only for what was opened"
    with house.looking() as tx:
        assert audit.verify(tx).intact


def _first_cards(house: House) -> list[Outbox]:
    rows: list[Outbox] = house.all(Outbox)
    return [each for each in rows if each.kind == "card"]
