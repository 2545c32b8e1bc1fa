"""The one list of columns. Every select, every file format and the dictionary are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds, in words a reader of the dictionary understands."""

    TEXT = "text"
    WORDS = "free text"  # a person's own words, only on request
    NUMBER = "number"
    WHOLE = "whole number"
    YES_NO = "true or false"
    INSTANT = "time in UTC"
    LOCAL = "local time"  # the clock where the patient was; its zone is the column `zone`
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `source` is the SQL it is read with. A derived column has none: `of` names the columns it is worked
    out from. `missing` is the SQL where there is no answer to read. `private` columns would give a
    person or a clinic away and are emptied in a de-identified export.
    """

    name: str
    kind: Kind
    meaning: str
    source: str = ""
    of: tuple[str, ...] = ()
    unit: str = ""
    missing: str | None = None
    private: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the export. `key` is how often a row may appear: once for each of these."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> Column:
        return next(each for each in self.columns if each.name == name)

    def with_text(self, wanted: bool) -> tuple[Column, ...]:
        """Return the columns, those of free text only when `wanted`."""
        return tuple(each for each in self.columns if wanted or each.kind is not Kind.WORDS)


def instants(name: str, source: str, meaning: str, missing: str | None = None) -> Sequence[Column]:
    """Return an instant as two columns: in UTC, and by the clock where the patient was."""
    return (
        Column(f"{name}_utc", Kind.INSTANT, meaning, source, missing=missing),
        Column(f"{name}_local", Kind.LOCAL, f"{meaning} (local clock)", of=(f"{name}_utc", "zone")),
    )


NOTHING = "NULL"

WHO: tuple[Column, ...] = (
    Column("patient_code", Kind.TEXT, "The patient's code; the key to it stays in the clinic", "p.code"),
    Column("site", Kind.TEXT, "The clinic", "p.site_id", private=True),
    Column("treatment_number", Kind.WHOLE, "Place of the treatment in the course, from 1", "t.number"),
    Column("protocol", Kind.TEXT, "The follow-up programme", "t.protocol"),
    *instants("treatment_ended", "t.ended_at", "When the treatment ended (T0)"),
)
CHECK_IN: tuple[Column, ...] = (
    Column("slot", Kind.TEXT, "The check-in's place in the programme", "c.key"),
    Column("check_in_kind", Kind.TEXT, "What kind of check-in it was", "c.kind"),
    Column("zone", Kind.TEXT, "The time zone of the local times", "c.zone", private=True),
    *instants("due", "c.due_at", "When the check-in was due"),
    *instants("sent", "c.sent_at", "When the channel accepted it"),
    *instants("first_seen", "c.first_seen_at", "When the patient first touched it"),
)

ANSWERS = Table(
    "answers",
    "One row for every answer, and one with a reason for every question that has none",
    (
        *WHO,
        *CHECK_IN,
        *instants("answered", "r.answered_at", "When it was answered, by the channel's clock", NOTHING),
        Column(
            "hours_since_treatment",
            Kind.NUMBER,
            "Hours from the end of the treatment to the answer, or to when it was due",
            of=("answered_utc", "due_utc", "treatment_ended_utc"),
            unit="h",
        ),
        Column(
            "night_on",
            Kind.DAY,
            "The night asked about, by the day it began",
            "r.night_on",
            missing="c.night_on",
        ),
        Column("item", Kind.TEXT, "The question; see the table `items`", "r.item_id", missing="i.value"),
        Column("value", Kind.NUMBER, "The answer as a number", "r.value", missing=NOTHING),
        Column("unit", Kind.TEXT, "The unit of `value`", "r.unit", missing=NOTHING),
        Column("answer", Kind.TEXT, "The option chosen; several are joined by +", "r.code", missing=NOTHING),
        Column("label", Kind.TEXT, "The option as the patient saw it", "r.label", missing=NOTHING),
        Column("text", Kind.WORDS, "The patient's own words", "r.text_sealed", missing=NOTHING),
        Column("language", Kind.TEXT, "The language it was asked in", "r.language", missing="c.language"),
        Column(
            "content_version",
            Kind.TEXT,
            "The version of the questions and rules",
            "r.content_version",
            missing="c.content_version",
        ),
        Column("late", Kind.YES_NO, "Answered after the window had closed", "r.late", missing=NOTHING),
        Column(
            "edited",
            Kind.YES_NO,
            "Replaces an earlier answer of the same person",
            "r.supersedes IS NOT NULL",
            missing=NOTHING,
        ),
        Column(
            "superseded", Kind.YES_NO, "A later answer replaces this one", "r.superseded", missing=NOTHING
        ),
        Column(
            "status",
            Kind.TEXT,
            'answered, skipped, unknown ("don\'t know" was chosen) or missing',
            "r.status",
            missing="'missing'",
        ),
        Column(
            "reason",
            Kind.TEXT,
            "Why it has none: skipped, superseded, paused, withdrawn, erased, not_sent, not_delivered,"
            " expired or still_open",
            "CASE WHEN r.status = 'skipped' THEN 'skipped' END",
            missing="{reason}",
        ),
        Column("reason_detail", Kind.TEXT, "What the record says about that", "NULL", missing="c.reason"),
    ),
    key=("patient_code", "treatment_number", "slot", "item", "answered_utc"),
)

ALERTS = Table(
    "alerts",
    "One row for every alert about a patient, with its minutes",
    (
        Column("patient_code", Kind.TEXT, "The patient's code", "p.code"),
        Column("site", Kind.TEXT, "The clinic", "a.site_id", private=True),
        Column(
            "zone", Kind.TEXT, "The time zone of the local times", "coalesce(p.zone, 'UTC')", private=True
        ),
        Column("level", Kind.TEXT, "watch, same_day, urgent or emergency", "a.level"),
        Column("rule", Kind.TEXT, "The most urgent rule", "a.rule_id"),
        Column("rules", Kind.TEXT, "Every rule that fired, joined by +", "{rules}"),
        Column("rules_version", Kind.TEXT, "The version of the rules", "a.rules_version"),
        Column("treatment_number", Kind.WHOLE, "The latest treatment before it", "t.number"),
        Column("treatment_ended_utc", Kind.INSTANT, "When that treatment ended", "t.ended_at"),
        Column(
            "hours_since_treatment",
            Kind.NUMBER,
            "Hours from the end of that treatment",
            of=("raised_utc", "raised_utc", "treatment_ended_utc"),
            unit="h",
        ),
        *instants("replied", "a.replied_at", "When the patient wrote what raised it"),
        *instants("raised", "a.raised_at", "When it was raised"),
        *instants("paged", "a.paged_at", "When the first page was accepted by a channel"),
        *instants("seen", "a.seen_at", "When a person first opened it"),
        *instants("claimed", "a.claimed_at", "When a named person took it"),
        *instants("contacted", "a.contacted_at", "When contact with the patient was recorded"),
        *instants("resolved", "a.resolved_at", "When it was resolved"),
        *(
            Column(
                f"minutes_to_{step}",
                Kind.NUMBER,
                f"Minutes from raised to {step}",
                of=(f"{step}_utc", "raised_utc"),
                unit="min",
            )
            for step in ("paged", "seen", "claimed", "contacted", "resolved")
        ),
        Column("state", Kind.TEXT, "open, claimed or resolved", "a.state"),
        Column("tier", Kind.WHOLE, "How far it climbed", "a.tier"),
        Column("rounds", Kind.WHOLE, "How many rounds of paging", "a.loop"),
        Column("joined", Kind.WHOLE, "Further findings that joined it", "a.joined"),
        Column("nobody_reached", Kind.YES_NO, "Nobody could be reached", "a.nobody_reached"),
        Column("contact", Kind.TEXT, "What came of the first contact", "a.contact"),
        Column("outcome", Kind.TEXT, "How it ended", "a.outcome"),
        Column("outcome_text", Kind.WORDS, "The clinician's words on it", "a.outcome_sealed"),
        Column("false_alarm", Kind.YES_NO, "The clinician called it a false alarm", "a.false_alarm"),
        Column(
            "reopened", Kind.YES_NO, "It follows an alert that was resolved before", "a.reopens IS NOT NULL"
        ),
    ),
    key=("patient_code", "raised_utc", "rule"),
)

TREATMENTS = Table(
    "treatments",
    "One row for every treatment",
    (
        Column("patient_code", Kind.TEXT, "The patient's code", "p.code"),
        Column("site", Kind.TEXT, "The clinic", "p.site_id", private=True),
        Column("treatment_number", Kind.WHOLE, "Place in the course, from 1", "t.number"),
        Column("protocol", Kind.TEXT, "The follow-up programme", "t.protocol"),
        Column("zone", Kind.TEXT, "The time zone of the local time", "t.zone", private=True),
        *instants("treatment_ended", "t.ended_at", "When the treatment ended (T0)"),
        Column("at_home", Kind.YES_NO, "Taken at home", "t.at_home"),
        Column("increased", Kind.YES_NO, "A higher dose than the one before", "t.increased"),
        Column("status", Kind.TEXT, "given, planned or cancelled", "t.status"),
    ),
    key=("patient_code", "treatment_number", "treatment_ended_utc"),
)

SCORES = Table(
    "scores",
    "One row for every score of a questionnaire that was begun",
    (
        *WHO,
        *CHECK_IN,
        Column("completed_utc", Kind.INSTANT, "When its last question was answered", of=("answered_utc",)),
        Column("instrument", Kind.TEXT, "The questionnaire", of=("item",)),
        Column("score", Kind.TEXT, "Which of its scores", of=("item",)),
        Column("value", Kind.NUMBER, "The score; empty when a question is missing", of=("value",)),
        Column("band", Kind.TEXT, "The published band it falls in", of=("value",)),
        Column("cuts_reached", Kind.TEXT, "Published cut-points at or below it, joined by +", of=("value",)),
        Column("missing_items", Kind.TEXT, "Questions without an answer, joined by +", of=("item",)),
        Column("loinc", Kind.TEXT, "The LOINC code of the score", of=("item",)),
    ),
    key=("patient_code", "treatment_number", "slot", "instrument", "score"),
)

MESSAGES = Table(
    "messages",
    "Free words in both directions; only in an export with text",
    (
        Column("patient_code", Kind.TEXT, "The patient's code", "p.code"),
        Column("site", Kind.TEXT, "The clinic", "p.site_id", private=True),
        Column("zone", Kind.TEXT, "The time zone of the local times", "p.zone", private=True),
        Column("from_patient", Kind.YES_NO, "Written by the patient; else by the clinic", "m.incoming"),
        Column("message_kind", Kind.TEXT, "text, voice, photo and so on", "m.kind"),
        Column("version", Kind.WHOLE, "1 as first sent; an edit counts on", "m.version"),
        *instants("sent", "m.sent_at", "When it was sent, by the channel's clock"),
        *instants("received", "m.received_at", "When it arrived here"),
        Column("text", Kind.WORDS, "The words", "m.text_sealed"),
    ),
    key=("patient_code", "sent_utc", "version"),
)

WIDE_FIXED: tuple[Column, ...] = (
    *WHO,
    *CHECK_IN,
    Column("night_on", Kind.DAY, "The night asked about, by the day it began", "c.night_on"),
    Column("language", Kind.TEXT, "The language it was asked in", "c.language"),
    Column("content_version", Kind.TEXT, "The version of the questions and rules", "c.content_version"),
    Column(
        "status", Kind.TEXT, "open, answered, partial, missed, skipped, superseded or planned", "c.status"
    ),
    Column("reason", Kind.TEXT, "Why answers are missing; empty when none is", "{reason}"),
    Column("reason_detail", Kind.TEXT, "What the record says about that", "c.reason"),
)

CHECK_IN_ID = Column("check_in_id", Kind.TEXT, "", "c.id")
ALERT_ID = Column("alert_id", Kind.TEXT, "", "a.id")
ANSWER_ID = Column("answer_id", Kind.TEXT, "", "r.id", missing=NOTHING)
"""Ids of our own, from which the names of records and resources are made; never written as they are."""

TABLES = {each.name: each for each in (ANSWERS, ALERTS, TREATMENTS, SCORES, MESSAGES)}
