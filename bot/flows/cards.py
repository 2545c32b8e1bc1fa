"""The card of a check-in: one message, one question at a time, and the summary at the end.

Every button's data is "c:<check-in>:<item>:<what>". It carries no authority: what it asks for is
checked against the chat, the patient and the question that is open when it arrives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.care.checkin import progress, sequence
from bot.care.instrument import Answer, Item, ItemKind
from bot.flows.talk import Buttons, Talk
from bot.message import Button, ButtonStyle
from storage.tables import CheckIn, Response

BACK, SKIP, DONE, UNKNOWN, CHANGE, PICK, LATE, PAGE, HELP = "<", "~", "!", "?", "*", "+", "l", ">", "h"
VALUE = "="
SHOWN_VALUES = {ItemKind.SCALE, ItemKind.COUNT, ItemKind.HOURS}
HOURS_FIRST = 4.0  # the middle page of the hours keypad: most nights are one tap away
HOURS_BEYOND = 10.0
LONGEST_SUMMARY = 3500
KEYPAD_ROW = 4
LONGEST_ITEM = 20  # with LONGEST_GIVEN, a button's data stays under 64 bytes
LONGEST_GIVEN = 12
LONG_LABEL = 20  # an option with more characters gets a row of its own


@dataclass(frozen=True)
class Tap:
    """A button of a card, taken apart. Nothing in it is trusted; names are as `short` made them."""

    check_in_id: str
    item: str
    what: str
    given: str = ""


def data(check_in: CheckIn, item_id: str, what: str, given: str = "") -> str:
    return f"c:{check_in.id}:{short(item_id)}:{what}{short(given, LONGEST_GIVEN)}"


def short(name: str, longest: int = LONGEST_ITEM) -> str:
    """Return an item's id or an option's code as it fits a button: itself, or a digest when it is long."""
    if len(name.encode()) <= longest and ":" not in name:
        return name
    return f".{hashlib.sha256(name.encode()).hexdigest()[: longest - 1]}"


def in_rows(buttons: Iterable[Button], size: int) -> Iterator[tuple[Button, ...]]:
    waiting = list(buttons)
    for first in range(0, len(waiting), size):
        yield tuple(waiting[first : first + size])


def read_tap(pressed: str) -> Tap | None:
    """Return what a card's button asks for, or None when it is no button of a card."""
    parts = pressed.split(":", 3)
    if len(parts) != 4 or parts[0] != "c" or not parts[3]:
        return None
    return Tap(parts[1], parts[2], parts[3][0], parts[3][1:])


def given(response: Response) -> Answer:
    return Answer(response.status, response.value, response.code)


def given_all(responses: Mapping[str, Response]) -> dict[str, Answer]:
    return {item_id: given(each) for item_id, each in responses.items()}


def asked(talk: Talk, check_in: CheckIn, responses: Mapping[str, Response]) -> list[Response]:
    """Return the answers to the questions that apply, in the order asked."""
    order = sequence(check_in.items, given_all(responses), talk.clinic.content.items)
    return [responses[item_id] for item_id in order if item_id in responses]


def question(
    talk: Talk, check_in: CheckIn, answers: Mapping[str, Answer], page: int = 1
) -> tuple[str, Buttons]:
    """Return the card showing the question that is open now."""
    item = talk.clinic.content.items[check_in.item_id]
    words = talk.words.item(item.id)
    n, of = progress(check_in.items, answers, talk.clinic.content.items, item.id)
    header = talk.say("patient.card.header", when=when(talk, check_in), n=n, of=of)
    parts = [header, words.stem, words.question, *_direction(talk, item)]
    rows = [*_keypad(talk, check_in, item, page), *_controls(talk, check_in, item, n)]
    return "\n\n".join(part for part in parts if part), tuple(rows)


def _direction(talk: Talk, item: Item) -> Iterator[str]:
    """Say in words which way the scale runs, and how to answer where there is no keypad."""
    words = talk.words.item(item.id)
    if item.kind is ItemKind.SCALE and words.low and words.high:
        ends = {
            "lowest": f"{item.lowest:g}",
            "low": words.low,
            "highest": f"{item.highest:g}",
            "high": words.high,
        }
        yield talk.say("patient.card.ends", **ends)
        if item.higher_is in ("worse", "better"):
            yield talk.say(f"patient.card.higher_is_{item.higher_is}")
    if item.kind is ItemKind.MULTI:
        yield talk.say("patient.card.pick_any")
    if item.kind in (ItemKind.PRESSURE, ItemKind.TEXT, ItemKind.NUMBER):
        limits = {"lowest": f"{item.lowest:g}", "highest": f"{item.highest:g}"}
        yield talk.say(f"patient.card.type_{item.kind.value}", **limits)


def _keypad(talk: Talk, check_in: CheckIn, item: Item, page: int) -> Iterator[tuple[Button, ...]]:
    if item.kind is ItemKind.HOURS:
        yield from _hours(talk, check_in, item, page)
    elif item.kind in SHOWN_VALUES:
        yield from in_rows(_values(check_in, item), KEYPAD_ROW)
    elif item.kind in (ItemKind.CHOICE, ItemKind.GRADE, ItemKind.MULTI):
        yield from _options(talk, check_in, item)
    if item.kind is ItemKind.MULTI:
        done = talk.say("patient.card.done")
        yield (Button(done, data(check_in, item.id, DONE), ButtonStyle.PRIMARY),)
    if item.unknown_allowed:
        label = shown_option(talk, item, "unknown")
        yield (Button(label, data(check_in, item.id, UNKNOWN)),)


