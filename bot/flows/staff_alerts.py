"""Acting on an alert: taking it, looking, reaching the patient, handing over, closing, opening again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.care.alert import Do, page_step
from bot.care.level import Finding, Level
from bot.care.policy import Policy
from bot.flows import pages, raising, roster, safety, staff_cards, staff_evidence, staff_write
from bot.flows.desk import Desk
from bot.flows.talk import Talk
from bot.message import Button
from storage import alerts, outbox
from storage import staff as people
from storage.tables import Alert, AlertState, Staff
from storage.vault import seal

OUTCOMES = ("spoke", "plan", "sent_help", "not_reached", "false_alarm", "other")
FALSE_ALARM, OTHER = "false_alarm", "other"
LISTED = 20
NOT_TOLD_OF_CLAIM = ("DV", "BND")  # somebody else may read the phone
Verb = Callable[[Desk, Alert, str], None]


def may_see(staff: Staff, alert: Alert) -> bool:
    """Whether this member, as the staff table has them now, may see and act on the alert."""
    audience = alert.policy.get("audience") or ()
    return staff.active and staff.site_id == alert.site_id and (not audience or staff.role in audience)


def pressed(desk: Desk) -> bool:
    """Act on a button of an alert's card; False when it asks for nothing this member may do."""
    read = staff_cards.read_data(desk.reply.data)
    if read is None:
        return False
    verb, alert_id, more = read
    act = VERBS.get(verb)
    alert = alerts.locked(desk.act.tx, alert_id)
    if act is None or alert is None or not may_see(desk.staff, alert):
        return False
    alerts.mark_seen(desk.act.tx, alert.id, desk.staff.id, desk.act.now)
    desk.act.tx.refresh(alert)
    act(desk, alert, more)
    return True


def claim(desk: Desk, alert: Alert, more: str = "") -> None:
    """Take the alert. The database decides who was first; the other is told who has it."""
    del more
    policy = Policy.thawed(alert.policy)
    won = alerts.claim(desk.act.tx, alert.id, desk.staff.id, desk.act.now, policy.lease)
    desk.act.tx.refresh(alert)
    if not won:
        _tell_who_has_it(desk, alert)
        return
    outbox.cancel_pages(desk.act.tx, alert.id, desk.act.now)
    on_call = roster.on_call_now(desk.act.tx, alert.site_id, 1, desk.act.now)
    first_on_call = on_call is not None and on_call.id == desk.staff.id
    desk.record("alert.claimed", f"alert:{alert.id}", tier=alert.tier, on_call=first_on_call)
    minutes = int(policy.lease_minutes)
    desk.answer(desk.words.say("staff.claimed", minutes=minutes), alert=False)
    pages.refresh_cards(desk.act, alert)
    _tell_patient_of_claim(desk, alert)


def _tell_who_has_it(desk: Desk, alert: Alert) -> None:
    desk.answer(staff_cards.who_has_it(desk.act.tx, desk.words, alert, desk.staff), alert=True)
    desk.record("alert.claim_refused", f"alert:{alert.id}", state=alert.state)


def _tell_patient_of_claim(desk: Desk, alert: Alert) -> None:
    """The patient hears that a person has read it, because now it is true."""
    patient = desk.act.patient_of(alert)
    if (
        patient is None
        or patient.status in safety.GONE
        or alert.rule_id.startswith(NOT_TOLD_OF_CLAIM)
        or alert.level not in ("emergency", "urgent")
    ):
        return
    talk = Talk(desk.act.clinic, desk.act.tx, patient, desk.act.now)
    talk.tell(talk.say("alerts.claimed", name=desk.staff.name))


def show(desk: Desk, alert: Alert, more: str = "") -> None:
    """Show what the patient wrote and what the rules looked at: in private, with an audit line."""
    del more
    patient = desk.act.patient_of(alert)
    if not desk.reply.private or patient is None:
        desk.refuse("staff.only_private")
        return
    lines = [desk.words.say("staff.show.head", code=patient.code)]
    lines.extend(staff_evidence.lines(desk, alert))
    desk.show_sealed("\n\n".join(lines), patient, alert)
    desk.answer()
    desk.record("reply.shown", f"alert:{alert.id}", patient=patient.id)


