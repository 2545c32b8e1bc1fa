"""A clinic on a real database, with phones in people's hands.

Nothing is faked but the wire: what the outbox holds is "carried" to the phones with the outbox's own
leases, and what people do arrives through the inbox like any update. A house with `restarts` makes
the program anew from the database file for every line of a test, so that nothing can live in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel, col

from bot.content import Content
from bot.flows import checkins, tick
from bot.flows.clinic import Clinic
from bot.flows.invites import invite_patient, invite_staff
from bot.flows.replies import receive_reply
from bot.flows.talk import Talk
from bot.hooks import ClinicHooks
from bot.message import Button, Outgoing, OutgoingKind, Reply, ReplyKind
from storage import inbox, outbox, patients
from storage import staff as colleagues
from storage.database import Database
from storage.tables import (
    Alert,
    CheckIn,
    FindingRow,
    Lane,
    Message,
    Outbox,
    OutboxKind,
    Patient,
    PatientStatus,
    Response,
    Role,
)
from storage.vault import Vault

MASTER_KEY = bytes(range(32))
LEASE = timedelta(seconds=30)
TUESDAY_10 = datetime(2026, 3, 3, 10, 0, tzinfo=ZoneInfo("America/Chicago"))
AROUND_THE_CLOCK = timedelta(days=365)
Row = TypeVar("Row", bound=SQLModel)


@dataclass
class Bubble:
    """A message as it stands on a phone."""

    message_id: int
    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    kind: str = ""
    silent: bool = False


@dataclass
class Phone:
    """A person's chat with the bot."""

    house: House
    chat_id: int
    language: str = "en"
    bubbles: dict[int, Bubble] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)  # every text that made the phone ring or change, in order
    notices: list[str] = field(default_factory=list)  # what a pressed button was answered
    pinned: list[int] = field(default_factory=list)
    menu: tuple[str, ...] = ()
    reactions: list[str] = field(default_factory=list)
    pictures: list[tuple[bytes, str]] = field(default_factory=list)  # each with the words under it
    left: bool = False
    name: str = ""
    code: str = ""

    def says(self, text: str, **more: Any) -> None:
        """Type a message."""
        self.house.receive(self, ReplyKind.TEXT, text=text, **more)

    def edits(self, message_id: int, text: str) -> None:
        """Change an earlier message of one's own."""
        self.house.receive(self, ReplyKind.EDIT, text=text, message_id=message_id)

    def sends(self, kind: ReplyKind, text: str = "") -> None:
        """Send something that is not text."""
        self.house.receive(self, kind, text=text)

    def taps(self, label: str) -> None:
        """Press the newest button that is labelled so, or begins so."""
        bubble, button = self.button(label)
        self.presses(button.data, bubble.message_id)

    def presses(self, data: str, message_id: int | None = None) -> None:
        """Press a button with this data, whether or not the bot ever sent it."""
        shown = max(self.bubbles, default=1) if message_id is None else message_id
        self.house.receive(self, ReplyKind.TAP, data=data, callback_id="callback", message_id=shown)

    def button(self, label: str) -> tuple[Bubble, Button]:
        everything = [(each, button) for each in self._newest() for row in each.buttons for button in row]
        same = [pair for pair in everything if pair[1].text == label]
        like = [pair for pair in everything if pair[1].text.startswith(label)]
        assert same or like, f"there is no button {label!r} among {[pair[1].text for pair in everything]}"
        return (same or like)[0]

    def has_button(self, label: str) -> bool:
        return any(button.text == label for each in self._newest() for row in each.buttons for button in row)

    def _newest(self) -> list[Bubble]:
        return [self.bubbles[each] for each in sorted(self.bubbles, reverse=True)]

    @property
    def screen(self) -> str:
        """The text of the newest message."""
        return self._newest()[0].text if self.bubbles else ""

    @property
    def everything(self) -> str:
        """Every message as it stands now, oldest first."""
        return "\n---\n".join(self.bubbles[each].text for each in sorted(self.bubbles))

    def card(self) -> Bubble:
        """The newest check-in card."""
        cards = [each for each in self._newest() if each.kind in (OutboxKind.CARD, OutboxKind.REMINDER)]
        assert cards, "no check-in has come"
        return cards[0]

    def carry(self, outgoing: Outgoing, message_id: int, kind: str) -> None:
        """Show what arrives."""
        match outgoing.kind:
            case OutgoingKind.MESSAGE:
                self.bubbles[message_id] = Bubble(
                    message_id, outgoing.text, outgoing.buttons, kind, outgoing.silent
                )
                self.log.append(outgoing.text)
            case OutgoingKind.EDIT if outgoing.message_id in self.bubbles:
                bubble = self.bubbles[outgoing.message_id]
                bubble.text, bubble.buttons = outgoing.text, outgoing.buttons
                self.log.append(outgoing.text)
            case OutgoingKind.ANSWER:
                self.notices.append(outgoing.text)
            case OutgoingKind.PIN if outgoing.message_id is not None:
                self.pinned.append(outgoing.message_id)
            case OutgoingKind.COMMANDS:
                self.menu = tuple(name for name, _ in outgoing.commands)
            case OutgoingKind.PHOTO:
                self.pictures.append((outgoing.file_bytes, outgoing.text))
            case OutgoingKind.REACTION:
                self.reactions.append(outgoing.text)
            case OutgoingKind.LEAVE:
                self.left = True


