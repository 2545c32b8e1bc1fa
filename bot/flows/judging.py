"""What a reply says about the patient's safety, whatever else it is an answer to."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.care.level import Finding
from bot.flows import assessment, second_reading, shadow
from bot.flows.talk import Talk
from bot.flows.taps import Tapped
from storage import checkins

logger = logging.getLogger(__name__)
UNREADABLE = "UNK-1"


def judge_words(talk: Talk, text: str) -> tuple[Finding, ...]:
    """Return what a text says, most urgent first; a text that breaks the reading is itself urgent."""
    shadow.hear(talk.clinic, talk.tx, talk.patient, text, talk.now)
    try:
        found = talk.clinic.content.phrases.judge(text)
    except Exception as error:
        logger.error("reply.not_judged", extra={"error": type(error).__name__})
        level = talk.clinic.content.conduct.unreadable.failed
        return (Finding(UNREADABLE, level, facts=("the text could not be judged",), told="M4"),)
    return tuple(_sooner_after_dose(talk, each) if each.rule_id == UNREADABLE else each for each in found)


def judge_answer(talk: Talk, tapped: Tapped) -> tuple[Finding, ...]:
    """Return what the structured rules say about an answer just recorded."""
    if tapped.response is None or tapped.check_in is None:
        return ()
    changed = (tapped.response.item_id,)
    shadow.look(talk.clinic, talk.tx, talk.patient, talk.now, changed=changed, check_in=tapped.check_in)
    found = assessment.assess(
        talk.clinic, talk.tx, talk.patient, talk.now, changed=changed, check_in=tapped.check_in
    )
    return second_reading.hold(talk, tapped, found)


def unreadable(talk: Talk, what: str) -> Finding:
    """Return the finding for something only a person can look at: a voice message, a picture."""
    level = talk.clinic.content.conduct.unreadable.level
    return _sooner_after_dose(talk, Finding(UNREADABLE, level, facts=(what,)))


def _sooner_after_dose(talk: Talk, finding: Finding) -> Finding:
    """Soon after a treatment nobody waits to find out what could not be read."""
    treatment = checkins.latest_treatment(talk.tx, talk.patient.id, talk.now)
    since = talk.now - treatment.ended_at if treatment else None
    level = talk.clinic.content.conduct.unreadable.since_treatment(since)
    return replace(finding, level=max(finding.level, level))
