"""A changed rule set against what was recorded: what it would cost, catch and lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.burden import Burden, Hit, joined
from bot.care.course import Course, Earlier
from bot.care.level import Finding, Level
from bot.content import Content
from bot.flows.assessment import course_of
from bot.flows.clinic import Clinic
from storage import audit
from storage.tables import FindingRow, Message, Patient, PatientStatus
from storage.vault import Erased, unseal

WEEK = timedelta(days=7)


def backtest(
    clinic: Clinic, changed: Content, start: datetime, end: datetime, now: datetime, actor: str
) -> Burden:
    """Run the rules in use and the changed ones over everything recorded from `start` up to `end`.

    Patients' words are read for it, so it leaves an audit line.
    """
    with clinic.db.transaction() as tx:
        audit.record(tx, now, actor, "rules.backtested", f"content:{changed.version[:12]}")
    with clinic.db.reading() as tx:
        people = _followed(tx, start, end)
        before = [hit for person in people for hit in replay(clinic, tx, person, start, end)]
        other = replace(clinic, content=changed)
        after = [hit for person in people for hit in replay(other, tx, person, start, end)]
    within = _join_window(clinic.content)
    return Burden(len(people), _weeks(people, start, end), joined(before, within), joined(after, within))


def shadowed(clinic: Clinic, start: datetime, end: datetime) -> Burden:
    """Compare what was found with what the shadow rule set found meanwhile, without paging."""
    with clinic.db.reading() as tx:
        people = _followed(tx, start, end)
        codes = {person.id: person.code for person in people}
        rows = tx.scalars(
            select(FindingRow).where(col(FindingRow.found_at) >= start, col(FindingRow.found_at) < end)
        ).all()
    known = [row for row in rows if row.patient_id in codes]
    hits = {
        shadow: [
            Hit(row.found_at, codes[row.patient_id], row.rule_id, Level.from_key(row.level))
            for row in known
            if row.shadow is shadow
        ]
        for shadow in (False, True)
    }
    within = _join_window(clinic.content)
    return Burden(
        len(people), _weeks(people, start, end), joined(hits[False], within), joined(hits[True], within)
    )


def replay(clinic: Clinic, tx: Session, patient: Patient, start: datetime, end: datetime) -> tuple[Hit, ...]:
    """Return every rule of the clinic's content that fires on one patient's record, as it came in."""
    course = course_of(clinic, tx, patient, end)
    earlier: list[Earlier] = []
    hits = []
    for at, found in sorted(_events(clinic, tx, patient, course, start, end), key=lambda event: event[0]):
        findings = (
            found
            if isinstance(found, tuple)
            else clinic.content.rules.assess(replace(found, earlier=tuple(earlier)))
        )
        for finding in findings:
            hits.append(Hit(at, patient.code, finding.rule_id, finding.level))
            earlier.append(Earlier(finding.rule_id, finding.level, at))
        together = clinic.content.rules.assess_together(earlier, at) if findings else ()
        hits.extend(Hit(at, patient.code, finding.rule_id, finding.level) for finding in together)
    return tuple(hits)


def _events(
    clinic: Clinic, tx: Session, patient: Patient, course: Course, start: datetime, end: datetime
) -> Iterator[tuple[datetime, Course | tuple[Finding, ...]]]:
    """Yield what happened: words already judged, or the course as it stood after an answer or a silence."""
    for at, text in _words(tx, patient, start, end):
        yield at, clinic.content.phrases.judge(text)
    for answer in course.answers:
        if start <= answer.at < end:
            completed = {each.instrument for each in course.scores if each.at == answer.at}
            yield (
                answer.at,
                replace(
                    course.as_of(answer.at),
                    changed=frozenset({answer.item_id} | completed),
                    check_in_id=answer.check_in_id,
                ),
            )
    for window in course.windows:
        if start <= window.closed_at < end:
            yield (
                window.closed_at,
                replace(course.as_of(window.closed_at), changed=frozenset(), closed=window),
            )


def _words(tx: Session, patient: Patient, start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    written = select(Message).where(
        col(Message.patient_id) == patient.id,
        col(Message.incoming).is_(True),
        col(Message.received_at) >= start,
        col(Message.received_at) < end,
    )
    for message in tx.scalars(written):
        try:
            text = unseal(tx, message, "text_sealed")
        except Erased:
            continue
        if text:
            yield message.received_at, text


def _followed(tx: Session, start: datetime, end: datetime) -> Sequence[Patient]:
    wanted = select(Patient).where(col(Patient.status) != PatientStatus.ERASED, col(Patient.consent_at) < end)
    return tx.scalars(wanted.order_by(col(Patient.code))).all()


def _weeks(people: Sequence[Patient], start: datetime, end: datetime) -> float:
    spans = (end - max(person.consent_at or start, start) for person in people)
    return sum(span / WEEK for span in spans)


def _join_window(content: Content) -> timedelta:
    return timedelta(minutes=max(policy.join_minutes for policy in content.policies.values()))
