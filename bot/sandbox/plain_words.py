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
    "alert.contact_due": "More was written: contact is due again",
    "alert.handed_over": "Handed over",
    "alert.resolved": "Alert resolved",
    "alert.reviewed": "Reviewed from the list of today",
    "alert.no_answer": "Tried, no answer",
    "backup.made": "A backup was made",
    "backup.restored": "A backup was put back",
    "caseload.looked_at": "The list of today was looked at",
    "chat.moved": "A chat took another number",
    "consent.asked_again": "The consent was asked for again: its text is new",
    "alert.question_asked": "The direct question was asked",
    "alert.question_answered": "The direct question was answered",
    "consent.given": "Consent given",
    "consent.refused": "Consent refused",
    "export.started": "An export was begun",
    "export.finished": "The record was taken away",
    "invite.made": "Invite made",
    "keys.rewrapped": "Everything moved to the first master key",
    "invite.refused": "An invite was refused",
    "contact.added": "A further way to reach a colleague",
    "contact.remove": "A way to reach a colleague was removed",
    "contact.test": "A way to reach a colleague was tried",
    "contact.up": "A way to reach a colleague is now tried first",
    "digest.sent": "The week's figures were sent",
    "drill.answered": "A drill was answered",
    "drill.failed": "A drill could not be delivered",
    "drill.started": "A drill was sent",
    "drill.unanswered": "Nobody answered a drill",
    "group.left": "The bot left a group: others could read along there",
    "outbox.failed": "A message could not be delivered",
    "patient.chart_shown": "A chart was looked at",
    "patient.looked_at": "A record was looked at",
    "patient.paused": "Check-ins pause",
    "patient.reachable": "A patient can be reached again",
    "patient.relayed": "Words were passed on",
    "patient.resumed": "Check-ins go on",
    "patient.unreachable": "A patient cannot be reached",
    "patient.withdrew": "The patient stopped",
    "patient.written_to": "A clinician wrote",
    "patients.listed": "The list of patients was looked at",
    "page.delayed": "A page has to wait, and goes another way too",
    "page.failed": "A page could not be delivered",
    "patient.linked": "A patient opened their invite",
    "promise.mended": "The auditor put something right",
    "patient.language_changed": "Another language",
    "patient.quiet_from_changed": "Other quiet hours",
    "patient.quiet_to_changed": "Other quiet hours",
    "patient.zone_changed": "Another time zone",
    "reading.asked_again": "A second reading was asked for",
    "reply.shown": "The reply was shown",
    "response.recorded": "An answer was recorded",
    "rota.gap": "A gap in the rota",
    "rota.handed_over": "The shift changed hands",
    "rota.taken_over": "Somebody took over",
    "rota.imported": "A rota was read in",
    "rota.problems": "The rota has problems",
    "rota.refused": "A rota was not taken",
    "rules.backtested": "The rules were tried on the record",
    "summary.made": "A visit summary was made",
    "staff.blocked_bot": "A colleague blocked the bot",
    "staff.joined": "Joined the staff",
    "staff.left": "Left the staff",
    "staff.role_changed": "Was given another role",
    "tap.refused": "A button press was refused",
    "treatment.recorded": "Treatment recorded",
    "treatment.cancelled": "A treatment was taken back",
    "treatment.dose_raised": "Noted that the dose was raised",
    "treatment.moved": "A treatment's time was corrected",
    "update.set_aside": "An update that could not be handled was set aside",
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
