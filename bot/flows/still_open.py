"""Side effects that were still there the last time are asked about again."""

from __future__ import annotations

from collections.abc import Iterator

from bot.care.instrument import Item
from bot.flows import cards
from bot.flows.talk import Talk
from storage import checkins
from storage.tables import CheckIn, Treatment

GONE = 0.0  # the grade "none"


def ask_again(talk: Talk, check_in: CheckIn) -> tuple[str, ...]:
    """Return the items a check-in asks besides its own: follow-ups whose last answer was not "none"."""
    treatment = talk.tx.get(Treatment, check_in.treatment_id)
    protocol = talk.clinic.content.protocols.get(treatment.protocol) if treatment else None
    if treatment is None or protocol is None:
        return ()
    kinds = [protocol.kinds[each] for each in check_in.kind.split("+") if each in protocol.kinds]
    lists = [talk.clinic.content.items[kind.asks_again] for kind in kinds if kind.asks_again]
    found = (each for item in lists for each in _still_there(talk, item, treatment))
    return tuple(each for each in dict.fromkeys(found) if each not in check_in.items)


def _still_there(talk: Talk, item: Item, treatment: Treatment) -> Iterator[str]:
    follow_ups = dict(item.follow_ups)
    wanted = (item.id, *follow_ups.values())
    latest = checkins.latest_answers(talk.tx, talk.patient.id, wanted, treatment.ended_at)
    picked = latest.get(item.id)
    for option in cards.given(picked).picks if picked else ():
        answer = latest.get(follow_ups.get(option, ""))
        if answer is not None and (answer.value is None or answer.value > GONE):
            yield answer.item_id
