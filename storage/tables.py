"""Every table, in one place. Illegal states are CHECK constraints, not conventions.

Names: instants end in `_at` and are aware UTC; days end in `_on`; columns ending in `_sealed` hold
ciphertext made by `storage.vault` (AES-GCM, bound to table, column and row id) and are never
compared or searched; `_hash` columns are keyed hashes for look-up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from bot.care.unasked import Unasked


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant: timestamptz on PostgreSQL, sortable ISO text ("...123456Z") on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else instant_text(utc)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value.replace("Z", "+00:00"))
        aware: datetime = value
        return aware.astimezone(UTC)


def instant_text(at: datetime) -> str:
    """Return `at` as SQLite stores it: fixed width, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class PatientStatus(StrEnum):
    INVITED = "invited"
    CONSENTING = "consenting"  # the chat is linked, consent not yet given
    ACTIVE = "active"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"  # stop means stop
    UNREACHABLE = "unreachable"  # blocked the bot or the account is gone
    ERASED = "erased"


class Role(StrEnum):
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    LEAD = "lead"
    ADMIN = "admin"


class TreatmentStatus(StrEnum):
    GIVEN = "given"
    PLANNED = "planned"
    CANCELLED = "cancelled"


class CheckInStatus(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    ANSWERED = "answered"
    PARTIAL = "partial"  # window over with some answers
    MISSED = "missed"
    SKIPPED = "skipped"  # never sent: quiet hours left no room, paused, withdrawn; see `reason`
    SUPERSEDED = "superseded"


class ResponseStatus(StrEnum):
    ANSWERED = "answered"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"  # "don't know" was chosen


class AlertState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"


class PageState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    SEEN = "seen"
    FAILED = "failed"
    CANCELLED = "cancelled"


class InboxState(StrEnum):
    NEW = "new"
    DONE = "done"
    DEAD = "dead"


class OutboxState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"  # may have been sent and must not be sent again
    FAILED = "failed"
    CANCELLED = "cancelled"


class Lane(StrEnum):
    ALERT = "alert"
    ROUTINE = "routine"


class OutboxKind(StrEnum):
    """What a message is for; the kind decides what happens after an unclear send."""

    PAGE = "page"
    SAFETY = "safety"
    RELAY = "relay"  # a clinician's words to a patient, a patient's to a clinician
    NOTICE = "notice"  # anything told once to anybody: confirmations, "X has it"
    CARD = "card"  # a check-in's card
    REMINDER = "reminder"
    EDIT = "edit"
    ANSWER = "answer"
    MENU = "menu"
    DOCUMENT = "document"


RESENT_WHEN_UNCLEAR = frozenset(
    {
        OutboxKind.PAGE,
        OutboxKind.SAFETY,
        OutboxKind.RELAY,
        OutboxKind.NOTICE,
        OutboxKind.EDIT,
        OutboxKind.MENU,
    }
)


class ContactState(StrEnum):
    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    BLOCKED = "blocked"


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{each.value}'" for each in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"{column}_known")


def levels(column: str = "level") -> CheckConstraint:
    return CheckConstraint(
        f"{column} IN ('watch', 'same_day', 'urgent', 'emergency')", name=f"{column}_known"
    )


def at(*, null: bool = True, index: bool = False) -> Any:
    """An instant column."""
    return Field(default=None, sa_column=Column(Instant(), nullable=null, index=index))


def sealed(*, null: bool = True) -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=null))


def row_id() -> Any:
    return Field(primary_key=True, max_length=26)


def link(target: str, *, null: bool = True, index: bool = True) -> Any:
    return Field(default=None, sa_column=Column(Text, ForeignKey(target), nullable=null, index=index))


def document(default: Any = None) -> Any:
    return Field(default_factory=default or dict, sa_column=Column(JSON, nullable=False))


class Site(SQLModel, table=True):
    """A clinic. Its numbers, hours and country are content (`prompts/sites/<id>.toml`)."""

    __tablename__ = "site"
    id: str = Field(primary_key=True)  # the name of its file in prompts/sites
    next_patient_number: int = 1


