"""Writing to a patient: in one's own words, or from an opening of the content, with more added or without."""

from __future__ import annotations

from bot.flows.desk import Desk
from bot.flows.patients import relay_to_patient
from bot.flows.staff_cards import Buttons
from bot.flows.talk import Talk
from bot.message import Button, ButtonStyle
from storage import alerts
from storage.tables import Patient, PatientStatus

NAMES = "record.opening.names"


def ask(desk: Desk, patient: Patient) -> None:
    """Ask for the words to send, with the openings there are; the member's next message goes out."""
    desk.set_step(f"write:{patient.id}")
    desk.tell("staff.write.ask", code=patient.code, buttons=_openings(desk, patient))


def command(desk: Desk, rest: str) -> None:
    """/write CODE [words]: send words to a patient, or ask for them."""
    code, _, words = rest.partition(" ")
    patient = desk.patient(code)
    if not code:
        desk.tell("staff.patient.which")
    elif patient is None:
        desk.tell("staff.patient.unknown")
    elif words.strip():
        typed(desk, patient.id, words.strip())
    else:
        ask(desk, patient)


def typed(desk: Desk, patient_id: str, text: str) -> None:
    """Pass words on to the patient; when that cannot be, say so at once and name the phone."""
    patient = _writable(desk, patient_id)
    if patient is None:
        desk.tell("staff.patient.unknown")
        return
    waiting = alerts.unresolved(desk.act.tx, patient.site_id, patient_id=patient.id)
    talk = Talk(desk.act.clinic, desk.act.tx, patient, desk.act.now)
    sent = relay_to_patient(talk, desk.staff, text, alert_id=waiting[0].id if waiting else None)
    if sent is None:
        status = desk.words.say(f"staff.status.{patient.status}")
        desk.tell("staff.write.cannot", code=patient.code, status=status)
    else:
        desk.tell("staff.write.sent", code=patient.code)


def typed_more(desk: Desk, subject: str, text: str) -> None:
    """Send the opening that was chosen, and what was typed after it."""
    name, _, patient_id = subject.partition(":")
    patient = _writable(desk, patient_id)
    opening = _text(desk, patient, name) if patient else None
    typed(desk, patient_id, f"{opening}\n{text}" if opening else text)


def pressed(desk: Desk) -> bool:
    """Fill the message with an opening, or send it as it is; False when this member may not."""
    verb, _, subject = desk.reply.data.removeprefix("o:").partition(":")
    name, _, patient_id = subject.partition(":")
    patient = _writable(desk, patient_id)
    opening = _text(desk, patient, name) if patient and desk.reply.private else None
    if patient is None or opening is None:
        return False
    desk.answer()
    if verb == "send":
        return _send(desk, patient, subject, opening)
    desk.set_step(f"opening:{subject}")
    send = Button(desk.words.say("record.opening.send"), f"o:send:{subject}", ButtonStyle.PRIMARY)
    filled = desk.words.say("record.opening.filled", code=patient.code, opening=opening)
    desk.say(filled, buttons=((send,),))
    return True


def _send(desk: Desk, patient: Patient, subject: str, opening: str) -> bool:
    """Send it once: a second press finds the dialogue ended."""
    if desk.staff.step != f"opening:{subject}":
        desk.tell("staff.no_dialogue")
        return True
    desk.set_step("")
    typed(desk, patient.id, opening)
    return True


def _writable(desk: Desk, patient_id: str) -> Patient | None:
    patient = desk.act.tx.get(Patient, patient_id)
    if patient is None or patient.site_id != desk.staff.site_id or patient.status == PatientStatus.ERASED:
        return None
    return patient


def _openings(desk: Desk, patient: Patient) -> Buttons:
    """Return a button for each opening, labelled for the member; the words are the patient's language."""
    names = desk.words.say(NAMES).split("|")
    return tuple(
        (Button(desk.words.say(f"record.opening.{name}.label"), f"o:fill:{name}:{patient.id}"),)
        for name in names
        if _text(desk, patient, name) is not None
    )


def _text(desk: Desk, patient: Patient, name: str) -> str | None:
    words = desk.act.words(patient)
    key = f"record.opening.{name}.text"
    return words.say(key) if name in words.say(NAMES).split("|") and key in words else None
