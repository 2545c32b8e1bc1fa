"""The visit summary: what a clinician with two minutes wants to see before a visit."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.instrument import ItemKind
from bot.export.chart import course_chart
from bot.export.course import CourseData, Line, TreatmentMark
from bot.export.folder import DiskTrouble, ExportRefused
from bot.export.summary import Part, VisitSummary, as_html, as_pdf
from bot.flows.clinic import Clinic
from bot.flows.courses import course_data
from storage import audit
from storage.patients import by_code
from storage.tables import Alert, CheckIn, CheckInStatus, Message, Patient, PatientStatus, Response
from storage.vault import Erased, unseal

RECENT = timedelta(days=7)
MINUTE = timedelta(minutes=1)
MOST_WORDS = 12
MOST_ALERTS = 10
LATEST_TREATMENTS = 5
WRITERS: dict[str, Callable[[VisitSummary], bytes]] = {
    ".pdf": as_pdf,
    ".html": lambda summary: as_html(summary).encode(),
}


def write_summary(
    clinic: Clinic, code: str, out: Path, now: datetime, *, with_text: bool = False, actor: str = "cli"
) -> None:
    """Write a patient's visit summary to `out`, a .pdf or .html that is not there yet; it is audited.

    Raises:
        ExportRefused: there is no such patient, or the file cannot be written there.
        DiskTrouble: the disk filled up or failed; nothing was left behind.
    """
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise ExportRefused(f"{out}: must end in .pdf or .html")
    if out.exists() or out.is_symlink():
        raise ExportRefused(f"{out}: is there already; choose a new name")
    if ".." in out.parts or not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise ExportRefused(f"{out.parent}: is no folder that can be written; choose another")
    content = write(visit_summary(clinic, code, now, with_text=with_text, actor=actor))
    making = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        making.write_bytes(content)
        making.chmod(0o600)
        making.rename(out)
    except OSError as error:
        raise DiskTrouble(f"{out}: writing failed ({error.strerror}); nothing was written") from error
    finally:
        making.unlink(missing_ok=True)


def visit_summary(
    clinic: Clinic,
    code: str,
    now: datetime,
    *,
    with_text: bool = False,
    actor: str = "cli",
    language: str = "en",
) -> VisitSummary:
    """Return a patient's visit summary in words, leaving an audit line.

    Raises:
        ExportRefused: no patient has this code.
    """
    with clinic.db.transaction() as tx:
        patient = by_code(tx, code)
        if patient is None or patient.status == PatientStatus.ERASED:
            raise ExportRefused(f"{code}: no patient has this code; list them with: aftercare patients")
        audit.record(
            tx, now, actor, "summary.made", f"patient:{patient.id}", with_text=with_text, language=language
        )
        return _Summary(clinic, tx, patient, now, language).made(with_text)


class _Summary:
    """One summary being put together."""

    def __init__(self, clinic: Clinic, tx: Session, patient: Patient, now: datetime, language: str) -> None:
        self.clinic = clinic
        self.tx = tx
        self.patient = patient
        self.now = now
        self.wording = clinic.content.wording(language)
        self.say = self.wording.say
        self.course = course_data(clinic, tx, patient, now, language)

    def made(self, with_text: bool) -> VisitSummary:
        say, course = self.say, self.course
        picture, words = course_chart(course)
        none = say("record.summary.none")
        return VisitSummary(
            title=say("record.summary.title", code=self.patient.code),
            subtitle=say(
                "record.summary.subtitle", start=course.day(course.start), end=course.day(course.end),
                made=self._clock(self.now), zone=course.zone,
            ),
            footer=say("record.summary.footer", code=self.patient.code),
            language=self.wording.language.code,
            first=(self._changes(none), self._effects(none), self._alerts(none), self._check_ins(none)),
            picture_title=say("record.summary.course"),
            picture=picture,
            picture_words=words,
            second=(self._words(with_text, none),),
        )  # fmt: skip

    def _part(
        self, key: str, rows: Sequence[tuple[str, ...]], none: str, widths: tuple[float, ...], note: str = ""
    ) -> Part:
        columns = tuple(self.say(f"record.summary.{key}_columns").split("|"))
        return Part(self.say(f"record.summary.{key}"), columns, tuple(rows), note, none, widths)

    def _changes(self, none: str) -> Part:
        rows = [self._change(line) for line in self.course.lines if line.points]
        note = self.say("record.summary.changed_note")
        return self._part("changed", rows, none, (3, 2, 1.3, 1.6, 1.3, 1.6), note)

    def _change(self, line: Line) -> tuple[str, ...]:
        dash = self.say("record.summary.dash")
        last_at, last = max(line.points)
        return (
            line.title,
            self.course.direction(line) or dash,
            f"{line.usual.middle:g}" if line.usual else dash,
            _middle(line, self._before_last_treatment(), dash),
            _middle(line, (self.now - RECENT, self.now), dash),
            f"{last:g} ({self.course.day(last_at)})",
        )

    def _before_last_treatment(self) -> tuple[datetime, datetime]:
        last = max((each.at for each in self.course.treatments), default=self.now)
        return last - RECENT, last

    def _effects(self, none: str) -> Part:
        treatments = self.course.treatments[-LATEST_TREATMENTS:]
        heads = "|".join(
            self.say("record.summary.effects_treatment", number=each.number, day=self.course.day(each.at))
            for each in treatments
        )
        columns = tuple(self.say("record.summary.effects_columns", treatments=heads).split("|"))
        rows = tuple(self._effect_rows(treatments)) if treatments else ()
        note = self.say("record.summary.effects_note")
        return Part(self.say("record.summary.effects"), columns, rows, note, none)

    def _effect_rows(self, treatments: Sequence[TreatmentMark]) -> Iterator[tuple[str, ...]]:
        """Yield, for every graded effect ever reported, its strongest grade after each treatment."""
        strongest: dict[str, dict[int, int]] = {}
        for each in self._grades():
            number = next((t.number for t in reversed(treatments) if t.at <= each.answered_at), None)
            if number is not None and each.value:
                grades = strongest.setdefault(each.item_id, {})
                grades[number] = max(grades.get(number, 0), int(each.value))
        dash = self.say("record.summary.dash")
        for item_id, grades in strongest.items():
            words = self.wording.items.get(item_id)
            title = (words.short or words.question) if words else item_id
            shown = (grades.get(each.number, 0) for each in treatments)
            yield (title, *(self.say(f"record.grade.g{grade}") if grade else dash for grade in shown))

    def _grades(self) -> Sequence[Response]:
        graded = [each.id for each in self.clinic.content.items.values() if each.kind is ItemKind.GRADE]
        wanted = select(Response).where(
            col(Response.patient_id) == self.patient.id,
            col(Response.item_id).in_(graded),
            col(Response.superseded).is_(False),
            col(Response.answered_at) >= self.course.start,
        )
        return self.tx.scalars(wanted.order_by(col(Response.answered_at), col(Response.id))).all()

    def _alerts(self, none: str) -> Part:
        wanted = select(Alert).where(
            col(Alert.patient_id) == self.patient.id, col(Alert.raised_at) >= self.course.start
        )
        newest = self.tx.scalars(wanted.order_by(col(Alert.raised_at).desc()).limit(MOST_ALERTS))
        return self._part("alerts", [self._alert(each) for each in newest], none, (1.6, 1.2, 1.6, 1.2, 4))

    def _alert(self, alert: Alert) -> tuple[str, ...]:
        taken = alert.claimed_at and round((alert.claimed_at - alert.raised_at) / MINUTE)
        return (
            self._clock(alert.raised_at),
            self.course.levels[alert.level],
            alert.rule_id,
            self.say("record.summary.dash")
            if taken is None
            else self.say("record.summary.alerts_after", minutes=taken),
            self._outcome(alert.outcome),
        )

    def _outcome(self, code: str) -> str:
        """Return how an alert ended, in words; one written before there was a list of endings is as it is."""
        if not code:
            return self.say("record.summary.alerts_open")
        key = f"record.outcome.{code}"
        return self.say(key) if key in self.wording else code

    def _check_ins(self, none: str) -> Part:
        rows = self.tx.scalars(
            select(CheckIn).where(
                col(CheckIn.patient_id) == self.patient.id,
                col(CheckIn.due_at) >= self.course.start,
                col(CheckIn.due_at) <= self.now,
            )
        ).all()
        count = {status: sum(each.status == status for each in rows) for status in CheckInStatus}
        waits = [
            (each.first_seen_at - each.sent_at) / MINUTE
            for each in rows
            if each.first_seen_at and each.sent_at
        ]
        after = self.say("record.summary.alerts_after", minutes=round(median(waits))) if waits else "–"
        sent = sum(each.sent_at is not None for each in rows)
        counted = (
            sent, count[CheckInStatus.ANSWERED], count[CheckInStatus.PARTIAL], count[CheckInStatus.MISSED],
            len(rows) - sent,
        )  # fmt: skip
        line = (*(str(each) for each in counted), after)
        return self._part("adherence", [line] if rows else [], none, (1, 1, 1, 1, 1, 2))

    def _words(self, with_text: bool, none: str) -> Part:
        if not with_text:
            return self._part("words", (), self.say("record.summary.words_not_asked"), (1.4, 8))
        wanted = select(Message).where(
            col(Message.patient_id) == self.patient.id,
            col(Message.incoming),
            col(Message.sent_at) >= self.course.start,
        )
        rows = self.tx.scalars(wanted.order_by(col(Message.sent_at).desc(), col(Message.id).desc())).all()
        shown = [(self._clock(each.sent_at), words) for each in rows if (words := self._opened(each))]
        left_out = len(shown) - MOST_WORDS
        note = self.say("record.summary.words_left_out", count=left_out) if left_out > 0 else ""
        return self._part("words", shown[:MOST_WORDS], none, (1.4, 8), note)

    def _opened(self, message: Message) -> str | None:
        try:
            return unseal(self.tx, message, "text_sealed")
        except Erased:
            return None

    def _clock(self, at: datetime) -> str:
        return at.astimezone(ZoneInfo(self.patient.zone)).strftime("%Y-%m-%d %H:%M")


def _middle(line: Line, span: tuple[datetime, datetime], dash: str) -> str:
    values = [value for at, value in line.points if span[0] < at <= span[1]]
    return f"{median(values):g}" if values else dash


def chart_of(
    clinic: Clinic, tx: Session, patient: Patient, now: datetime, language: str, *, own: bool = False
) -> tuple[bytes, str]:
    """Return a patient's course as PNG and in words; `own` is what the patient is shown of themselves."""
    data: CourseData = course_data(clinic, tx, patient, now, language, own=own)
    return course_chart(data)