def write(desk: Desk, alert: Alert, more: str = "") -> None:
    """Ask for the words to send; the next message of this member goes to the patient."""
    del more
    patient = desk.act.patient_of(alert)
    if patient is None or not desk.reply.private:
        desk.refuse("staff.only_private")
        return
    desk.answer()
    staff_write.ask(desk, patient)


def contacted(desk: Desk, alert: Alert, more: str = "") -> None:
    """The patient was reached: the claim holds until it is time to say how it ended."""
    del more
    _contact(desk, alert, "contacted", Policy.thawed(alert.policy).wrap_up)


def no_answer(desk: Desk, alert: Alert, more: str = "") -> None:
    """Tried and not reached: the claim is renewed once more, and its clock goes on."""
    del more
    _contact(desk, alert, "no_answer", Policy.thawed(alert.policy).lease)


def _contact(desk: Desk, alert: Alert, contact: str, lease: timedelta) -> None:
    if not _has_it(desk, alert):
        return
    until = desk.act.now + lease
    alerts.change(
        desk.act.tx, alert, contact=contact, claim_until=until, next_action_at=until,
        contacted_at=desk.act.now if contact == "contacted" else alert.contacted_at,
    )  # fmt: skip
    desk.record(f"alert.{contact}", f"alert:{alert.id}")
    desk.answer(desk.words.say(f"staff.noted_{contact}", minutes=int(lease / timedelta(minutes=1))))
    pages.refresh_cards(desk.act, alert)


def _has_it(desk: Desk, alert: Alert) -> bool:
    if alert.state == AlertState.CLAIMED and alert.claimed_by == desk.staff.id:
        return True
    if alert.state == AlertState.OPEN:
        desk.answer(desk.words.say("staff.claim_first"), alert=True)
    else:
        _tell_who_has_it(desk, alert)
    return False


def hand(desk: Desk, alert: Alert, more: str = "") -> None:
    """Offer the colleagues it can be handed to."""
    del more
    if not _has_it(desk, alert):
        return
    others = [
        each
        for each in people.at_site(desk.act.tx, alert.site_id)
        if each.id != desk.staff.id and may_see(each, alert) and roster.reachable(desk.act.tx, each)
    ]
    desk.answer()
    if not others:
        desk.tell("staff.hand.nobody")
        return
    rows = tuple((Button(each.name, staff_cards.data("to", alert.id, each.id)),) for each in others[:LISTED])
    desk.tell("staff.hand.ask", buttons=rows)


def hand_to(desk: Desk, alert: Alert, staff_id: str) -> None:
    """Hand over: the colleague is paged, and until they take it the clock runs as if nobody had it."""
    if not _has_it(desk, alert):
        return
    target = people.active(desk.act.tx, staff_id)
    if target is None or not may_see(target, alert) or not roster.reachable(desk.act.tx, target):
        desk.refuse("staff.hand.gone")
        return
    policy = Policy.thawed(alert.policy)
    step = page_step(Do.PAGE, 1, policy, desk.act.now, desk.act.now)
    alerts.change(
        desk.act.tx, alert, state=AlertState.OPEN, claimed_by=None, claimed_at=None, claim_until=None,
        contact="handed_over", tier=1, tier_since=desk.act.now, next_action_at=step.next_action_at,
    )  # fmt: skip
    pages.page_one(desk.act, alert, target)
    desk.record("alert.handed_over", f"alert:{alert.id}", to=target.id)
    desk.answer(desk.words.say("staff.hand.done", name=target.name))
    pages.refresh_cards(desk.act, alert)


def resolve(desk: Desk, alert: Alert, more: str = "") -> None:
    """Ask how it ended; without contact on record, ask about that first."""
    if not _has_it(desk, alert):
        return
    desk.answer()
    if alert.contact != "contacted" and alert.patient_id and more != "anyway":
        rows = (
            (Button(desk.words.say("staff.button.contacted"), staff_cards.data("reached", alert.id)),),
            (
                Button(
                    desk.words.say("staff.resolve.anyway"), staff_cards.data("resolve", alert.id, "anyway")
                ),
            ),
        )
        desk.tell("staff.resolve.not_contacted", buttons=rows)
        return
    endings = tuple(
        (Button(desk.words.say(f"staff.outcome.{each}"), staff_cards.data("out", alert.id, each)),)
        for each in OUTCOMES
    )
    desk.tell("staff.resolve.ask", buttons=endings)


