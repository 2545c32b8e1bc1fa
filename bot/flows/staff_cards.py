"""What staff see of an alert: the page, the card that follows its state, the line outside channels carry.

No patient words, no names of patients, no markup. "a:<verb>:<alert>" is a button's data; it carries
no authority, whoever presses it is looked up again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.content import Wording
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.message import Button, ButtonStyle, Outgoing, OutgoingKind
from storage import alerts, checkins
from storage import staff as people
from storage.tables import Alert, AlertState, Patient, Staff

Buttons = tuple[tuple[Button, ...], ...]
OLD_REPLY = timedelta(minutes=15)
OTHER_REASON = "other"


def data(verb: str, alert_id: str, more: str = "") -> str:
    return f"a:{verb}:{alert_id}" + (f":{more}" if more else "")


def read_data(pressed: str) -> tuple[str, str, str] | None:
    """Return verb, alert id and the rest of a staff button, None when it is none."""
    parts = pressed.split(":", 3)
    if len(parts) < 3 or parts[0] != "a":
        return None
    return parts[1], parts[2], parts[3] if len(parts) == 4 else ""


def page(act: Act, alert: Alert, patient: Patient | None, staff: Staff) -> Outgoing | None:
    """Return the page for a chat, None when the member has none."""
    chat_id = people.chat_of(act.tx, staff)
    if chat_id is None:
        return None
    text = face(act, alert, patient, staff)
    return Outgoing(OutgoingKind.MESSAGE, chat_id, text, _buttons_now(act, alert, staff))


def card(
    act: Act,
    alert: Alert,
    patient: Patient | None,
    staff: Staff,
    *,
    buttons: bool,
) -> Outgoing | None:
    """Return the change to a page already sent; older pages of the same person lose their buttons."""
    chat_id = people.chat_of(act.tx, staff)
    if chat_id is None:
        return None
    text = face(act, alert, patient, staff)
    return Outgoing(OutgoingKind.EDIT, chat_id, text, _buttons_now(act, alert, staff) if buttons else ())


def _buttons_now(act: Act, alert: Alert, staff: Staff) -> Buttons:
    """Return a card's buttons: none once a newer alert follows this one, which has them."""
    over = alert.state == AlertState.RESOLVED and alerts.was_reopened(act.tx, alert.id)
    return () if over else buttons_for(act.clinic, alert, staff)


def outside_page(
    clinic: Clinic, alert: Alert, patient: Patient | None, staff: Staff, address: str
) -> Outgoing:
    """Return the page for a channel outside the chat: level and code, nothing else."""
    words = clinic.content.wording(staff.language)
    level = words.say(f"staff.level.{alert.level}")
    text = words.say("staff.outside", level=level, code=_code(words, patient))
    return Outgoing(OutgoingKind.MESSAGE, 0, text, address=address)


def digest(clinic: Clinic, tx: Session, staff: Staff, address: str) -> Outgoing:
    """Return one message about everything that waits for this person."""
    words = clinic.content.wording(staff.language)
    waiting = [each for each in alerts.unresolved(tx, staff.site_id) if each.state == AlertState.OPEN]
    counts = ", ".join(_counts(words, waiting))
    text = words.say("staff.digest", count=len(waiting), counts=counts)
    chat_id = 0 if address else people.chat_of(tx, staff) or 0
    return Outgoing(OutgoingKind.MESSAGE, chat_id, text, address=address)


def _counts(words: Wording, waiting: list[Alert]) -> Iterator[str]:
    for level in ("emergency", "urgent", "same_day", "watch"):
        number = sum(each.level == level for each in waiting)
        if number:
            yield f"{number} {words.say(f'staff.level.{level}')}"


def face(act: Act, alert: Alert, patient: Patient | None, staff: Staff) -> str:
    """Return the card's text: level, code, plain reason, hours since treatment, and who has it."""
    words = act.clinic.content.wording(staff.language)
    lines = [
        words.say(
            "staff.page.head", level=words.say(f"staff.level.{alert.level}"), code=_code(words, patient)
        ),
        reason(words, alert.rule_id),
        *_since_treatment(act.tx, words, patient, act.now),
        *_age(words, alert),
    ]
    if alert.joined:
        lines.append(words.say("staff.page.joined", count=alert.joined))
    if alert.reopens:
        lines.append(words.say("staff.page.reopened"))
    lines.append(_state(act.tx, words, alert, staff))
    if alert.nobody_reached:
        lines.append(words.say("staff.page.nobody"))
    return "\n".join(line for line in lines if line)