class House:
    """The clinic, its clock, and everybody's phones."""

    def __init__(
        self, url: str, content: Content, now: datetime = TUESDAY_10, *, restarts: bool = False
    ) -> None:
        self.url = url
        self.restarts = restarts
        self._kept: Database | None = None
        self._tx: Session | None = None
        self.content = content
        self.now = now.astimezone(UTC)
        self.phones: dict[int, Phone] = {}
        self._update_id = 1000
        self._message_id = 0
        self._chat_id = 7000

    @contextmanager
    def clinic(self) -> Iterator[Clinic]:
        """The program, started from the database file and nothing else when the house restarts it."""
        if self._kept is None:
            self._kept = Database.open(self.url, Vault([MASTER_KEY]))
        yield Clinic(self._kept, self.content)
        if self.restarts:
            self.close()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """A transaction; looking again within it is the same one, or it would wait for itself."""
        if self._tx is not None:
            yield self._tx
            return
        with self.clinic() as clinic, clinic.db.transaction() as tx:
            self._tx = tx
            try:
                yield tx
            finally:
                self._tx = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Look without writing: also while a test is in the middle of a change of its own."""
        with self.clinic() as clinic, clinic.db.reading() as tx:
            yield tx

    @contextmanager
    def talking(self, phone: Phone) -> Iterator[Talk]:
        """One transaction in which something is done for this patient."""
        with self.clinic() as clinic, clinic.db.transaction() as tx:
            found = patients.by_code(tx, phone.code)
            assert found is not None
            yield Talk(clinic, tx, found, self.now)

    def phone(self, chat_id: int | None = None, language: str = "en") -> Phone:
        self._chat_id += 1
        phone = Phone(self, chat_id or self._chat_id, language)
        self.phones[phone.chat_id] = phone
        return phone

    def receive(self, phone: Phone, kind: ReplyKind, **more: Any) -> Reply:
        """Let an update arrive: into the inbox, then through the flows, then what follows goes out."""
        reply = self.reply(phone, kind, **more)
        self.deliver_update(reply)
        return reply

    def reply(self, phone: Phone, kind: ReplyKind, **more: Any) -> Reply:
        self._update_id += 1
        if kind is not ReplyKind.TAP and "message_id" not in more:
            self._message_id += 1
            more["message_id"] = self._message_id
        fields = {
            "bot": "care",
            "update_id": self._update_id,
            "kind": kind,
            "chat_id": phone.chat_id,
            "sender_id": phone.chat_id,
            "sent_at": self.now,
            "language_code": phone.language,
        }
        return Reply(**{**fields, **more})

    def deliver_update(self, reply: Reply) -> None:
        with self.clinic() as clinic:
            with clinic.db.transaction() as tx:
                inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, self.now)
            receive_reply(clinic, reply, self.now)
        self.carry()

    def carry(self) -> None:
        """Send everything that waits, alerts first, until nothing does."""
        with self.clinic() as clinic:
            while self._carry_lane(clinic, Lane.ALERT) + self._carry_lane(clinic, Lane.ROUTINE):
                continue

    def _carry_lane(self, clinic: Clinic, lane: Lane) -> int:
        with clinic.db.transaction() as tx:
            rows = outbox.lease(tx, lane, "test", self.now, 50, LEASE)
            for row in rows:
                outgoing = outbox.read_outgoing(tx, row)
                self._message_id += 1
                message_id = outgoing.message_id if outgoing.kind is OutgoingKind.EDIT else self._message_id
                if outgoing.chat_id in self.phones:
                    self.phones[outgoing.chat_id].carry(outgoing, self._message_id, row.kind)
                outbox.mark_sent(tx, row.id, "test", message_id, self.now)
                ClinicHooks(clinic).sent(tx, row, self.now)
        return len(rows)

    def wait(self, **span: float) -> None:
        """Let time pass, a tick every five minutes."""
        self._pass(self.now + timedelta(**span), timedelta(minutes=5))

    def until(self, at: datetime) -> None:
        """Let time pass up to an instant, a tick every half hour."""
        self._pass(at.astimezone(UTC), timedelta(minutes=30))

    def _pass(self, until: datetime, step: timedelta) -> None:
        while self.now < until:
            self.now = min(self.now + step, until)
            self.tick()

    def skip_to(self, at: datetime) -> None:
        """Jump to a time with a single tick, as after a long sleep of the machine."""
        self.now = at.astimezone(UTC)
        self.tick()

    def tick(self) -> None:
        with self.clinic() as clinic:
            failed = tick.tick(clinic, self.now)
            assert failed == 0, "a work of the tick failed"
        self.carry()

    def local(self, hour: int, minute: int = 0, days: int = 0, zone: str = "America/Chicago") -> datetime:
        """Return a clock time, so many days from today."""
        day = self.now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))

    def invite(self, language: str = "en", protocol: str = "single_infusion") -> tuple[str, str]:
        """Return a new patient's code and the code of their invite."""
        with self.clinic() as clinic:
            more = {"language": language, "protocol": protocol}
            made = clinic.db.run(
                lambda tx: invite_patient(clinic, tx, "demo", "staff:test", self.now, **more)
            )
        return made.patient_code, made.code

    def new_patient(self, language: str = "en", protocol: str = "single_infusion") -> Phone:
        """Return the phone of somebody who opened their invite and has not agreed to anything."""
        code, payload = self.invite(language, protocol)
        phone = self.phone(language=language)
        phone.code = code
        phone.says(f"/start {payload}")
        return phone

    def walked_through_enrolment(self, language: str = "en") -> Phone:
        """Return the phone of somebody who went through the whole enrolment, button by button."""
        phone = self.new_patient(language)
        words = self.content.wording(language)
        phone.taps(words.say("patient.language.name"))
        for _ in range(int(words.say("patient.consent.pages")) - 1):
            phone.taps(words.say("patient.enrol.next"))
        phone.taps(words.say("patient.enrol.agree"))
        phone.taps(words.say("patient.enrol.teach_no"))
        phone.presses("e:zone:America/Chicago")
        phone.presses("e:quiet:21:30-07:30")
        return phone

    def enrolled(self, language: str = "en", protocol: str = "single_infusion") -> Phone:
        """Return the phone of somebody who enrolled just now."""
        phone = self.phone(language=language)
        with self.looking() as tx:
            patient = patients.enrol(
                tx, "demo", self.now, language=language, zone="America/Chicago", protocol=protocol
            )
            patients.link_chat(tx, patient, phone.chat_id)
            patient.consent_version, patient.consent_at = "2026-11 draft en", self.now
            patient.status = PatientStatus.ACTIVE
            phone.code = patient.code
        return phone

    def clinician(self, name: str = "Dr. Okafor", tier: int = 1, role: Role = Role.CLINICIAN) -> Phone:
        """Return the phone of a clinician who is on call around the clock."""
        phone = self.phone()
        phone.name = name
        with self.looking() as tx:
            patients.site_row(tx, "demo")
            staff = colleagues.add(tx, "demo", name, role, self.now, zone="America/Chicago")
            colleagues.link_chat(tx, staff, phone.chat_id, self.now)
            colleagues.add_shift(
                tx, "demo", tier=tier, staff_id=staff.id, starts_at=self.now - AROUND_THE_CLOCK,
                ends_at=self.now + AROUND_THE_CLOCK, now=self.now,
            )  # fmt: skip
        return phone

    def invite_clinician(self, name: str = "Dr. Okafor") -> str:
        with self.clinic() as clinic:
            who = {"role": "clinician", "name": name}
            return clinic.db.run(
                lambda tx: invite_staff(clinic, tx, "demo", "staff:test", self.now, **who)
            ).code

    def treated(self, phone: Phone, ended_at: datetime | None = None, **more: Any) -> None:
        """Record a treatment that ended now, or when said, and send what is due."""
        with self.clinic() as clinic:
            checkins.record_treatment(
                clinic, phone.code, (ended_at or self.now).astimezone(UTC), "staff:test", self.now, **more
            )
        self.tick()

    def at_check_in(self, kind: str = "HOME", days: int = 0) -> Phone:
        """Return the phone of a patient treated now to whom the first check-in of this kind has just come."""
        phone = self.enrolled()
        self.treated(phone)
        with self.looking() as tx:
            due = tx.scalars(
                select(CheckIn).where(col(CheckIn.kind) == kind).order_by(col(CheckIn.due_at))
            ).first()
            assert due is not None, f"no check-in of kind {kind} was planned"
            at = due.due_at
        self.skip_to(at)
        return phone

    def patient(self, phone: Phone) -> Patient:
        with self.reading() as tx:
            found = patients.by_code(tx, phone.code)
        assert found is not None
        return found

    def all(self, table: type[Row]) -> list[Row]:
        with self.reading() as tx:
            return list(tx.scalars(select(table)))

    def responses(self) -> dict[str, Response]:
        """The answers that count, by item."""
        with self.reading() as tx:
            current = select(Response).where(col(Response.superseded).is_(False))
            return {each.item_id: each for each in tx.scalars(current.order_by(col(Response.id)))}

    def responses_of(self, phone: Phone) -> dict[str, Response]:
        """One patient's answers that count, by item."""
        patient = self.patient(phone)
        return {each.item_id: each for each in self.all(Response) if each.patient_id == patient.id}

    def rules(self) -> list[str]:
        """The rules that fired, in order."""
        with self.reading() as tx:
            return [each.rule_id for each in tx.scalars(select(FindingRow).order_by(col(FindingRow.id)))]

    def alerts(self) -> list[Alert]:
        with self.reading() as tx:
            return list(tx.scalars(select(Alert).where(col(Alert.patient_id).is_not(None))))

    def messages(self) -> list[Message]:
        with self.reading() as tx:
            return list(tx.scalars(select(Message).order_by(col(Message.id))))

    def check_ins(self, *statuses: str) -> list[CheckIn]:
        with self.reading() as tx:
            wanted = select(CheckIn).order_by(col(CheckIn.due_at))
            return [each for each in tx.scalars(wanted) if not statuses or each.status in statuses]

    def sent_count(self) -> int:
        with self.reading() as tx:
            return tx.scalar(select(func.count(col(Outbox.id)))) or 0

    def act(self, work: Callable[[Clinic], object]) -> object:
        with self.clinic() as clinic:
            return work(clinic)
