"""Audit lines in plain words, for a visitor who has never seen the codes."""

from __future__ import annotations

from sqlmodel import Session, SQLModel

from storage.tables import Alert, Audit, CheckIn, Patient, Response, Staff, Treatment

OF_PATIENTS: dict[str, type[SQLModel]] = {
    "alert": Alert,
    "check_in": CheckIn,
    "response": Response,
    "treatment": Treatment,
}
WORDS = {
    "alert.raised": "Alert raised",
    "alert.joined": "A further reply joined the alert",
    "alert.rose": "Nobody took it: treated as the level above",
    "alert.paged": "Paged",
    "alert.reminded": "The claimer was reminded",
    "alert.reopened": "Open again",
    "alert.claim_refused": "Somebody else has it already",
    "alert.outcome_written": "The outcome was written down",
    "alert.claimed": "Taken: “I have this”",
    "alert.claim_ran_out": "The claim ran out: open again",
    "alert.contacted": "Patient contacted",
    "alert.handed_over": "Handed over",
    "alert.resolved": "Alert resolved",
    "alert.question_asked": "The direct question was asked",
    "alert.question_answered": "The direct question was answered",
    "consent.given": "Consent given",
    "consent.refused": "Consent refused",
    "export.started": "An export was begun",
    "export.finished": "The record was taken away",
    "invite.made": "Invite made",
    "invite.refused": "An invite was refused",
    "contact.added": "A further way to reach a colleague",
    "drill.started": "A drill was sent",
    "patient.looked_at": "A record was looked at",
    "patient.relayed": "Words were passed on",
    "patient.resumed": "Check-ins go on",
    "patient.unreachable": "A patient cannot be reached",
    "patients.listed": "The list of patients was looked at",
    "page.failed": "A page could not be delivered",
    "patient.linked": "A patient opened their invite",
    "reply.shown": "The reply was shown",
    "response.recorded": "An answer was recorded",
    "rota.gap": "A gap in the rota",
    "staff.blocked_bot": "A colleague blocked the bot",
    "staff.joined": "Joined the staff",
    "tap.refused": "A button press was refused",
    "treatment.recorded": "Treatment recorded",
    "treatment.moved": "A treatment's time was corrected",
}


def audit_words(tx: Session, line: Audit) -> str:
    """Return an audit line as a short sentence: what happened, about whom, by whom."""
    noun, _, act = line.action.partition(".")
    what = WORDS.get(line.action) or f"{noun.replace('_', ' ').capitalize()}: {act.replace('_', ' ')}"
    about, by = _about(tx, line.subject), _name(tx, line.actor)
    return what + (f", {about}" if about else "") + (f", by {by}" if by and by != about else "")


def _about(tx: Session, subject: str) -> str:
    kind, _, row_id = subject.partition(":")
    if kind in OF_PATIENTS:
        patient_id = getattr(tx.get(OF_PATIENTS[kind], row_id), "patient_id", None)
        return _name(tx, f"patient:{patient_id}") if patient_id else ""
    return _name(tx, subject)


def _name(tx: Session, who: str) -> str:
    kind, _, row_id = who.partition(":")
    if kind == "patient":
        patient = tx.get(Patient, row_id)
        return patient.code if patient else ""
    if kind == "staff":
        staff = tx.get(Staff, row_id)
        return staff.name if staff else ""
    return ""
