"""A tap on a check-in's card, whether it is right or stale or forged."""

from __future__ import annotations

from dataclasses import dataclass

from bot.care.checkin import answer_from_picks, answer_from_tap, previous_item, toggle
from bot.care.instrument import Answer, Item
from bot.flows import answers, cards
from bot.flows.cards import Tap
from bot.flows.talk import Talk, answer_tap
from bot.message import Reply
from storage import audit, checkins
from storage.tables import CheckIn, CheckInStatus, PatientStatus, Response

SKIPPED, UNKNOWN = Answer("skipped"), Answer("unknown")
OVER = (CheckInStatus.PARTIAL, CheckInStatus.MISSED)
STANDING = (PatientStatus.ACTIVE, PatientStatus.PAUSED)


@dataclass(frozen=True)
class Tapped:
    """What came of a tap: the answer recorded, if one was."""

    check_in: CheckIn | None = None
    response: Response | None = None


def receive_tap(talk: Talk, tap: Tap, reply: Reply) -> Tapped:
    """Act on a tap, or refuse it in words; a tap that changes nothing still shows the card as it is."""
    check_in = checkins.check_in(talk.tx, tap.check_in_id)
    if check_in is None or check_in.patient_id != talk.patient.id:
        return _refuse(talk, reply, "patient.tap.not_yours", refused="not_theirs")
    if talk.patient.status not in STANDING:
        return _refuse(talk, reply, "patient.tap.stopped", refused="stopped")
    if check_in.status not in checkins.ANSWERABLE:
        return _refuse(talk, reply, "patient.tap.replaced", refused="closed")
    if not tap.item or tap.what in (cards.CHANGE, cards.LATE):
        return _turn(talk, check_in, tap, reply)
    if cards.short(check_in.item_id) != tap.item:
        return _not_open(talk, check_in, tap, reply)
    return _act(talk, check_in, tap, reply)


def _act(talk: Talk, check_in: CheckIn, tap: Tap, reply: Reply) -> Tapped:
    """Act on a tap on the open question."""
    item = talk.clinic.content.items[check_in.item_id]
    if tap.what == cards.PAGE:
        answer_tap(talk.tx, reply, talk.now)
        answers.show(talk, check_in, page=int(tap.given) if tap.given.isdecimal() else 1)
        return Tapped(check_in)
    if tap.what == cards.BACK:
        responses = checkins.answers(talk.tx, check_in.id)
        before = previous_item(check_in.items, cards.given_all(responses), talk.clinic.content.items, item.id)
        return _show(talk, check_in, reply, item_id=before or item.id)
    if tap.what == cards.PICK:
        return _pick(talk, check_in, item, tap, reply)
    answer = _answer(check_in, item, tap)
    if answer is None:
        nothing_picked = tap.what == cards.DONE
        return _refuse(talk, reply, "patient.tap.pick_one" if nothing_picked else "patient.tap.unreadable")
    response = answers.give(talk, check_in, item, answer, reply)
    answer_tap(talk.tx, reply, talk.now)
    answers.show(talk, check_in)
    return Tapped(check_in, response)


def _answer(check_in: CheckIn, item: Item, tap: Tap) -> Answer | None:
    if tap.what == cards.SKIP:
        return SKIPPED
    if tap.what == cards.UNKNOWN:
        return UNKNOWN if item.unknown_allowed else None
    if tap.what == cards.DONE:
        return answer_from_picks(item, check_in.picked)
    return answer_from_tap(item, _option_code(item, tap.given)) if tap.what == cards.VALUE else None


def _option_code(item: Item, given: str) -> str:
    """Return the option a shortened code stands for; anything else stays as it is."""
    codes = {cards.short(each.code, cards.LONGEST_GIVEN): each.code for each in item.options}
    return codes.get(given, given)


def _pick(talk: Talk, check_in: CheckIn, item: Item, tap: Tap, reply: Reply) -> Tapped:
    check_in.picked = list(toggle(check_in.picked, _option_code(item, tap.given), item))
    return _show(talk, check_in, reply, item_id=item.id, keep_picks=True)


def _turn(talk: Talk, check_in: CheckIn, tap: Tap, reply: Reply) -> Tapped:
    """Act on the buttons of a card that asks nothing: change an answer, keep them, answer late."""
    responses = checkins.answers(talk.tx, check_in.id)
    if tap.what == cards.LATE:
        answers.move_on(talk, check_in)
        return _show(talk, check_in, reply, item_id=check_in.item_id)
    if tap.what == cards.DONE:
        return _show(talk, check_in, reply, item_id="" if _complete(check_in) else check_in.item_id)
    if not tap.item:
        text, buttons = cards.changing(talk, check_in, cards.asked(talk, check_in, responses))
        answer_tap(talk.tx, reply, talk.now)
        talk.change(check_in.card_outbox_id, text, buttons=buttons, check_in_id=check_in.id)
        return Tapped(check_in)
    chosen = next((each for each in responses if cards.short(each) == tap.item), None)
    if chosen is None or chosen not in talk.clinic.content.items:
        return _refuse(talk, reply, "patient.tap.unreadable")
    return _show(talk, check_in, reply, item_id=chosen)


def _complete(check_in: CheckIn) -> bool:
    return check_in.status == CheckInStatus.ANSWERED


def _show(talk: Talk, check_in: CheckIn, reply: Reply, *, item_id: str, keep_picks: bool = False) -> Tapped:
    """Open a question (or the summary) on the card; coming back to a multi-select shows its picks."""
    check_in.item_id = item_id
    check_in.first_seen_at = check_in.first_seen_at or talk.now
    if not keep_picks:
        earlier = checkins.answers(talk.tx, check_in.id).get(item_id)
        check_in.picked = list(cards.given(earlier).picks) if earlier else []
    talk.tx.add(check_in)
    answer_tap(talk.tx, reply, talk.now)
    answers.show(talk, check_in)
    return Tapped(check_in)


def _not_open(talk: Talk, check_in: CheckIn, tap: Tap, reply: Reply) -> Tapped:
    """The same tap again shows the same result; a tap on a question that is over is refused in words."""
    if check_in.status in OVER and not check_in.item_id:
        return _refuse(talk, reply, "patient.tap.too_late", refused="closed")
    if _says_the_same(talk, check_in, tap):
        answer_tap(talk.tx, reply, talk.now)
        answers.show(talk, check_in)
        return Tapped(check_in)
    answers.show(talk, check_in)
    return _refuse(talk, reply, "patient.tap.not_open", refused="not_open")


def _says_the_same(talk: Talk, check_in: CheckIn, tap: Tap) -> bool:
    """Return whether the tap is what was already recorded for that question."""
    responses = checkins.answers(talk.tx, check_in.id)
    response = next((each for item_id, each in responses.items() if cards.short(item_id) == tap.item), None)
    item = talk.clinic.content.items.get(response.item_id) if response else None
    if response is None or item is None:
        return False
    if tap.what in (cards.DONE, cards.PICK, cards.BACK, cards.PAGE):
        return tap.what == cards.DONE
    return _answer(check_in, item, tap) == cards.given(response)


def _refuse(talk: Talk, reply: Reply, key: str, *, refused: str = "") -> Tapped:
    answer_tap(talk.tx, reply, talk.now, talk.say(key), alert=True)
    if refused:
        actor = f"patient:{talk.patient.id}"
        audit.record(talk.tx, talk.now, actor, "tap.refused", f"update:{reply.update_id}", why=refused)
    return Tapped()