def reached(desk: Desk, alert: Alert, more: str = "") -> None:
    """The patient was contacted after all: note it, then ask how it ended."""
    del more
    contacted(desk, alert)
    if alert.contact == "contacted":
        resolve(desk, alert, "anyway")


def close_with(desk: Desk, alert: Alert, outcome: str) -> None:
    """Close with an outcome; "other" needs words first."""
    if outcome not in OUTCOMES:
        desk.refuse()
        return
    if not _has_it(desk, alert):
        return
    desk.set_step(f"outcome:{alert.id}")
    desk.answer()
    if outcome == OTHER:
        desk.tell("staff.resolve.words_needed")
        return
    _close(desk, alert, outcome)
    desk.tell("staff.resolve.words_welcome")


def _close(desk: Desk, alert: Alert, outcome: str) -> None:
    alerts.change(
        desk.act.tx, alert, state=AlertState.RESOLVED, resolved_by=desk.staff.id, resolved_at=desk.act.now,
        outcome=outcome, false_alarm=outcome == FALSE_ALARM, next_action_at=None, asked_until=None,
        nobody_reached=False,
    )  # fmt: skip
    outbox.cancel_pages(desk.act.tx, alert.id, desk.act.now)
    desk.record(
        "alert.resolved", f"alert:{alert.id}", outcome=outcome, without_contact=alert.contact != "contacted"
    )
    pages.refresh_cards(desk.act, alert)


def outcome_words(desk: Desk, alert_id: str, text: str) -> None:
    """Keep the clinician's words about how it ended, whole, sealed; close when that was waiting for them."""
    alert = alerts.locked(desk.act.tx, alert_id)
    if alert is None or not may_see(desk.staff, alert):
        desk.tell("staff.refused")
        return
    mine = desk.staff.id in (alert.claimed_by, alert.resolved_by)
    if not mine:
        desk.tell("staff.refused")
        return
    seal(desk.act.tx, alert, "outcome_sealed", text)
    desk.act.tx.add(alert)
    if alert.state == AlertState.CLAIMED:
        _close(desk, alert, OTHER)
    desk.record("alert.outcome_written", f"alert:{alert.id}", length=len(text))
    desk.tell("staff.resolve.kept", count=len(text))


def reopen(desk: Desk, alert: Alert, more: str = "") -> None:
    """Start a new alert that follows a closed one, paged from the beginning."""
    del more
    patient = desk.act.patient_of(alert)
    if alert.state != AlertState.RESOLVED or patient is None:
        _tell_who_has_it(desk, alert)
        return
    for other in alerts.unresolved(desk.act.tx, alert.site_id, patient_id=patient.id):
        if _says_as_much(other, alert) and may_see(desk.staff, other):
            _tell_who_has_it(desk, other)
            pages.send_card(desk.act, other, desk.staff)
            return
    finding = Finding(alert.rule_id, Level.from_key(alert.level))
    policy = roster.policy_for(desk.act.clinic, alert.site_id, alert.level, alert.rule_id)
    again = raising.start(desk.act, patient, finding, policy, reopens=alert.id)
    raising.page_if_due(desk.act, again)
    desk.record("alert.reopened", f"alert:{again.id}", follows=alert.id)
    pages.refresh_cards(desk.act, alert)
    desk.answer(desk.words.say("staff.reopened"))


def _says_as_much(other: Alert, alert: Alert) -> bool:
    """Whether an open alert follows this one already, or asks the same people for no less."""
    as_urgent = Level.from_key(other.level) >= Level.from_key(alert.level)
    same_people = other.policy.get("audience") == alert.policy.get("audience")
    return other.reopens == alert.id or (as_urgent and same_people)


def card(desk: Desk, alert: Alert, more: str = "") -> None:
    """Send the alert's card again, with its buttons."""
    del more
    pages.send_card(desk.act, alert, desk.staff)
    desk.answer()


VERBS: dict[str, Verb] = {
    "claim": claim, "show": show, "write": write, "contacted": contacted, "no_answer": no_answer,
    "hand": hand, "to": hand_to, "resolve": resolve, "reached": reached, "out": close_with,
    "reopen": reopen, "card": card,
}  # fmt: skip