def _values(check_in: CheckIn, item: Item) -> Iterator[Button]:
    for step in range(round((item.highest - item.lowest) / item.step) + 1):
        value = f"{item.lowest + step * item.step:g}"
        last = item.kind is ItemKind.COUNT and float(value) == item.highest
        yield Button(f"{value}+" if last else value, data(check_in, item.id, VALUE, value))


def _hours(talk: Talk, check_in: CheckIn, item: Item, page: int) -> Iterator[tuple[Button, ...]]:
    """Half hours on three pages: few, usual, many."""
    pages: tuple[list[Button], ...] = ([], [], [])
    for button in _values(check_in, item):
        hours = float(button.text)
        pages[0 if hours < HOURS_FIRST else 1 if hours < HOURS_BEYOND else 2].append(button)
    page = page if 0 <= page < len(pages) and pages[page] else 1
    yield from in_rows(pages[page], KEYPAD_ROW)
    turns = [(page - 1, "patient.card.fewer_hours"), (page + 1, "patient.card.more_hours")]
    yield tuple(
        Button(talk.say(key), data(check_in, item.id, PAGE, str(to)))
        for to, key in turns
        if 0 <= to < len(pages)
    )


def _options(talk: Talk, check_in: CheckIn, item: Item) -> Iterator[tuple[Button, ...]]:
    multi = item.kind is ItemKind.MULTI
    buttons = []
    for option in item.options:
        label = shown_option(talk, item, option.code)
        mark = talk.say("patient.card.picked", label=label)
        picked = multi and option.code in check_in.picked
        what = PICK if multi else VALUE
        buttons.append(Button(mark if picked else label, data(check_in, item.id, what, option.code)))
    yield from packed(buttons)


def packed(buttons: Iterable[Button]) -> Iterator[tuple[Button, ...]]:
    """Put two short labels side by side; a long one gets a row of its own, so that it can be read."""
    waiting: list[Button] = []
    for button in buttons:
        if len(button.text) > LONG_LABEL:
            yield from in_rows(waiting, 2)
            yield (button,)
            waiting = []
        else:
            waiting.append(button)
    yield from in_rows(waiting, 2)


def _controls(talk: Talk, check_in: CheckIn, item: Item, n: int) -> Iterator[tuple[Button, ...]]:
    skip = Button(talk.say("patient.card.skip"), data(check_in, item.id, SKIP))
    back = Button(talk.say("patient.card.back"), data(check_in, item.id, BACK))
    yield (back, skip) if n > 1 else (skip,)
    yield help_row(talk)


def help_row(talk: Talk) -> tuple[Button, ...]:
    """Return the button that is under every card: a person, now."""
    return (Button(talk.say("patient.card.help"), "help", ButtonStyle.DANGER),)


def summary(talk: Talk, check_in: CheckIn, responses: Sequence[Response]) -> tuple[str, Buttons]:
    """Return the card after the last question: what was answered, and how to change it."""
    saved = talk.now.astimezone(ZoneInfo(talk.patient.zone)).strftime("%H:%M")
    head = talk.say("patient.card.saved", when=when(talk, check_in), at=saved)
    change = Button(talk.say("patient.card.change"), data(check_in, "", CHANGE))
    person = Button(talk.say("patient.card.talk"), "talk")
    body = "\n".join(lines(talk, responses))[:LONGEST_SUMMARY]
    return f"{head}\n\n{body}", ((change,), (person,), help_row(talk))


def changing(talk: Talk, check_in: CheckIn, responses: Sequence[Response]) -> tuple[str, Buttons]:
    """Return the card that asks which answer to change."""
    buttons = [
        Button(line[:60], data(check_in, each.item_id, CHANGE))
        for each, line in zip(responses, lines(talk, responses), strict=True)
    ]
    keep = Button(talk.say("patient.card.keep"), data(check_in, "", DONE))
    return talk.say("patient.card.change_which"), (
        *((each,) for each in buttons),
        (keep,),
    )


def lines(talk: Talk, responses: Sequence[Response]) -> list[str]:
    """Return one line for each answer: the question in short, and what was answered."""
    wording = talk.words
    named = []
    for each in responses:
        words = wording.items.get(each.item_id)
        name = (words.short or words.question) if words else each.item_id
        named.append(f"{name}: {shown(talk, each)}")
    return named


def shown(talk: Talk, response: Response) -> str:
    """Return an answer in words: "7 of 10", "5 or more", "mild", "skipped"."""
    if response.status != "answered":
        return talk.say(f"patient.shown.{response.status}")
    item = talk.clinic.content.items.get(response.item_id)
    value = "" if response.value is None else f"{response.value:g}"
    if item is None:
        return response.label or response.code or value
    if item.kind is ItemKind.TEXT:
        return talk.say("patient.shown.words")
    if response.code and item.kind is not ItemKind.PRESSURE:
        return ", ".join(shown_option(talk, item, code) for code in given(response).picks)
    key = "or_more" if item.kind is ItemKind.COUNT and response.value == item.highest else item.kind.value
    return talk.say(f"patient.shown.{key}", value=response.code or value, highest=f"{item.highest:g}")


def shown_option(talk: Talk, item: Item, code: str) -> str:
    return talk.words.item(item.id).options.get(code, code)


def when(talk: Talk, check_in: CheckIn) -> str:
    """Return the day of a check-in as the patient says it: "Tuesday 3 March, 08:00"."""
    return local_time(talk, check_in.due_at)


def local_time(talk: Talk, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(talk.patient.zone))
    days = talk.say("patient.calendar.days").split("|")
    months = talk.say("patient.calendar.months").split("|")
    return talk.say(
        "patient.calendar.moment",
        weekday=days[local.weekday()],
        day=local.day,
        month=months[local.month - 1],
        time=local.strftime("%H:%M"),
    )
