"""One reply of a patient: kept, judged, and only then taken as what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.care.checkin import fold
from bot.care.level import Finding, Level
from bot.flows import (
    alerts,
    cards,
    enrolment,
    flood,
    judging,
    patients,
    privacy,
    renewal,
    settings,
    strangers,
    taps,
    typed,
)
from bot.flows.invites import open_invite
from bot.flows.safety import ANSWER_PREFIX
from bot.flows.talk import Talk, answer_tap
from bot.flows.taps import Tapped
from bot.message import Reply, ReplyKind
from storage import alerts as stored_alerts
from storage import audit
from storage import checkins as stored
from storage import patients as people
from storage.tables import Message, PatientStatus

NOT_STORED = (ReplyKind.LOCATION, ReplyKind.CONTACT)
CONSENTED = (PatientStatus.ACTIVE, PatientStatus.PAUSED, PatientStatus.UNREACHABLE)
NOTHING = Tapped()
SAID_OK = Finding("ASK-1", Level.WATCH, facts=("tapped OK after a missed check-in",))


def receive(talk: Talk, reply: Reply) -> None:
    """Act on one reply of a patient."""
    match reply.kind:
        case ReplyKind.BLOCKED:
            privacy.blocked(talk)
        case ReplyKind.UNBLOCKED:
            privacy.unblocked(talk)
        case ReplyKind.TAP:
            _receive_tap(talk, reply)
        case _:
            privacy.unblocked(talk)  # who writes can be reached
            _receive_words(talk, reply)


def _receive_tap(talk: Talk, reply: Reply) -> None:
    if alerts.answer_direct_question(talk.clinic, talk.tx, talk.patient, reply, talk.now):
        return
    tap = cards.read_tap(reply.data)
    if tap is not None:
        tapped = taps.receive_tap(talk, tap, reply)
        _raise(talk, judging.judge_answer(talk, tapped), reply, tapped=tapped)
    elif reply.data.split(":")[0] in ("help", "talk"):
        _raise(talk, patients.receive_call_tap(talk, reply), reply)
    elif reply.data == "ok":
        answer_tap(talk.tx, reply, talk.now)
        talk.change_pressed(reply, talk.say("alerts.answered"))
        _raise(talk, (SAID_OK,), reply)
    elif reply.data.startswith("e:"):
        enrolment.receive_tap(talk, reply)
    elif reply.data.startswith("dose:"):
        patients.receive_dose_tap(talk, reply)
    elif reply.data.startswith("p:"):
        privacy.receive_tap(talk, reply)
    elif reply.data.startswith("r:"):
        renewal.receive_tap(talk, reply)
    elif reply.data.startswith("y:") and reply.data[2:].isdecimal():
        answer_tap(talk.tx, reply, talk.now)
        patients.history(talk, int(reply.data[2:8]))
    else:
        answer_tap(talk.tx, reply, talk.now, talk.say("patient.tap.unknown"), alert=True)
        actor = f"patient:{talk.patient.id}"
        audit.record(talk.tx, talk.now, actor, "tap.refused", f"update:{reply.update_id}", why="unknown")


def _receive_words(talk: Talk, reply: Reply) -> None:
    """Keep the words as the consent allows, judge them, and act on them.

    Urgent words come before the questionnaire, but a rating among them is still recorded.
    """
    readable = reply.kind in (ReplyKind.TEXT, ReplyKind.EDIT)
    consented = talk.patient.status in CONSENTED and reply.private
    message = _keep(talk, reply) if consented and not _is_bare_command(reply) else None
    if message is not None:
        flood.notice(talk, reply)
    found = list(judging.judge_words(talk, reply.text)) if reply.text else []
    if not readable and consented:
        found.append(judging.unreadable(talk, reply.kind.value))
    if not consented:
        _hear_without_consent(talk, reply, found)
        return
    if not readable:
        key = "place" if reply.kind in NOT_STORED else "unreadable"
        talk.tell_unless_repeated(talk.say(f"patient.media.{key}"), buttons=(cards.help_row(talk),))
        _raise(talk, found, reply, message=message)
        return
    tapped = _answer(talk, reply, found)
    found.extend(judging.judge_answer(talk, tapped))
    _raise(talk, found, reply, message=message, tapped=tapped)


def _is_bare_command(reply: Reply) -> bool:
    """Return whether a text is a command and nothing else: no words of the patient's to keep."""
    return bool(patients.command_of(reply.text)) and len(reply.text.split()) == 1


def _keep(talk: Talk, reply: Reply) -> Message:
    check_in = stored.in_progress(talk.tx, talk.patient.id)
    text = None if reply.kind in NOT_STORED else reply.text
    kind = "forwarded" if reply.forwarded else ReplyKind.TEXT if reply.kind is ReplyKind.EDIT else reply.kind
    return people.keep_message(
        talk.tx, talk.patient, talk.now, kind=str(kind), text=text, sent_at=reply.sent_at,
        message_id=reply.message_id, check_in_id=check_in.id if check_in else None,
    )  # fmt: skip


