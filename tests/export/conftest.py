"""A small clinic with a record worth exporting, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from bot.care.instrument import AskedWhen, Item, ItemKind, Option
from bot.content import Content, ItemWording, Language, Wording
from bot.flows.clinic import Clinic
from storage.database import Database
from storage.ids import new_id
from storage.tables import Alert, CheckIn, FindingRow, Message, Patient, Response, Site, Staff, Treatment
from storage.vault import new_patient_key, seal

TREATED_AT = datetime(2026, 3, 27, 14, 0, tzinfo=UTC)  # two days before the clocks change in Europe
NOW = TREATED_AT + timedelta(days=6)
ASKED = ["nightmares", "distress", "anxiety", "red_flags"]

ITEMS = {
    each.id: each
    for each in (
        Item("nightmares", ItemKind.COUNT, highest=5, higher_is="worse", unit="nightmares", about_night=True),
        Item("distress", ItemKind.SCALE, higher_is="worse", asked_when=(AskedWhen("nightmares", above=0),)),
        Item("anxiety", ItemKind.SCALE, higher_is="worse"),
        Item("sleep_hours", ItemKind.HOURS, highest=14, step=0.5, higher_is="better", unit="h"),
        Item("red_flags", ItemKind.MULTI, options=(Option("none"), Option("chest_pain"), Option("seizure"))),
        Item("pressure", ItemKind.PRESSURE, lowest=50, highest=300, unit="mm[Hg]"),
    )
}
WORDS = {
    "nightmares": ItemWording("How many nightmares?", short="Nightmares"),
    "distress": ItemWording("How upsetting?", "0 = not at all", "10 = the worst", short="Distress"),
    "anxiety": ItemWording("How strong was the fear?", "0 = none", "10 = the worst", short="Fear"),
    "sleep_hours": ItemWording("How many hours of sleep?", short="Sleep"),
    "red_flags": ItemWording("Any of these?", options={"none": "None", "chest_pain": "=Chest pain"}),
    "pressure": ItemWording("Blood pressure?", short="Blood pressure"),
}
CONTENT = Content(
    version="content-1",
    items=ITEMS,
    instruments={},
    protocols={},
    languages={"en": Wording(Language("en", "English"), {}, WORDS)},
    rules=None,
    phrases=None,
    policies={},
    sites={},
    folder=Path(),
    conduct=None,
)


@dataclass
class Ward:
    """Puts patients, treatments and answers into the database, in few words."""

    db: Database
    made: int = 0

    def _id(self, tx: Session) -> str:
        self.made += 1
        return new_id(TREATED_AT + timedelta(milliseconds=self.made))

    def patient(self, code: str, zone: str = "Europe/Madrid", site: str = "demo", **values: Any) -> str:
        with self.db.transaction() as tx:
            if tx.get(Site, site) is None:
                tx.add(Site(id=site))
                tx.flush()
            row = Patient(
                id=self._id(tx), site_id=site, code=code, zone=zone, status="active", created_at=TREATED_AT,
                consent_at=TREATED_AT, chat_hash=f"hash-{code}", **values,
            )  # fmt: skip
            tx.add(row)
            tx.flush()
            new_patient_key(tx, row.id)
            return row.id

    def treatment(
        self, patient_id: str, ended_at: datetime = TREATED_AT, number: int = 1, **values: Any
    ) -> str:
        with self.db.transaction() as tx:
            zone = tx.get_one(Patient, patient_id).zone
            row = Treatment(
                id=self._id(tx), patient_id=patient_id, protocol="single_infusion", ended_at=ended_at,
                number=number, zone=zone, created_at=ended_at, **values,
            )  # fmt: skip
            tx.add(row)
            return row.id

    def check_in(self, treatment_id: str, key: str, due_at: datetime, **values: Any) -> str:
        with self.db.transaction() as tx:
            treatment = tx.get_one(Treatment, treatment_id)
            given = {
                "status": "answered", "items": ASKED, "opened_at": due_at, "sent_at": due_at,
                "first_seen_at": due_at + timedelta(minutes=2), "closes_at": due_at + timedelta(hours=6),
                "content_version": "content-1", "language": "en", "night_on": date(2026, 3, 28),
            } | values  # fmt: skip
            row = CheckIn(
                id=self._id(tx), patient_id=treatment.patient_id, treatment_id=treatment_id, key=key,
                kind="AM", due_at=due_at, zone=treatment.zone, **given,
            )  # fmt: skip
            tx.add(row)
            return row.id

    def answer(
        self, check_in_id: str, item_id: str, at: datetime, text: str | None = None, **values: Any
    ) -> str:
        with self.db.transaction() as tx:
            check_in = tx.get_one(CheckIn, check_in_id)
            given = {"content_version": "content-1", "language": "en", "bot": "care"} | values
            row = Response(
                id=self._id(tx), patient_id=check_in.patient_id, check_in_id=check_in_id, item_id=item_id,
                answered_at=at, received_at=at, update_id=self.made, **given,
            )  # fmt: skip
            if text is not None:
                seal(tx, row, "text_sealed", text)
            tx.add(row)
            return row.id

    def message(self, patient_id: str, text: str, at: datetime, **values: Any) -> str:
        with self.db.transaction() as tx:
            row = Message(
                id=self._id(tx),
                patient_id=patient_id,
                message_id=self.made,
                sent_at=at,
                received_at=at,
                **values,
            )
            seal(tx, row, "text_sealed", text)
            tx.add(row)
            return row.id

    def alert(
        self, patient_id: str, raised_at: datetime, rules: tuple[str, ...] = ("SUI-1",), **values: Any
    ) -> str:
        with self.db.transaction() as tx:
            words = values.pop("words", None)
            given = {"level": "urgent", "state": "open", "next_action_at": raised_at} | values
            row = Alert(
                id=self._id(tx), site_id="demo", patient_id=patient_id, rule_id=rules[0],
                rules_version="rules-1", raised_at=raised_at, **given,
            )  # fmt: skip
            if words:
                seal(tx, row, "outcome_sealed", words)
            tx.add(row)
            tx.flush()
            for rule in rules:
                tx.add(
                    FindingRow(
                        id=self._id(tx), patient_id=patient_id, rule_id=rule, level="urgent",
                        rules_version="rules-1", alert_id=row.id, found_at=raised_at,
                    )
                )  # fmt: skip
            return row.id

    def staff(self, name: str, role: str = "clinician") -> str:
        with self.db.transaction() as tx:
            row = Staff(id=self._id(tx), site_id="demo", name=name, role=role, created_at=TREATED_AT)
            tx.add(row)
            return row.id


def an_answer_to(item: Item) -> dict[str, Any]:
    """Return the columns of some answer to a question of any kind."""
    if item.kind is ItemKind.PRESSURE:
        return {"value": 138.0, "code": "138/90"}
    if item.options:
        last = item.options[-1]
        return {"value": last.value, "code": last.code, "label": "as shown"}
    if item.kind is ItemKind.TEXT:
        return {"code": "yes"}
    return {"value": item.lowest + item.step}


@pytest.fixture
def ward(database: Database) -> Ward:
    return Ward(database)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database, CONTENT)


@pytest.fixture
def recorded(ward: Ward) -> Iterator[Ward]:
    """Two patients: one with a changed answer, a gap of every kind and an alert; one who only skipped."""
    ana = ward.patient("K-0001")
    first = ward.treatment(ana)
    morning = TREATED_AT + timedelta(days=1, hours=-7)
    done = ward.check_in(first, "d1-morning", morning)
    ward.answer(done, "nightmares", morning + timedelta(minutes=3), value=0.0, unit="nightmares")
    old = ward.answer(done, "anxiety", morning + timedelta(minutes=4), value=7.0, superseded=True)
    ward.answer(
        done, "anxiety", morning + timedelta(minutes=5), value=8.0, supersedes=old, text="8, it was =bad"
    )
    ward.answer(
        done,
        "red_flags",
        morning + timedelta(minutes=6),
        code="chest_pain+seizure",
        label="=Chest pain, Seizure",
    )
    half = ward.check_in(first, "d3-morning", morning + timedelta(days=2), status="partial")
    ward.answer(
        half, "nightmares", morning + timedelta(days=2, minutes=9), value=2.0, unit="nightmares", late=True
    )
    ward.check_in(first, "d4-morning", morning + timedelta(days=3), status="missed")
    ward.check_in(first, "d4-evening", morning + timedelta(days=3, hours=9), status="missed", sent_at=None)
    ward.check_in(
        first, "d5-morning", morning + timedelta(days=4), status="skipped", reason="paused",
        opened_at=None, sent_at=None, first_seen_at=None,
    )  # fmt: skip
    ward.check_in(
        first, "d5-evening", morning + timedelta(days=4, hours=9), status="superseded",
        reason="superseded by a later treatment", opened_at=None, sent_at=None, first_seen_at=None,
    )  # fmt: skip
    ward.check_in(
        first, "d9-morning", morning + timedelta(days=8), status="planned",
        opened_at=None, sent_at=None, first_seen_at=None,
    )  # fmt: skip
    ward.alert(
        ana, morning + timedelta(minutes=6), ("CV-1", "SUI-3"), state="resolved", outcome="seen in clinic",
        paged_at=morning + timedelta(minutes=6, seconds=3), claimed_at=morning + timedelta(minutes=11),
        resolved_at=morning + timedelta(hours=2), next_action_at=None, words="came in; ECG normal",
    )  # fmt: skip
    ward.message(ana, "ניסיון =1+1 😀", morning + timedelta(hours=1))
    ben = ward.patient("K-0002", zone="America/New_York")
    second = ward.treatment(ben)
    skipped = ward.check_in(second, "d1-morning", morning + timedelta(hours=5))
    for item in ("nightmares", "anxiety", "red_flags"):
        ward.answer(skipped, item, morning + timedelta(hours=5, minutes=1), status="skipped")
    yield ward