class Patient(SQLModel, table=True):
    __tablename__ = "patient"
    __table_args__ = (
        one_of("status", PatientStatus),
        CheckConstraint(
            "status NOT IN ('active', 'paused') OR (consent_at IS NOT NULL AND chat_hash IS NOT NULL)",
            name="active_has_consent",
        ),
        CheckConstraint(
            "status <> 'erased' OR (chat_hash IS NULL AND chat_sealed IS NULL)", name="erased_has_no_chat"
        ),
    )
    id: str = row_id()
    site_id: str = link("site.id", null=False)
    code: str = Field(unique=True)  # pseudonym shown to staff: "K-0042"
    status: str = PatientStatus.INVITED
    language: str = "en"
    zone: str = "UTC"  # IANA name
    quiet_from: str = "21:30"  # local clock time; reminders inside quiet hours are dropped
    quiet_to: str = "07:30"
    consent_version: str | None = None
    consent_at: datetime | None = at()
    paused_until: datetime | None = at()
    chat_sealed: bytes | None = sealed()
    chat_hash: str | None = Field(default=None, unique=True)
    protocol: str = "single_infusion"
    step: str = ""  # where an unfinished dialogue stands: "consent", "language", "zone", ...
    created_at: datetime = at(null=False)


class PatientKey(SQLModel, table=True):
    """The patient's own data key, wrapped by a master key. Deleting the row erases every copy."""

    __tablename__ = "patient_key"
    patient_id: str = Field(sa_column=Column(Text, ForeignKey("patient.id"), primary_key=True))
    wrapped: bytes = sealed(null=False)


class Secret(SQLModel, table=True):
    """A key of the database's own (look-up hashes, audit chain), wrapped by a master key."""

    __tablename__ = "secret"
    name: str = Field(primary_key=True)
    wrapped: bytes = sealed(null=False)


class Staff(SQLModel, table=True):
    __tablename__ = "staff"
    __table_args__ = (one_of("role", Role),)
    id: str = row_id()
    site_id: str = link("site.id", null=False)
    name: str  # shown to colleagues; never logged
    role: str
    active: bool = True
    language: str = "en"
    zone: str = "UTC"
    chat_sealed: bytes | None = sealed()
    chat_hash: str | None = Field(default=None, unique=True)
    step: str = ""  # an unfinished dialogue: "write:<patient id>", "outcome:<alert id>"
    created_at: datetime = at(null=False)


class Contact(SQLModel, table=True):
    """A way to reach a staff member. `channel` is "telegram" or the name of an outside channel."""

    __tablename__ = "contact"
    __table_args__ = (one_of("state", ContactState), UniqueConstraint("staff_id", "rank"))
    id: str = row_id()
    staff_id: str = link("staff.id", null=False)
    rank: int  # 0 is tried first
    channel: str
    address_sealed: bytes | None = sealed()  # none for telegram: the staff row has the chat
    state: str = ContactState.UNVERIFIED
    last_success_at: datetime | None = at()
    created_at: datetime = at(null=False)


class Invite(SQLModel, table=True):
    __tablename__ = "invite"
    __table_args__ = (CheckConstraint("(patient_id IS NULL) <> (role IS NULL)", name="for_patient_or_staff"),)
    id: str = row_id()
    site_id: str = link("site.id", null=False)
    code_hash: str = Field(unique=True)
    patient_id: str | None = link("patient.id")
    role: str | None = None
    staff_name: str = ""
    created_by: str = ""
    created_at: datetime = at(null=False)
    expires_at: datetime = at(null=False)
    used_at: datetime | None = at()


class Treatment(SQLModel, table=True):
    __tablename__ = "treatment"
    __table_args__ = (one_of("status", TreatmentStatus),)
    id: str = row_id()
    patient_id: str = link("patient.id", null=False)
    protocol: str
    ended_at: datetime = at(null=False)  # T0: end of infusion, injection, last device; dose taken
    number: int = 1  # place in the course, from 1
    at_home: bool = False
    increased: bool = False  # more than the dose before
    zone: str
    status: str = TreatmentStatus.GIVEN
    recorded_by: str = ""
    created_at: datetime = at(null=False)


