"""Raising alerts: what was found joins the patient's open alert, or starts one.

Everything here happens inside the caller's transaction: the finding, the alert, the pages, the
patient's message and the audit line are kept together or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.care.alert import CONTACTED, Do, first_action_at, page_step
from bot.care.course import Earlier
from bot.care.level import Finding, Level
from bot.care.policy import Policy
from bot.flows import pages, roster, safety
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.message import Reply
from storage import alerts, patients
from storage import staff as people
from storage.ids import new_id
from storage.tables import Alert, AlertState, FindingRow, Patient, Staff

logger = logging.getLogger(__name__)
SYSTEM_LEVEL = Level.URGENT
DAY = timedelta(hours=24)


def raise_findings(
    clinic: Clinic,
    tx: Session,
    patient: Patient,
    findings: Sequence[Finding],
    now: datetime,
    *,
    replied_at: datetime | None = None,
    response_id: str | None = None,
    message_id: str | None = None,
    check_in_id: str | None = None,
    reply: Reply | None = None,
) -> Alert | None:
    """Record findings and see that a human hears of them; return the alert they belong to.

    The patient's own message comes first and depends on nobody else. Further findings join the
    patient's open alert; it is paged again only when they are more urgent than it was.
    """
    if not findings:
        return None
    act = Act(clinic, tx, now)
    links = {"response_id": response_id, "message_id": message_id, "check_in_id": check_in_id}
    rows = [_record(act, patient, each, links) for each in findings]
    together = _together(act, patient)
    rows += [_record(act, patient, each, links) for each in together]
    found = sorted([*findings, *together], key=lambda each: -each.level)
    raised = [
        _raise_or_join(act, patient, group, replied_at) for group in _by_audience(clinic, patient, found)
    ]
    for row in rows:
        row.alert_id = next(
            (alert.id for alert, group in raised if any(each.rule_id == row.rule_id for each in group)),
            raised[0][0].id,
        )
        tx.add(row)
    tx.flush()
    safety.tell_patient(act, patient, found, raised[0][0], reply=reply)
    for alert, _ in raised:
        page_if_due(act, alert)
    logger.info("alert.findings", extra={"alert": raised[0][0].id, "count": len(rows)})
    return raised[0][0]


def _record(
    act: Act,
    patient: Patient,
    finding: Finding,
    links: dict[str, str | None],
) -> FindingRow:
    return alerts.record_finding(act.tx, patient.id, finding, act.now, act.clinic.content.version, **links)


def _together(act: Act, patient: Patient) -> tuple[Finding, ...]:
    """Return what today's findings mean together, unless that was said already."""
    act.tx.flush()
    recent = alerts.findings_since(act.tx, patient.id, act.now - DAY)
    earlier = [Earlier(each.rule_id, Level.from_key(each.level), each.found_at) for each in recent]
    said = {each.rule_id for each in recent}
    return tuple(
        each
        for each in act.clinic.content.rules.assess_together(earlier, act.now)
        if each.rule_id not in said
    )


