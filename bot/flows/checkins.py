"""Check-ins as time passes: opened when due, reminded about, closed when their window is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.checkin import next_item
from bot.care.protocol import QuietHours
from bot.care.unasked import Unasked
from bot.flows import alerts, answers, assessment, cards, privacy, renewal, second_reading, shadow, still_open
from bot.flows.clinic import Clinic
from bot.flows.talk import Talk
from bot.flows.treatments import OWN, NoPatient, Recorded, record_treatment
from storage import checkins, outbox, patients
from storage.ids import new_id
from storage.tables import CheckIn, CheckInStatus, OutboxKind, PatientStatus

__all__ = [
    "NoPatient",
    "Recorded",
    "close_expired",
    "open_due",
    "record_treatment",
    "remind",
    "resume",
    "start_own",
]

logger = logging.getLogger(__name__)
MOST_REMINDERS = 2
CARDS = (OutboxKind.CARD, OutboxKind.REMINDER)
DAILY_QUESTIONS = "DAY"  # the kind a patient starts with /checkin
Claim = Callable[[Session, datetime, int], list[CheckIn]]
Act = Callable[[Talk, CheckIn], None]


def open_due(clinic: Clinic, now: datetime, most: int | None = None) -> int:
    """Send the card of every check-in that is due; return how many were looked at.

    Pauses that are over end first, so that the check-in due at that moment is not lost.
    """
    privacy.end_pauses(clinic, now)
    return _sweep(clinic, now, checkins.claim_due, open_one, _room(clinic, now, most))


def remind(clinic: Clinic, now: datetime, most: int | None = None) -> int:
    """Ask again where a reminder is due, silently and never in quiet hours."""
    return _sweep(clinic, now, checkins.claim_reminders, remind_one, _room(clinic, now, most))


def _room(clinic: Clinic, now: datetime, most: int | None) -> int | None:
    """Return how many cards more would go before the next tick, of which `most` can go.

    A card is not made to wait: whoever answers, pauses or stops meanwhile finds nothing of it in the way,
    and while Telegram takes none, a page shares the machine with no work that has no use yet.
    """
    if most is None:
        return None
    with clinic.db.reading() as tx:
        return most - outbox.count_waiting(tx, CARDS, now, most)


def close_expired(clinic: Clinic, now: datetime, most: int | None = None) -> int:
    """Close check-ins whose window is over, and look at what silence means."""
    return _sweep(clinic, now, checkins.claim_expired, close_one, most)


def _sweep(clinic: Clinic, now: datetime, claim: Claim, act: Act, most: int | None = None) -> int:
    """Claim one and act on it, until nothing is left or `most` were done; return how many.

    Each is a transaction of its own: a page waits for the write lock no longer than one takes.
    """
    total = 0
    while most is None or total < most:
        if not clinic.db.run(lambda tx: _next(clinic, tx, now, claim, act)):
            break
        total += 1
    return total


def _next(clinic: Clinic, tx: Session, now: datetime, claim: Claim, act: Act) -> bool:
    for check_in in claim(tx, now, 1):
        patient = patients.locked(tx, check_in.patient_id)
        assert patient is not None  # a check-in without its patient cannot be stored
        _one(Talk(clinic, tx, patient, now), check_in, act)
        return True
    return False


def _one(talk: Talk, check_in: CheckIn, act: Act) -> None:
    """Act on one check-in; one that cannot be acted on is set aside, and someone is told."""
    try:
        with talk.tx.begin_nested():
            act(talk, check_in)
    except Exception as error:
        logger.error("checkin.set_aside", extra={"checkin": check_in.id, "error": type(error).__name__})
        talk.tx.refresh(check_in)
        _skip(talk, check_in, Unasked.TROUBLE)
        alerts.raise_system(
            talk.clinic,
            talk.tx,
            talk.patient.site_id,
            "SYS-1",
            talk.now,
            ("a check-in could not be handled",),
        )


def open_one(talk: Talk, check_in: CheckIn) -> None:
    """Send the card of a check-in that has just been opened, or skip it and say why."""
    first = next_item(check_in.items, {}, talk.clinic.content.items)
    if talk.patient.status != PatientStatus.ACTIVE:
        return _skip(talk, check_in, Unasked(talk.patient.status))
    if check_in.closes_at <= talk.now:
        return _skip(talk, check_in, Unasked.OVER)
    if first is None:
        return _skip(talk, check_in, Unasked.NOTHING_TO_ASK)
    for late in checkins.being_answered_late(talk.tx, talk.patient.id):
        late.item_id = ""  # what is typed from now on belongs to the new check-in
        talk.tx.add(late)
    check_in.items = [*check_in.items, *still_open.ask_again(talk, check_in)]
    check_in.item_id = first
    check_in.language = talk.patient.language
    check_in.content_version = talk.clinic.content.version
    _set_next_reminder(check_in)
    quiet = in_quiet_hours(talk)
    if not quiet:
        renewal.ask_if_due(talk)
    answers.send_card(talk, check_in, silent=quiet)
    return None


def _skip(talk: Talk, check_in: CheckIn, why: Unasked) -> None:
    check_in.status, check_in.reason = CheckInStatus.SKIPPED, why
    check_in.item_id, check_in.remind_at = "", None
    talk.tx.add(check_in)
    talk.tx.flush()


def remind_one(talk: Talk, check_in: CheckIn) -> None:
    """Send the card again, silently; a reminder inside quiet hours is dropped."""
    check_in.reminders = [each for each in check_in.reminders if datetime.fromisoformat(each) > talk.now]
    _set_next_reminder(check_in)
    wanted = talk.patient.status == PatientStatus.ACTIVE and check_in.reminders_sent < MOST_REMINDERS
    if wanted and not in_quiet_hours(talk) and check_in.closes_at > talk.now:
        check_in.reminders_sent += 1
        move_card_down(talk, check_in, OutboxKind.REMINDER)
    talk.tx.add(check_in)
    talk.tx.flush()


def _set_next_reminder(check_in: CheckIn) -> None:
    coming = sorted(datetime.fromisoformat(each) for each in check_in.reminders)
    check_in.remind_at = coming[0] if coming else None


def move_card_down(talk: Talk, check_in: CheckIn, kind: OutboxKind) -> None:
    """Send the card as a new message at the end of the chat and leave a note where it was."""
    if check_in.card_outbox_id:
        talk.change(check_in.card_outbox_id, talk.say("patient.card.moved"), check_in_id=check_in.id)
    text, buttons = answers.face(talk, check_in)
    if kind is OutboxKind.REMINDER:
        text = f"{talk.say('patient.card.reminder')}\n\n{text}"
    row = talk.tell(text, buttons=buttons, kind=kind, silent=True, check_in_id=check_in.id)
    check_in.card_outbox_id = row.id if row else None


def close_one(talk: Talk, check_in: CheckIn) -> None:
    """End a window: partial answers stay, none at all is a missed check-in, and silence is assessed."""
    waited_for = second_reading.not_given(talk, check_in)
    answered = checkins.answered_count(talk.tx, check_in.id)
    check_in.status = CheckInStatus.PARTIAL if answered else CheckInStatus.MISSED
    check_in.item_id, check_in.remind_at, check_in.picked = "", None, []
    talk.tx.add(check_in)
    talk.tx.flush()
    if talk.patient.status == PatientStatus.ACTIVE:
        text = talk.say("patient.card.over", when=cards.when(talk, check_in))
        late = talk.button("patient.card.answer_late", cards.data(check_in, "", cards.LATE))
        talk.change(check_in.card_outbox_id, text, buttons=((late,),), check_in_id=check_in.id)
    shadow.look(talk.clinic, talk.tx, talk.patient, talk.now, closed=check_in)
    silent = assessment.assess(talk.clinic, talk.tx, talk.patient, talk.now, closed=check_in)
    findings = sorted([*waited_for, *silent], key=lambda each: -each.level)
    alerts.raise_findings(
        talk.clinic, talk.tx, talk.patient, findings, talk.now, replied_at=None, check_in_id=check_in.id
    )


def in_quiet_hours(talk: Talk) -> bool:
    patient = talk.patient
    quiet = QuietHours(time.fromisoformat(patient.quiet_from), time.fromisoformat(patient.quiet_to))
    return quiet.holds(talk.now.astimezone(ZoneInfo(patient.zone)).time())


def resume(talk: Talk) -> None:
    """Show the open check-in at its first open question, or start one of the patient's own."""
    check_in = checkins.in_progress(talk.tx, talk.patient.id)
    if check_in is not None:
        move_card_down(talk, check_in, OutboxKind.CARD)
        talk.tx.add(check_in)
        return
    if not start_own(talk, DAILY_QUESTIONS):
        talk.tell(talk.say("patient.checkin.nothing"), buttons=(cards.help_row(talk),))


