"""Alerts as time passes: climbing until a named person has them, and taken back when a claim runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from bot.care.alert import Do, Step, next_step
from bot.care.policy import Policy
from bot.flows import drills, pages, staff_cards, undelivered
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.flows.pages import standing
from bot.flows.questions import answer_direct_question, question_unanswered
from bot.flows.raising import raise_findings, raise_system
from bot.message import Failure
from storage import alerts
from storage import staff as people
from storage.tables import Alert, AlertState, Outbox, OutboxKind

__all__ = [
    "answer_direct_question", "climb", "page_failed", "page_sent", "raise_findings", "raise_system",
]  # fmt: skip

logger = logging.getLogger(__name__)
BATCH = 200


def page_sent(clinic: Clinic, tx: Session, row: Outbox, now: datetime) -> None:
    """Called in the transaction that marks a page as sent."""
    del clinic
    if row.kind == OutboxKind.PAGE:
        undelivered.sent(tx, row, now)
        drills.accepted(tx, row, now)


def page_failed(clinic: Clinic, tx: Session, row: Outbox, failure: Failure, now: datetime) -> None:
    """Called in the transaction that marks a page as failed, or as told to wait for long: the next
    channel or person is queued in it.
    """
    if row.kind == OutboxKind.PAGE:
        act = Act(clinic, tx, now)
        undelivered.failed(act, row, failure)
        drills.failed(act, row, failure)


def climb(clinic: Clinic, now: datetime) -> int:
    """Do what is due for every alert, each in a transaction of its own; return how many moved.

    One alert that cannot be handled is logged and left for the next round; the others go on.
    """
    with clinic.db.reading() as tx:
        due = alerts.due(tx, now, BATCH)
        silent = alerts.unanswered_questions(tx, now, BATCH)
    moved = sum(_guarded(clinic, each, now, advance) for each in due)
    return moved + sum(_guarded(clinic, each, now, question_unanswered) for each in silent)


def _guarded(clinic: Clinic, alert_id: str, now: datetime, step: Callable[[Act, str], bool]) -> bool:
    try:
        return clinic.db.run(lambda tx: step(Act(clinic, tx, now), alert_id))
    except Exception as error:
        logger.error("alert.stuck", extra={"alert": alert_id, "error": type(error).__name__})
        return False


def advance(act: Act, alert_id: str) -> bool:
    """Take the one step that is due for an alert; False when none is."""
    alert = alerts.locked(act.tx, alert_id)
    if alert is None or alert.state == AlertState.RESOLVED:
        return False
    policy = Policy.thawed(alert.policy)
    step = next_step(standing(alert), policy, act.now)
    if step.do is Do.WAIT:
        return False
    if step.do in (Do.REVIEW, Do.REMIND, Do.REBASE):
        _keep_going(act, alert, step)
    elif step.do is Do.RISE:
        _treat_as(act, alert, policy, step)
    elif step.do is Do.TAKE_BACK:
        take_back(act, alert, policy, step)
    else:
        pages.page_tier(act, alert, policy, step)
    return True


def _keep_going(act: Act, alert: Alert, step: Step) -> None:
    """Move the clock of an alert on without paging: a review day, a reminder, a clock set back."""
    alerts.change(act.tx, alert, next_action_at=step.next_action_at)
    if alert.state != AlertState.CLAIMED:
        return
    alerts.change(act.tx, alert, claim_until=step.next_action_at)
    if step.do is Do.REBASE:
        alerts.change(act.tx, alert, claimed_at=act.now)
        return
    staff = people.active(act.tx, alert.claimed_by)
    if staff is None:
        alerts.change(act.tx, alert, contact="", claim_until=act.now, next_action_at=act.now)
        return
    patient = act.patient_of(alert)
    words = act.words(staff)
    text = words.say("staff.unresolved", code=patient.code if patient else words.say("staff.page.system"))
    buttons = staff_cards.buttons_for(act.clinic, alert, staff)
    pages.tell_staff(act, staff, text, alert_id=alert.id, buttons=buttons)
    act.record("system", "alert.reminded", f"alert:{alert.id}", staff=staff.id)


def _treat_as(act: Act, alert: Alert, policy: Policy, step: Step) -> None:
    """Nobody took it in time: it goes on as the level above, from the tier it had reached."""
    higher = policy.becomes
    if higher is None:
        return
    alerts.change(act.tx, alert, level=higher.level.key, policy=higher.frozen())
    act.record("system", "alert.rose", f"alert:{alert.id}", level=higher.level.key, rule=alert.rule_id)
    pages.page_tier(act, alert, higher, step)


def take_back(act: Act, alert: Alert, policy: Policy, step: Step) -> None:
    """A claim ran out without contact: open again, and claimer and on-call are paged."""
    claimer = people.active(act.tx, alert.claimed_by)
    act.record("system", "alert.claim_ran_out", f"alert:{alert.id}", staff=alert.claimed_by or "")
    alerts.change(
        act.tx, alert, state=AlertState.OPEN, claimed_by=None, claimed_at=None, claim_until=None, tier=0,
        tier_since=None, next_action_at=step.next_action_at,
    )  # fmt: skip
    pages.page_tier(act, alert, policy, step, also=[claimer] if claimer else [])