class CheckIn(SQLModel, table=True):
    __tablename__ = "check_in"
    __table_args__ = (
        UniqueConstraint("treatment_id", "key"),
        one_of("status", CheckInStatus),
        one_of("reason", Unasked),
        CheckConstraint("status NOT IN ('skipped', 'superseded') OR reason <> ''", name="skipped_has_reason"),
        CheckConstraint("due_at < closes_at", name="window_is_positive"),
        CheckConstraint("status <> 'open' OR opened_at IS NOT NULL", name="open_has_time"),
        Index("check_in_due", "status", "due_at"),
    )
    id: str = row_id()
    patient_id: str = link("patient.id", null=False)
    treatment_id: str = link("treatment.id", null=False)
    key: str  # slot of the protocol: "d1-morning"
    kind: str  # HOME, EVE, AM, DAY, ...
    due_at: datetime = at(null=False)
    closes_at: datetime = at(null=False)
    zone: str  # the zone the local times were worked out in
    night_on: date | None = None  # the night asked about, named by the day it began
    items: list[str] = document(list)  # item ids, frozen when planned
    reminders: list[str] = document(list)  # instants still to come, ISO UTC
    reminders_sent: int = 0
    remind_at: datetime | None = at(index=True)  # the first of `reminders`, once open
    status: str = CheckInStatus.PLANNED
    reason: str = Unasked.NOTHING  # why it was not sent, or ended early
    content_version: str = ""
    language: str = ""
    item_id: str = ""  # the question on the card now; "" before the first and after the last
    picked: list[str] = document(list)  # picks of an unfinished multi-select
    card_outbox_id: str | None = Field(default=None, max_length=26)
    opened_at: datetime | None = at()
    sent_at: datetime | None = at()
    first_seen_at: datetime | None = at()
    finished_at: datetime | None = at()


class Response(SQLModel, table=True):
    """One answer. A changed answer is a new row whose `supersedes` names the old; both stay."""

    __tablename__ = "response"
    __table_args__ = (
        one_of("status", ResponseStatus),
        UniqueConstraint("bot", "update_id", "item_id"),
    )
    id: str = row_id()
    patient_id: str = link("patient.id", null=False)
    check_in_id: str | None = link("check_in.id")
    item_id: str
    status: str = ResponseStatus.ANSWERED
    value: float | None = None  # number, count, hours, or grade 0-3
    code: str = ""  # option chosen, or options joined by "+"
    unit: str = ""
    label: str = ""  # the option as shown to the patient, or "" for a number
    text_sealed: bytes | None = sealed()  # the words it was read from, when typed
    night_on: date | None = None
    late: bool = False
    answered_at: datetime = at(null=False)  # the channel's time
    received_at: datetime = at(null=False)
    supersedes: str | None = Field(default=None, max_length=26, unique=True)
    superseded: bool = False
    bot: str = ""
    update_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    message_id: int | None = Field(default=None, sa_column=Column(BigInteger))  # the text it was read from
    language: str = ""
    content_version: str = ""


