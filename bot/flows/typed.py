"""Typed answers to the question on the card, and corrections of them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.care.checkin import TypedWords, fold, next_item, read_typed
from bot.care.instrument import Item, ItemKind
from bot.content import Content
from bot.flows import answers, cards
from bot.flows.talk import Talk
from bot.flows.taps import Tapped
from bot.message import Reply
from storage import checkins
from storage.tables import CheckIn, Outbox

PLAIN = (ItemKind.CHOICE, ItemKind.GRADE, ItemKind.MULTI)


def receive_typed(talk: Talk, reply: Reply) -> Tapped | None:
    """Read a text as the answer to the open question; None when nothing is asked or it answers another.

    When it cannot be read as an answer the question is asked again in words, and what was written
    stays as a note.
    """
    check_in = _asking(talk, reply)
    item = talk.clinic.content.items.get(check_in.item_id) if check_in else None
    if check_in is None or item is None or not _meant_for(talk, check_in, reply):
        return None
    answer = read_typed(item, reply.text, typed_words(talk.clinic.content, item))
    if answer is None:
        return Tapped(check_in)
    response = answers.give(talk, check_in, item, answer, reply, text=reply.text)
    answers.show(talk, check_in)
    return Tapped(check_in, response)


def ask_again(talk: Talk, check_in: CheckIn) -> None:
    """Say which answers the open question takes; not twice in a row."""
    item = talk.clinic.content.items[check_in.item_id]
    kind = "option" if item.kind in PLAIN else item.kind.value
    limits = {"lowest": f"{item.lowest:g}", "highest": f"{item.highest:g}"}
    talk.tell_unless_repeated(talk.say(f"patient.again.{kind}", **limits))


def correct(talk: Talk, reply: Reply) -> Tapped | None:
    """Read an edited message anew; when an answer was read from it, the new one supersedes that."""
    if reply.message_id is None:
        return None
    earlier = checkins.read_from_message(talk.tx, talk.patient.id, reply.message_id)
    check_in = checkins.check_in(talk.tx, earlier.check_in_id) if earlier and earlier.check_in_id else None
    item = talk.clinic.content.items.get(earlier.item_id) if earlier else None
    if earlier is None or check_in is None or item is None:
        return None
    answer = read_typed(item, reply.text, typed_words(talk.clinic.content, item))
    if answer is None or answer == cards.given(earlier):
        return None
    response = answers.give(talk, check_in, item, answer, reply, text=reply.text)
    answers.show(talk, check_in)
    return Tapped(check_in, response)


def _asking(talk: Talk, reply: Reply) -> CheckIn | None:
    """Return the check-in that was asking when the text was sent, also if its window ended since."""
    open_now = checkins.in_progress(talk.tx, talk.patient.id)
    if open_now is not None:
        return open_now
    closed = checkins.closed_around(talk.tx, talk.patient.id, reply.sent_at)
    if closed is not None:
        given = cards.given_all(checkins.answers(talk.tx, closed.id))
        closed.item_id = next_item(closed.items, given, talk.clinic.content.items) or ""
    return closed


def _meant_for(talk: Talk, check_in: CheckIn, reply: Reply) -> bool:
    """Return whether a text may be an answer: not forwarded, not a reply to some other message."""
    if reply.forwarded or not reply.private:
        return False
    if reply.reply_to_message_id is None or check_in.card_outbox_id is None:
        return True
    card = talk.tx.get(Outbox, check_in.card_outbox_id)
    return card is not None and card.message_id == reply.reply_to_message_id


def typed_words(content: Content, item: Item) -> TypedWords:
    """Return what people type instead of tapping, in every language: a bilingual person mixes them."""
    said = [_lists(wording.sentences) for wording in content.languages.values()]
    labels = [
        wording.items[item.id].options for wording in content.languages.values() if item.id in wording.items
    ]
    codes = {option.code for option in item.options}
    return TypedWords(
        numbers={fold(word): float(n) for lists in said for n, word in enumerate(lists["numbers"])},
        options={fold(label): code for options in labels for code, label in options.items() if code in codes},
        fillers=frozenset(fold(word) for lists in said for word in lists["fillers"]),
        joins=frozenset(fold(word) for lists in said for word in lists["joins"]),
        over=frozenset(fold(word) for lists in said for word in lists["over"]),
        unknown=frozenset(fold(word) for lists in said for word in lists["unknown"]),
        skip=frozenset(fold(word) for lists in said for word in lists["skip"]),
    )


def _lists(sentences: Mapping[str, str]) -> dict[str, list[str]]:
    names = ("numbers", "fillers", "joins", "over", "unknown", "skip")
    return {name: sentences.get(f"patient.typed.{name}", "").split("|") for name in names}