def reason(words: Wording, rule_id: str) -> str:
    """Return the plain reason of a rule, or of its family, never anything the patient wrote."""
    for key in (rule_id, rule_id.rpartition("-")[0], OTHER_REASON):
        if f"staff.reason.{key}" in words:
            return words.say(f"staff.reason.{key}")
    return rule_id


def _code(words: Wording, patient: Patient | None) -> str:
    return patient.code if patient else words.say("staff.page.system")


def _since_treatment(tx: Session, words: Wording, patient: Patient | None, now: datetime) -> Iterator[str]:
    treatment = checkins.latest_treatment(tx, patient.id, now) if patient else None
    if treatment is not None:
        hours = int((now - treatment.ended_at) / timedelta(hours=1))
        place = words.say("staff.page.at_home" if treatment.at_home else "staff.page.at_clinic")
        yield words.say("staff.page.since", hours=hours, place=place)
    elif patient is not None:
        yield words.say("staff.page.untreated")


def _age(words: Wording, alert: Alert) -> Iterator[str]:
    """Say so when the words are older than the alert: they waited out an outage somewhere."""
    if alert.replied_at is not None and alert.raised_at - alert.replied_at > OLD_REPLY:
        minutes = int((alert.raised_at - alert.replied_at) / timedelta(minutes=1))
        yield words.say("staff.page.age", hours=minutes // 60, minutes=minutes % 60)


def _state(tx: Session, words: Wording, alert: Alert, staff: Staff) -> str:
    if alert.state == AlertState.OPEN:
        return words.say("staff.page.open")
    if alert.state == AlertState.RESOLVED:
        if alerts.was_reopened(tx, alert.id):
            return words.say("staff.page.again")
        if alert.resolved_by == staff.id:
            return words.say("staff.mine.resolved")
        return words.say("staff.page.resolved", name=name_of(tx, alert.resolved_by, staff, words))
    at = clock(alert.claimed_at or alert.raised_at, staff)
    key = f"claimed_{alert.contact}" if alert.contact else "claimed"
    if alert.claimed_by == staff.id:
        return words.say(f"staff.mine.{key}", at=at)
    return words.say(f"staff.page.{key}", name=name_of(tx, alert.claimed_by, staff, words), at=at)


def who_has_it(tx: Session, words: Wording, alert: Alert, staff: Staff) -> str:
    """Return who took or closed it, for somebody who wanted to."""
    if alert.state == AlertState.OPEN:
        return words.say("staff.page.open")
    key = "already_resolved" if alert.state == AlertState.RESOLVED else "already_claimed"
    holder = alert.resolved_by if alert.state == AlertState.RESOLVED else alert.claimed_by
    if holder == staff.id:
        return words.say(f"staff.mine.{key}")
    return words.say(f"staff.{key}", name=name_of(tx, holder, staff, words))


def name_of(tx: Session, staff_id: str | None, reader: Staff, words: Wording) -> str:
    if staff_id == reader.id:
        return words.say("staff.you")
    staff = tx.get(Staff, staff_id) if staff_id else None
    return staff.name if staff else words.say("staff.someone")


def clock(at: datetime, staff: Staff) -> str:
    """Return a time as the member's own clock shows it."""
    return at.astimezone(ZoneInfo(staff.zone)).strftime("%H:%M")


def buttons_for(clinic: Clinic, alert: Alert, staff: Staff) -> Buttons:
    words = clinic.content.wording(staff.language)

    def button(verb: str, style: ButtonStyle = ButtonStyle.PLAIN) -> Button:
        return Button(words.say(f"staff.button.{verb}"), data(verb, alert.id), style)

    about_patient = ((button("show"), button("write")),) if alert.patient_id else ()
    if alert.state == AlertState.OPEN:
        return ((button("claim", ButtonStyle.PRIMARY),), *about_patient)
    if alert.state == AlertState.RESOLVED:
        return ((button("reopen"),),) if alert.patient_id else ()
    if alert.claimed_by != staff.id:
        return about_patient
    contact = ((button("contacted", ButtonStyle.SUCCESS), button("no_answer")),)
    ending = ((button("hand"), button("resolve", ButtonStyle.SUCCESS)),)
    return (*about_patient, *(contact if alert.patient_id else ()), *ending)