def start_own(talk: Talk, kind: str) -> bool:
    """Start a check-in of a kind the patient asked for; False when there is nothing to ask it after."""
    own = _own_check_in(talk, kind)
    if own is None:
        return False
    talk.tx.add(own)
    talk.tx.flush()
    answers.send_card(talk, own)
    return True


def _own_check_in(talk: Talk, key: str) -> CheckIn | None:
    """Return a check-in the patient asked for, open until the day is over."""
    treatment = checkins.latest_treatment(talk.tx, talk.patient.id, talk.now)
    protocol = talk.clinic.content.protocols.get(talk.patient.protocol)
    kind = protocol.kinds.get(key) if protocol else None
    first = next_item(kind.items, {}, talk.clinic.content.items) if kind else None
    if treatment is None or kind is None or first is None:
        return None
    today = talk.now.astimezone(ZoneInfo(talk.patient.zone)).date()
    midnight = datetime.combine(today + timedelta(days=1), time(), tzinfo=ZoneInfo(talk.patient.zone))
    identity = new_id(talk.now)
    return CheckIn(
        id=identity,
        patient_id=talk.patient.id,
        treatment_id=treatment.id,
        key=f"{OWN}{identity}",
        kind=kind.key,
        due_at=talk.now,
        closes_at=max(midnight, talk.now + timedelta(hours=1)),
        zone=talk.patient.zone,
        night_on=today - timedelta(days=1) if kind.about_night else None,
        items=list(kind.items),
        status=CheckInStatus.OPEN,
        language=talk.patient.language,
        content_version=talk.clinic.content.version,
        opened_at=talk.now,
        item_id=first,
    )
