"""Consent asked for again: after a year, or when its text has a new version.

Meanwhile everything goes on as before. How far somebody has read stands in a mark, apart from
`patient.step`, so that a question about settings or an answer never gets in its way.
"""

from __future__ import annotations

from datetime import timedelta

from bot.flows import enrolment, privacy
from bot.flows.talk import Talk, answer_tap
from bot.message import Reply
from storage import audit, marks

PREFIX = "r"


def ask_if_due(talk: Talk) -> None:
    """Ask again when the consent is too old or its text has changed; not again for some days after."""
    rules = talk.clinic.content.conduct.consent
    why = _why_due(talk)
    asked = marks.mark(talk.tx, _mark(talk))
    if not why or (asked and asked.value and talk.now - asked.at < timedelta(days=rules.ask_again_days)):
        return
    marks.set_mark(talk.tx, _mark(talk), talk.now, "1")
    text, buttons = enrolment.page(talk, 1, PREFIX)
    talk.tell(f"{talk.say(f'patient.renewal.{why}')}\n\n{text}", buttons=buttons)
    subject = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, "system", "consent.asked_again", subject, why=why)


def _mark(talk: Talk) -> str:
    return f"consent:{talk.patient.id}"


def _why_due(talk: Talk) -> str:
    """Return "changed" or "old", "" when the consent given still holds.

    A patient who changed their language agreed to the same text: versions are compared in the
    language it was agreed to in.
    """
    patient = talk.patient
    if patient.consent_at is None or not patient.consent_version:
        return ""
    version, _, language = patient.consent_version.rpartition(" ")
    if version != talk.clinic.content.wording(language).say("patient.consent.version"):
        return "changed"
    valid = timedelta(days=talk.clinic.content.conduct.consent.valid_days)
    return "old" if talk.now - patient.consent_at >= valid else ""


def receive_tap(talk: Talk, reply: Reply) -> None:
    """Act on a button of the consent asked for again; a stale or forged one is refused in words."""
    _, action, *rest = reply.data.split(":")
    asked = marks.mark(talk.tx, _mark(talk))
    page = int(asked.value) if asked and asked.value.isdecimal() else 0
    last = page >= enrolment.pages(talk)
    if not page or not _why_due(talk) or talk.patient.status not in enrolment.ENROLLED:
        _refuse(talk, reply)
    elif action == "page" and rest and rest[0].isdecimal() and abs(int(rest[0]) - page) <= 1:
        _turn(talk, reply, int(rest[0]))
    elif action == "agree" and last:
        answer_tap(talk.tx, reply, talk.now)
        _agree(talk)
    elif action == "decline" and last:
        answer_tap(talk.tx, reply, talk.now)
        _decline(talk)
    else:
        _refuse(talk, reply)


def _turn(talk: Talk, reply: Reply, page: int) -> None:
    if not 1 <= page <= enrolment.pages(talk):
        _refuse(talk, reply)
        return
    marks.set_mark(talk.tx, _mark(talk), talk.now, str(page))
    text, buttons = enrolment.page(talk, page, PREFIX)
    answer_tap(talk.tx, reply, talk.now)
    talk.change_pressed(reply, text, buttons=buttons)


def _agree(talk: Talk) -> None:
    """Keep the new version and time; the old ones stay in the audit line."""
    patient, subject = talk.patient, f"patient:{talk.patient.id}"
    before = {"earlier": patient.consent_version, "earlier_at": patient.consent_at}
    patient.consent_version, patient.consent_at = enrolment.consent_version(talk), talk.now
    talk.tx.add(patient)
    talk.tx.flush()
    marks.set_mark(talk.tx, _mark(talk), talk.now)
    version = patient.consent_version
    audit.record(talk.tx, talk.now, subject, "consent.given", subject, version=version, **before)
    talk.tell(talk.say("patient.renewal.done"))


def _decline(talk: Talk) -> None:
    """Refusing is withdrawing: it stops as /stop does, with the same words."""
    subject = f"patient:{talk.patient.id}"
    marks.set_mark(talk.tx, _mark(talk), talk.now)
    audit.record(talk.tx, talk.now, subject, "consent.refused", subject)
    privacy.stop(talk)


def _refuse(talk: Talk, reply: Reply) -> None:
    answer_tap(talk.tx, reply, talk.now, talk.say("patient.tap.unreadable"), alert=True)