class Message(SQLModel, table=True):
    """Free words, in both directions. An edit is a new row with the next `version`."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("patient_id", "incoming", "message_id", "version"),)
    id: str = row_id()
    patient_id: str = link("patient.id", null=False)
    incoming: bool = True  # from the patient; False: a clinician's words to them
    kind: str = "text"
    message_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    version: int = 1
    text_sealed: bytes | None = sealed()
    check_in_id: str | None = link("check_in.id")
    staff_id: str | None = link("staff.id")  # who wrote it, or whom it was relayed to
    sent_at: datetime = at(null=False)
    received_at: datetime = at(null=False)


class FindingRow(SQLModel, table=True):
    __tablename__ = "finding"
    __table_args__ = (levels(),)
    id: str = row_id()
    patient_id: str = link("patient.id", null=False)
    rule_id: str
    level: str
    rules_version: str
    evidence_sealed: bytes | None = sealed()  # JSON {"words": [...], "facts": [...]}
    response_id: str | None = link("response.id")
    message_id: str | None = link("message.id")
    check_in_id: str | None = link("check_in.id")
    alert_id: str | None = link("alert.id")
    shadow: bool = False  # found by a rule set that records and does not page
    found_at: datetime = at(null=False)


class Alert(SQLModel, table=True):
    """Something a human must act on. `patient_id` is empty only for trouble of our own (SYS rules)."""

    __tablename__ = "alert"
    __table_args__ = (
        levels(),
        one_of("state", AlertState),
        CheckConstraint("patient_id IS NOT NULL OR rule_id LIKE 'SYS%'", name="about_someone"),
        CheckConstraint("state = 'resolved' OR next_action_at IS NOT NULL", name="never_without_clock"),
        CheckConstraint(
            "state <> 'claimed' OR (claimed_by IS NOT NULL AND claim_until IS NOT NULL)",
            name="claimed_by_someone",
        ),
        CheckConstraint(
            "state <> 'resolved' OR (resolved_at IS NOT NULL AND outcome <> '')",
            name="resolved_with_outcome",
        ),
        CheckConstraint("NOT nobody_reached OR state = 'open'", name="nobody_reached_is_open"),
        Index("alert_next_action", "state", "next_action_at"),
    )
    id: str = row_id()
    site_id: str = link("site.id", null=False)
    patient_id: str | None = link("patient.id")
    level: str
    rule_id: str  # the most urgent rule; all of them are findings
    rules_version: str
    policy: dict[str, Any] = document()  # tiers and delays, frozen when raised
    state: str = AlertState.OPEN
    tier: int = 0  # 0 before the first page; then 1, 2, 3 ...; the last is everyone
    loop: int = 0  # the round of paging; counts on over tiers, so that no round repeats
    joined: int = 0  # further findings that joined it
    nobody_reached: bool = False
    raised_at: datetime = at(null=False)
    replied_at: datetime | None = at()  # when the patient wrote it, by the channel's clock
    tier_since: datetime | None = at()
    next_action_at: datetime | None = at()
    paged_at: datetime | None = at()  # first page accepted by a channel
    seen_at: datetime | None = at()
    claimed_by: str | None = link("staff.id")
    claimed_at: datetime | None = at()
    claim_until: datetime | None = at()
    contact: str = ""  # "contacted", "no_answer", "handed_over"
    contacted_at: datetime | None = at()
    resolved_by: str | None = link("staff.id")
    resolved_at: datetime | None = at()
    outcome: str = ""
    outcome_sealed: bytes | None = sealed()  # the clinician's words
    false_alarm: bool = False
    reopens: str | None = Field(default=None, max_length=26)  # the resolved alert this one follows
    reviewed_at: datetime | None = at()
    asked_until: datetime | None = at()  # the direct question was asked; silence after this climbs


class Page(SQLModel, table=True):
    """One attempt to reach one person through one channel about one alert."""

    __tablename__ = "page"
    __table_args__ = (
        one_of("state", PageState),
        UniqueConstraint("alert_id", "tier", "loop", "staff_id", "channel"),
    )
    id: str = row_id()
    alert_id: str = link("alert.id", null=False)
    tier: int
    loop: int
    staff_id: str | None = link("staff.id")  # none: an outside address that belongs to nobody
    contact_id: str | None = link("contact.id")
    channel: str = "telegram"
    state: str = PageState.PENDING
    created_at: datetime = at(null=False)
    sent_at: datetime | None = at()
    seen_at: datetime | None = at()
    outbox_id: str | None = Field(default=None, max_length=26)  # the digest that carried it, if one did


class Shift(SQLModel, table=True):
    """Who is on call for a tier, from `starts_at` up to but not including `ends_at`."""

    __tablename__ = "shift"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="shift_is_positive"),
        Index("shift_cover", "site_id", "tier", "starts_at"),
    )
    id: str = row_id()
    site_id: str = link("site.id", null=False)
    tier: int  # 1 first on call, 2 backup, 3 lead
    staff_id: str = link("staff.id", null=False)
    starts_at: datetime = at(null=False)
    ends_at: datetime = at(null=False)
    source: str = ""  # the calendar or command it came from; a re-import replaces its own rows
    override: bool = False  # a take-over in chat wins over the calendar
    uid: str = ""  # the calendar's own id of the event


class Inbox(SQLModel, table=True):
    """Every update, committed before the channel is told it was received."""

    __tablename__ = "inbox"
    __table_args__ = (
        one_of("state", InboxState),
        CheckConstraint("state = 'new' OR done_at IS NOT NULL", name="handled_has_time"),
        Index("inbox_waiting", "state", "chat_hash", "update_id"),
    )
    bot: str = Field(primary_key=True)
    update_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    chat_hash: str = ""  # replies of one chat are handled in order
    patient_id: str | None = link("patient.id")
    raw_sealed: bytes | None = sealed()  # emptied when its retention is over
    state: str = InboxState.NEW
    attempts: int = 0
    not_before: datetime | None = at()
    error: str = ""  # the exception's type, never its text
    received_at: datetime = at(null=False)
    done_at: datetime | None = at()


class Outbox(SQLModel, table=True):
    """Everything sent, written before it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("state", OutboxState),
        one_of("lane", Lane),
        one_of("kind", OutboxKind),
        CheckConstraint(
            "state <> 'sending' OR (lease_until IS NOT NULL AND lease_owner <> '')", name="sending_has_lease"
        ),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent_has_time"),
        Index("outbox_waiting", "state", "lane", "id"),
        Index("outbox_of_chat", "chat_hash", "state", "lane"),
    )
    id: str = row_id()
    lane: str
    kind: str
    channel: str = "telegram"  # "telegram", "telegram-alert", or an outside channel
    patient_id: str | None = link("patient.id")  # sealed under this patient's key when given
    staff_id: str | None = link("staff.id")
    alert_id: str | None = link("alert.id")
    page_id: str | None = link("page.id")
    check_in_id: str | None = link("check_in.id")
    edits: str | None = Field(default=None, max_length=26)  # the outbox row whose message this changes
    target_message_id: int | None = Field(default=None, sa_column=Column(BigInteger))  # or that message's id
    chat_hash: str = ""  # messages to one chat go out in order within a lane
    payload_sealed: bytes | None = sealed()  # JSON of bot.message.Outgoing
    state: str = OutboxState.PENDING
    repeat: bool = False  # may have arrived before: the text says so
    attempts: int = 0
    not_before: datetime = at(null=False)
    lease_owner: str = ""
    lease_until: datetime | None = at()
    error: str = ""  # a bot.message.Failure
    message_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    created_at: datetime = at(null=False)
    sent_at: datetime | None = at()


