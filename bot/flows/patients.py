"""What an enrolled patient can ask for: commands, history, a call, and words to and from a clinician."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.care.level import Finding
from bot.flows import cards, checkins, enrolment, privacy, settings, treatments
from bot.flows.cards import help_row
from bot.flows.talk import Talk, answer_tap
from bot.message import Outgoing, OutgoingKind, Reply
from storage import audit, outbox
from storage import checkins as stored
from storage import patients as people
from storage import staff as colleagues
from storage.tables import Lane, Message, OutboxKind, PatientStatus, Staff

HISTORY_PAGE = 5
LONGEST_HISTORY = 3500
DOSE_TAKEN, DOSE_RAISED, DOSE_BEFORE = "dose:taken", "dose:raised", "dose:before"


def command_of(text: str) -> str:
    """Return the command a text begins with ("checkin"), "" when it is none; "@botname" is cut off."""
    first = text.split(maxsplit=1)[0] if text.startswith("/") and text.split() else ""
    return first[1:].partition("@")[0].lower()


def receive_command(talk: Talk, command: str, reply: Reply) -> None:
    """Act on a slash command; one that is unknown, or belongs to staff, is answered kindly."""
    if command == "help":
        talk.tell(talk.say("patient.help.text"), buttons=(help_row(talk),))
    elif command == "stop" and talk.patient.status != PatientStatus.WITHDRAWN:
        privacy.stop(talk)
    elif command == "start":
        _start(talk)
    elif talk.patient.status == PatientStatus.CONSENTING:
        enrolment.go_on(talk)
    elif talk.patient.status == PatientStatus.WITHDRAWN:
        talk.tell(talk.say("patient.stopped.heard"))
    elif command in COMMANDS:
        COMMANDS[command](talk)
    else:
        talk.tell(talk.say("patient.help.unknown_command"))


def _start(talk: Talk) -> None:
    if talk.patient.status == PatientStatus.WITHDRAWN:
        enrolment.return_after_stop(talk)
    elif talk.patient.status == PatientStatus.CONSENTING or talk.patient.step.startswith(
        (enrolment.ENROL, enrolment.TEACH)
    ):
        enrolment.go_on(talk)
    else:
        talk.tell(talk.say("patient.enrol.already"))


def _cancel(talk: Talk) -> None:
    """Close what is open without losing an answer."""
    check_in = stored.in_progress(talk.tx, talk.patient.id)
    talk.patient.step = "" if talk.patient.step.startswith(enrolment.SET) else talk.patient.step
    talk.tx.add(talk.patient)
    if check_in is None:
        talk.tell(talk.say("patient.cancel.nothing"))
        return
    kept = talk.say("patient.cancel.kept", n=stored.answered_count(talk.tx, check_in.id))
    talk.change(check_in.card_outbox_id, kept, check_in_id=check_in.id)
    talk.tell(kept)


def history(talk: Talk, offset: int = 0) -> None:
    """Show how it went as a picture, where there is one, and the latest answers in words, newest first."""
    found = stored.history(talk.tx, talk.patient.id, HISTORY_PAGE + 1, offset)
    if not found:
        talk.tell(talk.say("patient.history.end" if offset else "patient.history.none"))
        return
    if talk.look and not offset and talk.look.patient_id == talk.patient.id:
        talk.show_picture(talk.look.picture, talk.look.words)
    parts = [talk.say("patient.history.head")]
    for check_in in found[:HISTORY_PAGE]:
        answered = cards.asked(talk, check_in, stored.answers(talk.tx, check_in.id))
        parts.append("\n".join([cards.when(talk, check_in), *cards.lines(talk, answered)]))
    earlier = talk.button("patient.history.earlier", f"y:{offset + HISTORY_PAGE}")
    buttons = ((earlier,),) if len(found) > HISTORY_PAGE else ()
    talk.tell("\n\n".join(parts)[:LONGEST_HISTORY], buttons=buttons)


def _resume(talk: Talk) -> None:
    if talk.patient.status == PatientStatus.PAUSED:
        privacy.ask_pause(talk)
    else:
        checkins.resume(talk)


def _ask(what: str) -> Callable[[Talk], None]:
    def ask(talk: Talk) -> None:
        if not enrolment.ask_setting(talk, what):
            enrolment.go_on(talk)

    return ask


def ask_dose(talk: Talk) -> None:
    """Ask whether a dose was just taken at home, and offer the questions before one where they are on."""
    protocol = talk.clinic.content.protocols.get(talk.patient.protocol)
    if protocol is None or not protocol.at_home:
        talk.tell(talk.say("patient.help.unknown_command"))
        return
    rows = [(talk.button("patient.dose.taken", DOSE_TAKEN),)]
    if any(slot.after_increase for slot in protocol.slots):
        rows.append((talk.button("patient.dose.taken_more", DOSE_RAISED),))
    if protocol.before_dose:
        rows.insert(0, (talk.button("patient.dose.before", DOSE_BEFORE),))
    talk.tell(talk.say("patient.dose.ask"), buttons=tuple(rows))


def receive_dose_tap(talk: Talk, reply: Reply) -> None:
    """Record a dose taken at home at the moment the button was pressed, or ask what comes before one."""
    protocol = talk.clinic.content.protocols.get(talk.patient.protocol)
    may = talk.patient.status in enrolment.ENROLLED and protocol is not None and protocol.at_home
    if protocol is None or not may or reply.data not in (DOSE_TAKEN, DOSE_RAISED, DOSE_BEFORE):
        answer_tap(talk.tx, reply, talk.now, talk.say("patient.tap.unreadable"), alert=True)
        return
    answer_tap(talk.tx, reply, talk.now)
    if reply.data != DOSE_BEFORE:
        raised = reply.data == DOSE_RAISED
        treatments.record(talk, talk.now, f"patient:{talk.patient.id}", at_home=True, increased=raised)
        talk.change_pressed(reply, talk.say("patient.dose.recorded"))
    elif not protocol.before_dose or not checkins.start_own(talk, protocol.before_dose):
        talk.tell(talk.say("patient.checkin.nothing"))


COMMANDS: dict[str, Callable[[Talk], None]] = {
    "checkin": _resume,
    "history": history,
    "pause": privacy.ask_pause,
    "settings": settings.show,
    "language": _ask(settings.LANGUAGE),
    "timezone": _ask(settings.ZONE),
    "cancel": _cancel,
    "dose": ask_dose,
}


def receive_call_tap(talk: Talk, reply: Reply) -> tuple[Finding, ...]:
    """Act on "I need help now" and "Talk to a person"; the second asks how soon."""
    answer_tap(talk.tx, reply, talk.now)
    levels = talk.clinic.content.conduct.help
    if reply.data == "help":
        return (Finding("HELP-1", levels.now, facts=("asked for help now",), told="M4"),)
    if reply.data == "talk":
        rows = tuple(
            (talk.button(f"patient.call.{each}", f"talk:{each}"),) for each in ("now", "today", "not_now")
        )
        talk.tell(talk.say("patient.call.ask"), buttons=rows)
        return ()
    if reply.data == "talk:now":
        return (Finding("HELP-1", levels.now, facts=("asked for a call as soon as possible",), told="M4"),)
    if reply.data == "talk:today":
        return (Finding("HELP-2", levels.today, facts=("asked for a call today",), told="M5"),)
    if reply.data == "talk:not_now":
        talk.change_pressed(reply, talk.say("patient.call.left"))
    return ()


def relay_to_patient(talk: Talk, staff: Staff, text: str, *, alert_id: str | None = None) -> Message | None:
    """Send a clinician's words to the patient and keep them; None when the patient cannot be written to.

    The patient's answers go back to that clinician for a day.
    """
    chat_id = people.chat_of(talk.tx, talk.patient)
    if talk.patient.status not in enrolment.ENROLLED or chat_id is None:
        return None
    message = people.keep_message(
        talk.tx, talk.patient, talk.now, kind="relay", text=text, sent_at=talk.now, incoming=False,
        staff_id=staff.id,
    )  # fmt: skip
    said = talk.say("patient.relay.from_clinic", clinic_words=text)
    outgoing = Outgoing(OutgoingKind.MESSAGE, chat_id, said)
    outbox.put(
        talk.tx, outgoing, kind=OutboxKind.RELAY, now=talk.now, lane=Lane.ALERT, patient_id=talk.patient.id,
        alert_id=alert_id,
    )  # fmt: skip
    subject = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, f"staff:{staff.id}", "patient.written_to", subject, message=message.id)
    return message


def relay_to_clinician(talk: Talk, text: str) -> bool:
    """Pass the patient's words on to the clinician who wrote last; False when nobody did lately."""
    last = people.last_words_to(talk.tx, talk.patient)
    lasts = timedelta(hours=talk.clinic.content.conduct.relay.thread_hours)
    if last is None or talk.now - last.sent_at > lasts:
        return False
    staff = colleagues.active(talk.tx, last.staff_id)
    chat_id = colleagues.chat_of(talk.tx, staff) if staff else None
    if staff is None or chat_id is None:
        return False
    words = talk.clinic.content.wording(staff.language)
    said = words.say("patient.relay.from_patient", code=talk.patient.code, words=text)
    outbox.put(
        talk.tx, Outgoing(OutgoingKind.MESSAGE, chat_id, said, protect=True), kind=OutboxKind.RELAY,
        now=talk.now, lane=Lane.ALERT, staff_id=staff.id,
    )  # fmt: skip
    subject = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, subject, "patient.relayed", f"staff:{staff.id}")
    return True
