"""Illegal states are impossible: the database itself refuses them, whichever program writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from bot.care.unasked import Unasked
from storage.database import Database
from storage.tables import (
    Alert,
    CheckIn,
    Contact,
    FindingRow,
    Inbox,
    Invite,
    Outbox,
    Page,
    Patient,
    Response,
    Shift,
    Site,
    Staff,
    Treatment,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

LEGAL: dict[type[SQLModel], dict[str, Any]] = {
    Patient: {"id": "p2", "site_id": "s", "code": "K-2", "created_at": NOW},
    Staff: {"id": "d2", "site_id": "s", "name": "B", "role": "lead", "created_at": NOW},
    Contact: {"id": "c2", "staff_id": "d", "rank": 1, "channel": "sms", "created_at": NOW},
    Invite: {
        "id": "i",
        "site_id": "s",
        "code_hash": "h",
        "role": "lead",
        "created_at": NOW,
        "expires_at": LATER,
    },
    Treatment: {
        "id": "t2",
        "patient_id": "p",
        "protocol": "x",
        "ended_at": NOW,
        "zone": "UTC",
        "created_at": NOW,
    },
    CheckIn: {
        "id": "k2",
        "patient_id": "p",
        "treatment_id": "t",
        "key": "d2",
        "kind": "AM",
        "due_at": NOW,
        "closes_at": LATER,
        "zone": "UTC",
    },
    Response: {
        "id": "r",
        "patient_id": "p",
        "item_id": "sleep",
        "answered_at": NOW,
        "received_at": NOW,
        "bot": "care",
        "update_id": 2,
    },
    FindingRow: {
        "id": "f",
        "patient_id": "p",
        "rule_id": "R1",
        "level": "watch",
        "rules_version": "1",
        "found_at": NOW,
    },
    Alert: {
        "id": "a2",
        "site_id": "s",
        "patient_id": "p",
        "level": "urgent",
        "rule_id": "R1",
        "rules_version": "1",
        "raised_at": NOW,
        "next_action_at": NOW,
    },
    Page: {"id": "g", "alert_id": "a", "tier": 1, "loop": 1, "staff_id": "d", "created_at": NOW},
    Shift: {"id": "h", "site_id": "s", "tier": 1, "staff_id": "d", "starts_at": NOW, "ends_at": LATER},
    Inbox: {"bot": "care", "update_id": 1, "received_at": NOW},
    Outbox: {"id": "o", "lane": "alert", "kind": "page", "not_before": NOW, "created_at": NOW},
}


def fill(db: Database) -> None:
    """One clinician, one patient, one treatment with a check-in, an answer and an alert."""
    with db.transaction() as tx:
        for row in (
            Site(id="s"),
            Patient(**{**LEGAL[Patient], "id": "p", "code": "K-1", "chat_hash": "chat"}),
            Staff(**{**LEGAL[Staff], "id": "d", "chat_hash": "desk"}),
            Contact(**{**LEGAL[Contact], "id": "c", "rank": 0}),
            Treatment(**{**LEGAL[Treatment], "id": "t"}),
            CheckIn(**{**LEGAL[CheckIn], "id": "k", "key": "d1"}),
            Response(**{**LEGAL[Response], "id": "r1", "update_id": 1}),
            Alert(**{**LEGAL[Alert], "id": "a"}),
        ):
            tx.add(row)
            tx.flush()


def add(db: Database, table: type[SQLModel], change: dict[str, Any]) -> None:
    with db.transaction() as tx:
        tx.add(table(**{**LEGAL[table], **change}))


@pytest.mark.parametrize("table", LEGAL, ids=lambda table: table.__tablename__)
def test_what_is_legal_is_kept(database, table):
    fill(database)
    add(database, table, {})


CONSENTED = {"consent_at": NOW, "chat_hash": "new"}
CLAIMED = {"state": "claimed", "claimed_by": "d", "claim_until": LATER}
RESOLVED = {"state": "resolved", "resolved_at": NOW, "outcome": "contacted", "next_action_at": None}
SENDING = {"state": "sending", "lease_until": LATER, "lease_owner": "w"}

ALLOWED: list[tuple[type[SQLModel], dict[str, Any]]] = [
    (Patient, {"status": "active", **CONSENTED}),
    (Patient, {"status": "paused", **CONSENTED}),
    (Patient, {"status": "withdrawn", "chat_hash": "new"}),
    (Patient, {"status": "erased"}),
    (Invite, {"role": None, "patient_id": "p"}),
    (CheckIn, {"status": "open", "opened_at": NOW}),
    *((CheckIn, {"status": "skipped", "reason": each}) for each in Unasked if each),
    (CheckIn, {"status": "partial", "reason": "withdrawn"}),
    (Alert, {"patient_id": None, "rule_id": "SYS-1"}),
    (Alert, CLAIMED),
    (Alert, RESOLVED),
    (Alert, {"nobody_reached": True}),
    (Outbox, SENDING),
    (Outbox, {"state": "sent", "sent_at": NOW}),
    (Inbox, {"state": "done", "done_at": NOW}),
    (Inbox, {"state": "dead", "done_at": NOW}),
    (Response, {"update_id": 1, "item_id": "anxiety"}),
    (Response, {"bot": "alert", "update_id": 1}),
    (Page, {"staff_id": None}),
]


@pytest.mark.parametrize(("table", "change"), ALLOWED, ids=lambda each: getattr(each, "__tablename__", None))
def test_what_comes_after_is_legal_too(database, table, change):
    fill(database)
    add(database, table, change)


REFUSED: list[tuple[type[SQLModel], dict[str, Any], str]] = [
    (Patient, {"status": "cured"}, "status_known"),
    (Patient, {"status": "active", "chat_hash": "new"}, "active_has_consent"),
    (Patient, {"status": "active", "consent_at": NOW}, "active_has_consent"),
    (Patient, {"status": "paused"}, "active_has_consent"),
    (Patient, {"status": "erased", "chat_hash": "new"}, "erased_has_no_chat"),
    (Patient, {"status": "erased", "chat_sealed": b"x"}, "erased_has_no_chat"),
    (Patient, {"code": "K-1"}, "code"),
    (Patient, {"chat_hash": "chat"}, "chat_hash"),
    (Patient, {"site_id": "elsewhere"}, "foreign"),
    (Staff, {"role": "captain"}, "role_known"),
    (Staff, {"chat_hash": "desk"}, "chat_hash"),
    (Contact, {"state": "maybe"}, "state_known"),
    (Contact, {"rank": 0}, "rank"),
    (Invite, {"patient_id": "p"}, "for_patient_or_staff"),
    (Invite, {"role": None}, "for_patient_or_staff"),
    (Treatment, {"status": "maybe"}, "status_known"),
    (CheckIn, {"key": "d1"}, "key"),
    (CheckIn, {"status": "late"}, "status_known"),
    (CheckIn, {"closes_at": NOW}, "window_is_positive"),
    (CheckIn, {"closes_at": NOW - timedelta(microseconds=1)}, "window_is_positive"),
    (CheckIn, {"status": "open"}, "open_has_time"),
    (CheckIn, {"status": "skipped", "reason": "they were tired"}, "reason_known"),
    (CheckIn, {"status": "skipped"}, "skipped_has_reason"),
    (CheckIn, {"status": "superseded"}, "skipped_has_reason"),
    (Response, {"update_id": 1}, "update_id"),
    (Response, {"status": "guessed"}, "status_known"),
    (FindingRow, {"level": "dire"}, "level_known"),
    (FindingRow, {"alert_id": "gone"}, "foreign"),
    (Alert, {"level": "dire"}, "level_known"),
    (Alert, {"state": "forgotten"}, "state_known"),
    (Alert, {"patient_id": None}, "about_someone"),
    (Alert, {"next_action_at": None}, "never_without_clock"),
    (Alert, {**CLAIMED, "next_action_at": None}, "never_without_clock"),
    (Alert, {**CLAIMED, "claimed_by": None}, "claimed_by_someone"),
    (Alert, {**CLAIMED, "claim_until": None}, "claimed_by_someone"),
    (Alert, {**CLAIMED, "nobody_reached": True}, "nobody_reached_is_open"),
    (Alert, {**RESOLVED, "outcome": ""}, "resolved_with_outcome"),
    (Alert, {**RESOLVED, "resolved_at": None}, "resolved_with_outcome"),
    (Alert, {**RESOLVED, "nobody_reached": True}, "nobody_reached_is_open"),
    (Page, {"state": "lost"}, "state_known"),
    (Page, {"alert_id": "gone"}, "foreign"),
    (Shift, {"ends_at": NOW}, "shift_is_positive"),
    (Inbox, {"state": "lost", "done_at": NOW}, "state_known"),
    (Inbox, {"state": "done"}, "handled_has_time"),
    (Inbox, {"state": "dead"}, "handled_has_time"),
    (Outbox, {"state": "lost"}, "state_known"),
    (Outbox, {"lane": "slow"}, "lane_known"),
    (Outbox, {"kind": "spam"}, "kind_known"),
    (Outbox, {**SENDING, "lease_until": None}, "sending_has_lease"),
    (Outbox, {**SENDING, "lease_owner": ""}, "sending_has_lease"),
    (Outbox, {"state": "sent"}, "sent_has_time"),
]


@pytest.mark.parametrize(
    ("table", "change", "names"),
    REFUSED,
    ids=[f"{table.__tablename__}-{names}-{number}" for number, (table, _, names) in enumerate(REFUSED)],
)
def test_what_must_never_be_is_refused(database, table, change, names):
    fill(database)
    with pytest.raises(IntegrityError) as caught:
        add(database, table, change)
    assert names in str(caught.value).lower()


def test_the_same_page_is_not_made_twice(database):
    fill(database)
    add(database, Page, {})
    with pytest.raises(IntegrityError):
        add(database, Page, {"id": "g2"})
    add(database, Page, {"id": "g3", "loop": 2})


def test_an_answer_is_superseded_once(database):
    fill(database)
    add(database, Response, {"supersedes": "r1"})
    with pytest.raises(IntegrityError):
        add(database, Response, {"id": "r3", "update_id": 3, "supersedes": "r1"})


def test_every_rule_of_the_tables_is_tried_here():
    tried = {(table.__tablename__, names) for table, _, names in REFUSED}
    rules = {
        (table.name, rule.name)
        for table in SQLModel.metadata.sorted_tables
        for rule in table.constraints
        if isinstance(rule, CheckConstraint | UniqueConstraint) and rule.name
    }
    assert {rule for rule in rules if isinstance(rule[1], str)} <= tried
