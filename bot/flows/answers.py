"""Recording one answer, moving its check-in on, and keeping the card up to date."""

from __future__ import annotations

from bot.care.checkin import next_item
from bot.care.instrument import Answer, Item
from bot.flows import cards
from bot.flows.talk import Buttons, Talk
from bot.message import Reply
from storage import audit, checkins
from storage.ids import new_id
from storage.tables import CheckIn, CheckInStatus, OutboxKind, Response
from storage.vault import seal


def give(
    talk: Talk, check_in: CheckIn, item: Item, answer: Answer, reply: Reply, *, text: str | None = None
) -> Response:  # fmt: skip
    """Record an answer, superseding an earlier one to the same question, and open the next question.

    `text` are the words it was read from. An answer sent after the window carries `late`.
    """
    previous = checkins.answers(talk.tx, check_in.id).get(item.id)
    response = Response(
        id=new_id(talk.now),
        patient_id=talk.patient.id,
        check_in_id=check_in.id,
        item_id=item.id,
        status=answer.status,
        value=answer.value,
        code=answer.code,
        unit=item.unit,
        label=_label(talk, item, answer),
        night_on=check_in.night_on if item.about_night else None,
        late=reply.sent_at >= check_in.closes_at,
        answered_at=reply.sent_at,
        received_at=talk.now,
        bot=reply.bot,
        update_id=reply.update_id,
        message_id=reply.message_id if text is not None else None,
        language=talk.patient.language,
        content_version=talk.clinic.content.version,
    )
    if text is not None:
        seal(talk.tx, response, "text_sealed", text)
    checkins.record(talk.tx, response, previous)
    check_in.first_seen_at = check_in.first_seen_at or talk.now
    check_in.picked = []
    move_on(talk, check_in)
    changed = {"supersedes": previous.id} if previous else {}
    actor, subject = f"patient:{talk.patient.id}", f"response:{response.id}"
    audit.record(talk.tx, talk.now, actor, "response.recorded", subject, **changed)
    return response


def move_on(talk: Talk, check_in: CheckIn) -> None:
    """Open the first question without an answer; when there is none, the check-in is complete."""
    answers = cards.given_all(checkins.answers(talk.tx, check_in.id))
    following = next_item(check_in.items, answers, talk.clinic.content.items)
    check_in.item_id = following or ""
    if following is None:
        check_in.status = CheckInStatus.ANSWERED
        check_in.finished_at = check_in.finished_at or talk.now
        check_in.remind_at = None
    elif check_in.status == CheckInStatus.MISSED:
        check_in.status = CheckInStatus.PARTIAL
    talk.tx.add(check_in)
    talk.tx.flush()


def _label(talk: Talk, item: Item, answer: Answer) -> str:
    """Return the options as the patient saw them, "" for a number."""
    if not item.options or not answer.code:
        return ""
    return ", ".join(cards.shown_option(talk, item, code) for code in answer.picks)


def send_card(talk: Talk, check_in: CheckIn, *, silent: bool = False) -> None:
    """Send the card as a new message, which from now on is the one that changes."""
    text, buttons = face(talk, check_in)
    row = talk.tell(text, buttons=buttons, kind=OutboxKind.CARD, silent=silent, check_in_id=check_in.id)
    check_in.card_outbox_id = row.id if row else None
    talk.tx.add(check_in)


def show(talk: Talk, check_in: CheckIn, page: int = 1) -> None:
    """Bring the card up to date: the open question, or the summary."""
    text, buttons = face(talk, check_in, page)
    talk.change(check_in.card_outbox_id, text, buttons=buttons, check_in_id=check_in.id)


def face(talk: Talk, check_in: CheckIn, page: int = 1) -> tuple[str, Buttons]:
    """Return what the card shows now."""
    responses = checkins.answers(talk.tx, check_in.id)
    if check_in.item_id:
        return cards.question(talk, check_in, cards.given_all(responses), page)
    return cards.summary(talk, check_in, cards.asked(talk, check_in, responses))