def _by_audience(clinic: Clinic, patient: Patient, found: Sequence[Finding]) -> list[list[Finding]]:
    """Return the findings in groups that may be seen by the same people, most urgent group first."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for each in found:
        policy = roster.policy_for(clinic, patient.site_id, each.level.key, each.rule_id)
        groups.setdefault(policy.audience, []).append(each)
    return list(groups.values())


def _raise_or_join(
    act: Act, patient: Patient, found: Sequence[Finding], replied_at: datetime | None
) -> tuple[Alert, Sequence[Finding]]:
    worst = found[0]
    policy = roster.policy_for(act.clinic, patient.site_id, worst.level.key, worst.rule_id)
    for alert in alerts.unresolved(act.tx, patient.site_id, patient_id=patient.id):
        if tuple(alert.policy.get("audience", ())) == policy.audience:
            _join(act, alert, worst, policy, is_reply=replied_at is not None)
            return alert, found
    return start(act, patient, worst, policy, replied_at=replied_at), found


def start(
    act: Act,
    patient: Patient,
    finding: Finding,
    policy: Policy,
    *,
    replied_at: datetime | None = None,
    reopens: str | None = None,
) -> Alert:
    """Raise a new alert; it is paged by the caller when its first page is due."""
    version = act.clinic.content.version
    alert = Alert(
        id=new_id(act.now), site_id=patient.site_id, patient_id=patient.id, level=finding.level.key,
        rule_id=finding.rule_id, rules_version=version, policy=policy.frozen(), raised_at=act.now,
        replied_at=replied_at, next_action_at=first_action_at(policy, act.now), reopens=reopens,
    )  # fmt: skip
    act.tx.add(alert)
    act.tx.flush()
    raised = {"patient": patient.id, "level": alert.level, "rule": alert.rule_id, "rules_version": version}
    act.record("system", "alert.raised", f"alert:{alert.id}", **raised, reopens=reopens or "")
    return alert


def _join(act: Act, alert: Alert, worst: Finding, policy: Policy, *, is_reply: bool) -> None:
    """Add to an open alert. More urgent: it starts again under the higher level's policy, unclaimed,
    because whoever took it took something less urgent; they are paged with the others.
    """
    alerts.change(act.tx, alert, joined=alert.joined + 1)
    rises = worst.level > Level.from_key(alert.level)
    joined = {"rule": worst.rule_id, "level": worst.level.key, "rises": rises}
    act.record("system", "alert.joined", f"alert:{alert.id}", **joined)
    if not rises:
        _tell_claimer(act, alert, anew=is_reply and worst.level >= Level.URGENT)
        return
    rise(act, alert, worst.level, policy, rule_id=worst.rule_id)


def rise(act: Act, alert: Alert, level: Level, policy: Policy, *, rule_id: str) -> None:
    """Make an alert more urgent: open again, paged from the first tier on under the new policy."""
    claimer = people.active(act.tx, alert.claimed_by) if alert.state == AlertState.CLAIMED else None
    alerts.change(
        act.tx, alert,
        level=level.key, rule_id=rule_id, policy=policy.frozen(), state=AlertState.OPEN, tier=0,
        tier_since=None, claimed_by=None, claimed_at=None, claim_until=None, contact="", contacted_at=None,
        next_action_at=first_action_at(policy, act.now),
    )  # fmt: skip
    act.record("system", "alert.rose", f"alert:{alert.id}", level=level.key, rule=rule_id)
    if claimer is not None and policy.pages and (alert.next_action_at or act.now) <= act.now:
        step = page_step(Do.PAGE, 1, policy, act.now, act.now)
        pages.page_tier(act, alert, policy, step, also=[claimer])


def _tell_claimer(act: Act, alert: Alert, *, anew: bool) -> None:
    """The one who has it hears that there is more to read; when they are gone, the claim is over.

    `anew`: it is an urgent reply. A question left unanswered is none, once the patient was reached.
    """
    if alert.state != AlertState.CLAIMED:
        return
    staff = people.active(act.tx, alert.claimed_by)
    if staff is None:
        alerts.change(act.tx, alert, contact="", claim_until=act.now, next_action_at=act.now)
        return
    patient = act.tx.get(Patient, alert.patient_id) if alert.patient_id else None
    if patient is not None:
        words = act.clinic.content.wording(staff.language)
        pages.tell_staff(act, staff, words.say("staff.more", code=patient.code), alert_id=alert.id)
    if anew and alert.contact in CONTACTED:
        _contact_anew(act, alert)


def _contact_anew(act: Act, alert: Alert) -> None:
    """What is urgent after the patient was reached is answered by nobody yet: the claim is as short as new.

    Its long clock is for writing down how it ended; a reply must not wait for that.
    """
    until = act.now + Policy.thawed(alert.policy).lease
    alerts.change(act.tx, alert, contact="", claim_until=until, next_action_at=until)
    act.record("system", "alert.contact_due", f"alert:{alert.id}", level=alert.level)
    pages.refresh_cards(act, alert)


def page_if_due(act: Act, alert: Alert, also: Sequence[Staff] = ()) -> None:
    """Page at once what is due at once; what waits for the clinic to open is left to the tick.

    `also` are people paged besides the tier.
    """
    policy = Policy.thawed(alert.policy)
    if (
        alert.state == AlertState.OPEN
        and alert.tier == 0
        and policy.pages
        and (alert.next_action_at or act.now) <= act.now
    ):
        step = page_step(Do.PAGE, 1, policy, act.now, act.now, raised_at=alert.raised_at)
        pages.page_tier(act, alert, policy, step, also=also)


def raise_system(
    clinic: Clinic,
    tx: Session,
    site_id: str,
    rule_id: str,
    now: datetime,
    facts: Sequence[str] = (),
    also: Sequence[Staff] = (),
) -> Alert:
    """Raise, or join, an alert about trouble of our own: a page not delivered, a late scheduler.

    `facts` are counts and ids; they go to the audit line. `also` are people paged besides those on call.
    """
    act = Act(clinic, tx, now)
    alert = alerts.open_of_system(tx, site_id, rule_id)
    if alert is not None:
        alerts.change(tx, alert, joined=alert.joined + 1)
        for staff in also:
            pages.page_one(act, alert, staff)
        return alert
    patients.site_row(tx, site_id)  # trouble may come before the site's first patient or member of staff
    policy = roster.policy_for(clinic, site_id, SYSTEM_LEVEL.key, rule_id)
    alert = Alert(
        id=new_id(now), site_id=site_id, level=SYSTEM_LEVEL.key, rule_id=rule_id,
        rules_version=clinic.content.version, policy=policy.frozen(), raised_at=now, next_action_at=now,
    )  # fmt: skip
    tx.add(alert)
    tx.flush()
    raised = {"level": alert.level, "rule": rule_id, "facts": list(facts)}
    act.record("system", "alert.raised", f"alert:{alert.id}", **raised)
    page_if_due(act, alert, also)
    return alert
