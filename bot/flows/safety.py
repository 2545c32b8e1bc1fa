"""What the patient is told when something is found: at once, in their language, and only what is true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.care.level import Finding, Level
from bot.care.policy import Policy
from bot.flows import roster
from bot.flows.act import Act
from bot.message import Button, Outgoing, OutgoingKind, Reply
from storage import alerts, outbox, patients
from storage.tables import Alert, Lane, OutboxKind, Patient, PatientStatus

QUESTION = "M1b"
ANSWERS = ("yes", "no", "unsure")
ANSWER_PREFIX = "dq"
BESIDES_QUESTION = {
    Level.WATCH: "M5",
    Level.SAME_DAY: "M5",
    Level.URGENT: "M4",
    Level.EMERGENCY: "M1",
}
SILENT = "M11"
GONE = (
    PatientStatus.WITHDRAWN,
    PatientStatus.ERASED,
)  # nothing is sent to them but answers to what they write
SAID_ENOUGH = timedelta(minutes=60)  # the same list of numbers again within this is pushing


def tell_patient(
    act: Act,
    patient: Patient,
    found: Sequence[Finding],
    alert: Alert,
    *,
    reply: Reply | None = None,
) -> None:
    """Queue the safety message of the most urgent finding, and the direct question when one is open.

    Whether someone is on call is looked up before the words are chosen: nobody is told that a person
    was alerted when none can be.
    """
    chat_id = _chat(act.tx, patient, reply)
    if chat_id is None or (reply is None and patient.status in GONE):
        return
    told = _told(found[0])
    for key, text in _texts(act, patient, alert, found[0], told):
        _put(act, patient, alert, chat_id, text, buttons=_buttons(act, patient, key))
    if alert.asked_until is None and any(each.asks or each.told == QUESTION for each in found):
        ask(act, patient, alert, chat_id)


def _chat(tx: Session, patient: Patient, reply: Reply | None) -> int | None:
    linked = patients.chat_of(tx, patient)
    if linked is not None:
        return linked
    return reply.chat_id if reply is not None and reply.private else None


def _told(worst: Finding) -> list[str]:
    """Return the messages besides the question; a question never comes without a number to call."""
    told = [key for key in worst.told.split("+") if key and key != QUESTION]
    return told or ([BESIDES_QUESTION[worst.level]] if QUESTION in worst.told else [])


def _buttons(act: Act, patient: Patient, key: str) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons a message speaks of: "Tap OK or Need help"."""
    if key != SILENT:
        return ()
    words = act.words(patient)
    return ((Button(words.say("alerts.said_ok"), "ok"), Button(words.say("alerts.need_help"), "help")),)


def _texts(
    act: Act, patient: Patient, alert: Alert, worst: Finding, told: Sequence[str]
) -> list[tuple[str, str]]:
    if told and _said_lately(act.tx, alert, worst, act.now):
        told = ["again"]
    return [(key, say(act, patient, key)) for key in told]


def _said_lately(tx: Session, alert: Alert, worst: Finding, now: datetime) -> bool:
    """Whether the same rule brought its message within the hour: never the same list twice running."""
    last = alerts.last_safety_message(tx, alert.id)
    if last is None or now - last.created_at > SAID_ENOUGH:
        return False
    before = [each for each in alerts.findings(tx, alert.id) if each.found_at < now]
    return any(each.rule_id == worst.rule_id and each.level == worst.level.key for each in before)


def say(act: Act, patient: Patient, key: str) -> str:
    """Return a safety message in the patient's language, in the variant the roster makes true."""
    words = act.clinic.content.wording(patient.language)
    values = act.clinic.content.fill(patient.site_id, patient.language, act.now)
    alone = not roster.someone_is_on_call(act.tx, patient.site_id, act.now)
    if key == "again":
        return words.say("alerts.again_alone" if alone else "alerts.again", **values)
    variant = f"messages.{key}n"
    return words.say(variant if alone and variant in words else f"messages.{key}", **values)


def _put(
    act: Act,
    patient: Patient,
    alert: Alert,
    chat_id: int,
    text: str,
    *,
    buttons: tuple[tuple[Button, ...], ...] = (),
) -> None:
    outgoing = Outgoing(OutgoingKind.MESSAGE, chat_id, text, buttons)
    outbox.put(
        act.tx, outgoing, kind=OutboxKind.SAFETY, now=act.now, lane=Lane.ALERT,
        patient_id=patient.id, alert_id=alert.id,
    )  # fmt: skip


def ask(act: Act, patient: Patient, alert: Alert, chat_id: int) -> None:
    """Ask the direct question and remember until when silence waits."""
    words = act.clinic.content.wording(patient.language)
    values = act.clinic.content.fill(patient.site_id, patient.language, act.now)
    row = tuple(
        Button(words.say(f"alerts.answer_{each}"), f"{ANSWER_PREFIX}:{alert.id}:{each}") for each in ANSWERS
    )
    _put(act, patient, alert, chat_id, words.say(f"messages.{QUESTION}", **values), buttons=(row,))
    waits = timedelta(minutes=Policy.thawed(alert.policy).question_minutes)
    alerts.change(act.tx, alert, asked_until=act.now + waits)
    act.record("system", "alert.question_asked", f"alert:{alert.id}")
