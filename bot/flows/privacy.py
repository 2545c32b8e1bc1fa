"""Pausing and stopping. Stop means stop: nothing but its confirmation is sent after it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.unasked import Unasked
from bot.flows import cards, enrolment, menus, pages, second_reading
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.flows.talk import Talk, answer_tap
from bot.message import Reply
from storage import audit, checkins, marks, outbox, patients
from storage import staff as colleagues
from storage.tables import CheckIn, CheckInStatus, PatientStatus

PAUSE_DAYS = (1, 3, 7)
OPEN_END = "open"
BATCH = 50


def stop(talk: Talk) -> None:
    """Withdraw: what is queued is cancelled, what is planned is dropped, and only this is confirmed."""
    talk.patient.status = PatientStatus.WITHDRAWN
    talk.patient.step = ""
    talk.patient.paused_until = None
    talk.tx.add(talk.patient)
    second_reading.give_up(talk)
    for check_in in _live(talk):
        _drop(talk, check_in, Unasked.WITHDRAWN)
    cancelled = outbox.cancel_for_patient(talk.tx, talk.patient.id, talk.now)
    subject = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, subject, "patient.withdrew", subject, cancelled=cancelled)
    talk.tell(talk.say("patient.stop.done"))
    tell_coordinators(talk, "patient.staff.stopped")


def _live(talk: Talk) -> list[CheckIn]:
    return checkins.with_status(talk.tx, talk.patient.id, CheckInStatus.PLANNED, CheckInStatus.OPEN)


def _drop(talk: Talk, check_in: CheckIn, why: Unasked) -> None:
    """End a check-in that will not be asked any more; answers already given stay."""
    answered = checkins.answered_count(talk.tx, check_in.id)
    check_in.status = CheckInStatus.PARTIAL if answered else CheckInStatus.SKIPPED
    check_in.reason = why
    check_in.item_id, check_in.remind_at = "", None
    talk.tx.add(check_in)


def ask_pause(talk: Talk) -> None:
    """Ask for how long to pause, or whether to go on when paused already."""
    if talk.patient.status == PatientStatus.PAUSED:
        resume = talk.button("patient.pause.resume", "p:resume")
        keep = talk.button("patient.pause.keep", "p:keep")
        talk.tell(talk.say("patient.pause.is_paused"), buttons=((resume,), (keep,)))
        return
    lengths = [
        talk.button("patient.pause.one_day" if days == 1 else "patient.pause.days", f"p:{days}", days=days)
        for days in PAUSE_DAYS
    ]
    open_end = talk.button("patient.pause.open_end", f"p:{OPEN_END}")
    talk.tell(talk.say("patient.pause.ask"), buttons=(tuple(lengths), (open_end,)))


def receive_tap(talk: Talk, reply: Reply) -> None:
    """Act on a button of the pause question."""
    given = reply.data.partition(":")[2]
    may = talk.patient.status in enrolment.ENROLLED
    if may and given in (OPEN_END, *(str(days) for days in PAUSE_DAYS)):
        pause(talk, None if given == OPEN_END else int(given))
    elif talk.patient.status == PatientStatus.PAUSED and given == "resume":
        resume(talk)
    elif given != "keep":
        answer_tap(talk.tx, reply, talk.now, talk.say("patient.tap.unreadable"), alert=True)
        return
    answer_tap(talk.tx, reply, talk.now)


def pause(talk: Talk, days: int | None) -> None:
    """Send no check-ins until the morning after so many days, or until told otherwise."""
    talk.patient.status = PatientStatus.PAUSED
    talk.patient.paused_until = _morning(talk, days) if days else None
    talk.tx.add(talk.patient)
    subject = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, subject, "patient.paused", subject, days=days or 0)
    if talk.patient.paused_until:
        until = cards.local_time(talk, talk.patient.paused_until)
        talk.tell(talk.say("patient.pause.until", when=until))
    else:
        talk.tell(talk.say("patient.pause.open_ended"))


def _morning(talk: Talk, days: int) -> datetime:
    """Return the end of the patient's quiet hours, so many days from today."""
    zone = ZoneInfo(talk.patient.zone)
    day = talk.now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(talk.patient.quiet_to), tzinfo=zone)


def resume(talk: Talk) -> None:
    """Go on with the check-ins that are still to come."""
    talk.patient.status = PatientStatus.ACTIVE
    talk.patient.paused_until = None
    talk.tx.add(talk.patient)
    subject = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, subject, "patient.resumed", subject)
    talk.tell(talk.say("patient.pause.resumed"))


def end_pauses(clinic: Clinic, now: datetime) -> int:
    """Let patients whose pause is over go on, without a message: the next check-in says it."""

    def work(tx: Session) -> int:
        over = patients.pauses_over(tx, now, BATCH)
        for patient in over:
            patient.status, patient.paused_until = PatientStatus.ACTIVE, None
            tx.add(patient)
            audit.record(tx, now, "system", "patient.resumed", f"patient:{patient.id}")
        return len(over)

    return clinic.db.run(work)


def blocked(talk: Talk) -> None:
    """The patient blocked the bot: nothing can be sent, and what is planned waits."""
    if talk.patient.status in enrolment.ENROLLED:
        open_ended = talk.patient.status == PatientStatus.PAUSED and talk.patient.paused_until is None
        marks.set_mark(talk.tx, _paused_mark(talk), talk.now, OPEN_END if open_ended else "")
        talk.patient.status = PatientStatus.UNREACHABLE
        talk.tx.add(talk.patient)
    outbox.cancel_for_patient(talk.tx, talk.patient.id, talk.now)
    audit.record(talk.tx, talk.now, "system", "patient.unreachable", f"patient:{talk.patient.id}")
    tell_coordinators(talk, "patient.staff.blocked")


def tell_coordinators(talk: Talk, key: str) -> None:
    """Tell the site's coordinators that a patient can no longer be written to."""
    act = Act(talk.clinic, talk.tx, talk.now)
    for staff in colleagues.at_site(talk.tx, talk.patient.site_id, ("coordinator",)):
        pages.tell_staff(act, staff, act.words(staff).say(key, code=talk.patient.code))


def unblocked(talk: Talk) -> None:
    """The patient can be reached again. A pause that is not over goes on."""
    if talk.patient.status == PatientStatus.UNREACHABLE:
        talk.patient.status = PatientStatus.PAUSED if _still_paused(talk) else PatientStatus.ACTIVE
        if talk.patient.status == PatientStatus.ACTIVE:
            talk.patient.paused_until = None
        talk.tx.add(talk.patient)
        audit.record(talk.tx, talk.now, "system", "patient.reachable", f"patient:{talk.patient.id}")
        menus.show(talk)


def _still_paused(talk: Talk) -> bool:
    if talk.patient.paused_until is not None:
        return talk.patient.paused_until > talk.now
    mark = marks.mark(talk.tx, _paused_mark(talk))
    return mark is not None and mark.value == OPEN_END


def _paused_mark(talk: Talk) -> str:
    return f"paused:{talk.patient.id}"