def _answer(talk: Talk, reply: Reply, found: Sequence[Finding]) -> Tapped:
    """Act on typed words: a correction, a command, an answer, or a note."""
    if reply.kind is ReplyKind.EDIT:
        return typed.correct(talk, reply) or NOTHING
    if _is_order(talk, reply) or (not found and enrolment.receive_words(talk, reply)):
        return NOTHING
    tapped = typed.receive_typed(talk, reply)
    if tapped is not None and tapped.response is not None:
        return tapped
    _take_note(talk, reply, found, asking=tapped)
    return NOTHING


def _is_order(talk: Talk, reply: Reply) -> bool:
    """Act on what is not an answer to a check-in: the direct question, a command, the word "stop"."""
    if _answers_direct_question(talk, reply):
        return True
    if command := patients.command_of(reply.text):
        _command(talk, command, reply)
    elif fold(reply.text).strip(" .!¡") in _stop_words(talk):
        privacy.stop(talk)
    else:
        return False
    return True


def _answers_direct_question(talk: Talk, reply: Reply) -> bool:
    """Take a typed yes, no or "not sure" as the answer to the direct question, while that is open."""
    asked = [
        each
        for each in stored_alerts.unresolved(talk.tx, talk.patient.site_id, patient_id=talk.patient.id)
        if each.asked_until is not None
    ]
    answer = talk.clinic.content.phrases.reads_as(reply.text)
    if not asked or not answer:
        return False
    pressed = replace(reply, data=f"{ANSWER_PREFIX}:{asked[0].id}:{answer}", message_id=None)
    return alerts.answer_direct_question(talk.clinic, talk.tx, talk.patient, pressed, talk.now)


def _stop_words(talk: Talk) -> set[str]:
    return {fold(each) for each in talk.say("patient.typed.stop").split("|")}


def _command(talk: Talk, command: str, reply: Reply) -> None:
    payload = strangers.payload_of(reply)
    if not payload:
        patients.receive_command(talk, command, reply)
        return
    opened = open_invite(talk.clinic, talk.tx, payload, reply, talk.now)
    if opened.invite is None:
        own = opened.problem == "patient.invite.used"
        talk.tell(talk.say("patient.enrol.already" if own else opened.problem))
    elif opened.invite.patient_id == talk.patient.id:
        enrolment.begin(talk, opened.invite, reply)
    else:
        talk.tell(talk.say("patient.invite.for_staff" if opened.invite.role else "patient.enrol.already"))


def _take_note(talk: Talk, reply: Reply, found: Sequence[Finding], asking: Tapped | None) -> None:
    """Words that answer no question: passed to the clinician who wrote, or kept for the team.

    When a safety message follows, it is the answer; nothing else talks over it.
    """
    if patients.relay_to_clinician(talk, reply.text):
        talk.tell_unless_repeated(talk.say("patient.relay.passed_on"))
        return
    if any(each.rule_id == judging.UNREADABLE for each in found):
        settings.ask_language(talk, "patient.language.unknown_words")
        return
    if any(each.told or each.asks for each in found):
        talk.show_seen(reply)
        return
    if asking is not None and asking.check_in is not None:
        typed.ask_again(talk, asking.check_in)
        return
    row = (talk.button("patient.note.talk", "talk"),)
    told = talk.tell_unless_repeated(talk.say("patient.note.saved"), buttons=(row, cards.help_row(talk)))
    if told is None:
        talk.show_seen(reply)


def _hear_without_consent(talk: Talk, reply: Reply, found: Sequence[Finding]) -> None:
    """Before consent, after withdrawal, in a group: nothing is stored, what is urgent is still passed on."""
    urgent = [replace(each, words=()) for each in found if each.level >= Level.URGENT]
    if not reply.private:
        talk.tell_unless_repeated(talk.say("patient.group.in_private"))
    elif command := patients.command_of(reply.text):
        _command(talk, command, reply)
    elif (
        talk.patient.status == PatientStatus.CONSENTING
        and not urgent
        and enrolment.receive_words(talk, reply)
    ):
        return
    else:
        stopped = talk.patient.status == PatientStatus.WITHDRAWN
        talk.tell(talk.say("patient.stopped.heard" if stopped else "patient.before_consent.heard"))
        if not stopped and not urgent:
            enrolment.go_on(talk)
    _raise(talk, urgent, reply)


def _raise(
    talk: Talk,
    found: Sequence[Finding],
    reply: Reply,
    *,
    message: Message | None = None,
    tapped: Tapped = NOTHING,
) -> None:
    """Hand the findings on, most urgent first; one safety message comes of them, however many."""
    alerts.raise_findings(
        talk.clinic, talk.tx, talk.patient, sorted(found, key=lambda each: -each.level), talk.now,
        replied_at=reply.sent_at,
        response_id=tapped.response.id if tapped.response else None,
        message_id=message.id if message else None,
        check_in_id=tapped.check_in.id if tapped.check_in else None,
        reply=reply,
    )  # fmt: skip
