"""The direct question: asked when words are ambiguous, and what an answer or silence means."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot.care.level import Finding, Level
from bot.flows import safety
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.flows.raising import raise_findings
from bot.message import Outgoing, OutgoingKind, Reply
from storage import alerts, outbox
from storage.tables import AlertState, Lane, OutboxKind, Patient


def answer_direct_question(
    clinic: Clinic, tx: Session, patient: Patient, reply: Reply, now: datetime
) -> bool:
    """Take the answer to the direct question; False when the pressed button is not one of its own.

    Yes is an emergency, not sure is urgent. No lowers nothing: a person still looks.
    """
    prefix, _, rest = reply.data.partition(":")
    alert_id, _, answer = rest.partition(":")
    if prefix != safety.ANSWER_PREFIX or answer not in safety.ANSWERS:
        return False
    act = Act(clinic, tx, now)
    alert = alerts.locked(tx, alert_id)
    if alert is None or alert.patient_id != patient.id:
        return False
    alerts.change(tx, alert, asked_until=None)
    act.record(f"patient:{patient.id}", "alert.question_answered", f"alert:{alert.id}")
    _acknowledge(act, patient, reply)
    if answer == "no":
        finding = Finding("ASK-1", Level.WATCH, facts=("direct question: no",))
    elif answer == "unsure":
        finding = Finding("SUI-3", Level.URGENT, facts=("direct question: not sure",), told="M4")
    else:
        finding = Finding("SUI-1", Level.EMERGENCY, facts=("direct question: yes",), told="M1")
    raise_findings(clinic, tx, patient, (finding,), now, replied_at=reply.sent_at, reply=reply)
    return True


def _acknowledge(act: Act, patient: Patient, reply: Reply) -> None:
    """Answer the tap and take the buttons away, so that it is clear what was pressed."""
    words = act.words(patient)
    if reply.callback_id:
        answer = Outgoing(OutgoingKind.ANSWER, reply.chat_id, callback_id=reply.callback_id)
        outbox.put(act.tx, answer, kind=OutboxKind.ANSWER, now=act.now, lane=Lane.ALERT)
    if reply.message_id is not None:
        text = words.say("alerts.answered")
        edit = Outgoing(OutgoingKind.EDIT, reply.chat_id, text, message_id=reply.message_id)
        outbox.put(act.tx, edit, kind=OutboxKind.EDIT, now=act.now, lane=Lane.ALERT, patient_id=patient.id)


def question_unanswered(act: Act, alert_id: str) -> bool:
    """The direct question met silence: the alert goes one level up."""
    alert = alerts.locked(act.tx, alert_id)
    if alert is None or alert.asked_until is None or alert.asked_until > act.now:
        return False
    alerts.change(act.tx, alert, asked_until=None)
    patient = act.patient_of(alert)
    if patient is None or alert.state == AlertState.RESOLVED:
        return False
    higher = Level.from_key(alert.level).raised()
    finding = Finding("SUI-9", higher, facts=("direct question unanswered",), told="M11")
    raise_findings(act.clinic, act.tx, patient, (finding,), act.now)
    return True