class Audit(SQLModel, table=True):
    """The chain: each line's HMAC covers the line and the one before it."""

    __tablename__ = "audit"
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = at(null=False)
    actor: str  # "staff:<id>", "patient:<id>", "system", "cli"
    action: str  # "alert.claimed"
    subject: str  # "alert:<id>"
    details: dict[str, Any] = document()  # ids, counts and levels; never words
    previous: str
    hash: str


class Mark(SQLModel, table=True):
    """The last time something was known to work: "poll:care", "tick", "auditor", "drill:<staff>"."""

    __tablename__ = "mark"
    name: str = Field(primary_key=True)
    at: datetime = at(null=False)
    value: str = ""


class Drill(SQLModel, table=True):
    __tablename__ = "drill"
    id: str = row_id()
    site_id: str = link("site.id", null=False)
    staff_id: str = link("staff.id", null=False)
    channel: str
    outbox_id: str | None = Field(default=None, max_length=26)
    sent_at: datetime = at(null=False)
    accepted_at: datetime | None = at()
    claimed_at: datetime | None = at()
    failed: bool = False


TABLES: Iterable[type[SQLModel]] = (
    Site, Patient, PatientKey, Secret, Staff, Contact, Invite, Treatment, CheckIn, Response, Message,
    FindingRow, Alert, Page, Shift, Inbox, Outbox, Audit, Mark, Drill,
)  # fmt: skip
