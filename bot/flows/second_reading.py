"""A blood pressure over a line, without warning signs: rest, measure once more, and only then a page.

The second reading is a check-in of its own whose window is the time to wait. Still high, refused or
not given in time: the rule fires then, as it would have at the first reading.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.care.level import Finding
from bot.content.conduct import SecondReading
from bot.flows import alerts, answers
from bot.flows.talk import Talk
from bot.flows.taps import Tapped
from bot.flows.treatments import READING
from storage import audit, checkins, patients
from storage.ids import new_id
from storage.tables import CheckIn, CheckInStatus, ResponseStatus

KIND = "READING"


def hold(talk: Talk, tapped: Tapped, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that count now; one that can wait for a second reading asks for it instead."""
    if tapped.check_in is None or tapped.response is None:
        return found
    if is_second(tapped.check_in):
        refused = tapped.response.status != ResponseStatus.ANSWERED
        again = (_without(talk, "refused"),) if refused else found
        return tuple(_with_first(talk, tapped.check_in, each) for each in again)
    waiting = [each for each in found if each.rule_id in _rules(talk).rules]
    if not waiting or not _may_wait(talk, tapped.check_in, waiting, found):
        return found
    return tuple(each for each in found if each not in waiting)


def is_second(check_in: CheckIn) -> bool:
    return check_in.key.startswith(READING)


def _rules(talk: Talk) -> SecondReading:
    return talk.clinic.content.conduct.second_reading


def _may_wait(talk: Talk, check_in: CheckIn, waiting: list[Finding], found: tuple[Finding, ...]) -> bool:
    """Ask for the second reading, once. Next to something more urgent there is nothing to wait for."""
    if max(each.level for each in found) > max(each.level for each in waiting):
        return False
    asked = checkins.of_treatment(talk.tx, check_in.treatment_id).get(f"{READING}{check_in.id}")
    if asked is not None:
        return asked.status == CheckInStatus.OPEN
    if patients.chat_of(talk.tx, talk.patient) is None:
        return False
    _ask(talk, check_in)
    return True


def _ask(talk: Talk, first: CheckIn) -> None:
    rules = _rules(talk)
    until = talk.now + timedelta(minutes=rules.within_minutes)
    reading = CheckIn(
        id=new_id(talk.now),
        patient_id=talk.patient.id,
        treatment_id=first.treatment_id,
        key=f"{READING}{first.id}",
        kind=KIND,
        due_at=talk.now,
        closes_at=until,
        zone=talk.patient.zone,
        items=[rules.item],
        status=CheckInStatus.OPEN,
        language=talk.patient.language,
        content_version=talk.clinic.content.version,
        opened_at=talk.now,
        item_id=rules.item,
    )
    talk.tx.add(reading)
    talk.tx.flush()
    local = until.astimezone(ZoneInfo(talk.patient.zone)).strftime("%H:%M")
    talk.tell(talk.say("patient.second_reading.ask", rest=rules.rest_minutes, until=local))
    answers.send_card(talk, reading)
    audit.record(talk.tx, talk.now, "system", "reading.asked_again", f"check_in:{reading.id}")


def not_given(talk: Talk, check_in: CheckIn) -> tuple[Finding, ...]:
    """Return what it means that a check-in ends now: a second reading that never came is a finding."""
    if not is_second(check_in) or checkins.answered_count(talk.tx, check_in.id):
        return ()
    return (_with_first(talk, check_in, _without(talk, "not given in time")),)


def give_up(talk: Talk) -> None:
    """The patient stops while a second reading is waited for: somebody looks at the first one now."""
    for check_in in checkins.with_status(talk.tx, talk.patient.id, CheckInStatus.OPEN):
        alerts.raise_findings(
            talk.clinic, talk.tx, talk.patient, not_given(talk, check_in), talk.now, check_in_id=check_in.id
        )


def _without(talk: Talk, why: str) -> Finding:
    """Return the rule that waited, as the rules have it."""
    rule_id = _rules(talk).rules[0]
    rule = next(each for each in talk.clinic.content.rules.rules if each.id == rule_id)
    return Finding(rule.id, rule.level, facts=(f"second reading {why}",), told=rule.told)


def _with_first(talk: Talk, check_in: CheckIn, finding: Finding) -> Finding:
    """Show both readings to whoever is paged."""
    rules = _rules(talk)
    first = checkins.answers(talk.tx, check_in.key.removeprefix(READING)).get(rules.item)
    if first is None or finding.rule_id not in rules.rules:
        return finding
    return replace(finding, facts=(*finding.facts, f"first reading {first.code}"))
