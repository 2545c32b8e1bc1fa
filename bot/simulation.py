"""Days of care on a virtual clock: what a protocol and its rules will ask of patients and of staff.

Nobody real is in it. Invented people answer through the same flows, outbox and rules as everyone,
on a database that is thrown away, so what comes out is what the content in use would really do.
"""

from __future__ import annotations

import random
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlmodel import col

from bot.care.level import Level
from bot.content import Content
from bot.flows import cards, invites, staff_cards, tick, treatments
from bot.flows.clinic import Clinic
from bot.flows.replies import receive_reply
from bot.message import Outgoing, OutgoingKind, Reply, ReplyKind
from storage import inbox, outbox, patients, staff
from storage.database import Database
from storage.tables import (
    Alert,
    CheckIn,
    Lane,
    OutboxKind,
    PatientStatus,
    Response,
    Role,
)
from storage.vault import Vault

STEP = timedelta(minutes=10)
START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
ANSWERED_SHARE = (0.45, 0.80)
"""What share of check-ins one invented person answers: drawn between these, as in published text studies."""
HOURS_TO_ANSWER = 3.0
MINUTES_TO_CLAIM = 12.0
MOST_TAPS = 80
CONTROLS = {cards.BACK, cards.SKIP, cards.CHANGE, cards.LATE, cards.PAGE}
OWNER = "simulation"


@dataclass(frozen=True)
class Result:
    """What happened, per patient and week where that is the question."""

    patients: int
    days: int
    protocol: str
    check_ins: int
    answered: int
    questions_a_week: float
    messages_a_day_at_most: int
    alerts_a_week: dict[str, float]
    pages: int
    night_pages: int

    def as_json(self) -> dict[str, object]:
        return dict(vars(self))

    def as_text(self) -> str:
        share = 100 * self.answered // max(self.check_ins, 1)
        alerts = ", ".join(f"{level} {number:.2f}" for level, number in self.alerts_a_week.items())
        return "\n".join(
            (
                f"{self.patients} invented patients, {self.days} days, protocol {self.protocol}",
                f"check-ins sent: {self.check_ins}, of which answered: {self.answered} ({share} %)",
                f"questions answered per patient and week: {self.questions_a_week:.1f}",
                f"messages to one patient on one day, at most: {self.messages_a_day_at_most}",
                f"alerts per patient and week: {alerts}",
                f"pages sent: {self.pages}, of which between 22:00 and 07:00: {self.night_pages}",
            )
        )


@dataclass
class Person:
    """An invented patient: how reliable they are, how they are doing, and what is on their screen."""

    chat_id: int
    code: str
    share: float
    severity: float
    card: Outgoing | None = None
    card_id: int = 0
    answers_at: datetime | None = None


@dataclass
class World:
    clinic: Clinic
    site: str
    chance: random.Random
    now: datetime = START
    people: dict[int, Person] = field(default_factory=dict)
    on_call_chat: int = 900_000
    claims: dict[datetime, list[str]] = field(default_factory=dict)
    messages: Counter[tuple[int, int]] = field(default_factory=Counter)
    pages: list[datetime] = field(default_factory=list)
    updates: int = 0
    message_id: int = 0


def simulate(
    content: Content,
    *,
    patients: int,
    days: int,
    protocol: str,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Live through `days` with invented people; the same seed gives the same days.

    `progress` is called with the days done and the days in all.
    """
    with _clinic(content) as clinic:
        world = World(clinic, next(iter(content.sites)), random.Random(seed))
        _people(world, patients, protocol, days)
        for day in range(days):
            for _ in range(int(timedelta(days=1) / STEP)):
                _live(world)
            if progress:
                progress(day + 1, days)
        return _result(world, patients, days, protocol)


@contextmanager
def _clinic(content: Content) -> Iterator[Clinic]:
    with tempfile.TemporaryDirectory(prefix="aftercare-simulation-") as folder:
        url = f"sqlite:///{Path(folder) / 'simulation.db'}"
        db = Database.open(url, Vault([secrets.token_bytes(32)]), create=True)
        try:
            db.migrate()
            yield Clinic(db, content)
        finally:
            db.close()


def _people(world: World, number: int, protocol: str, days: int) -> None:
    """Enrol everyone, treat them over the first days, and put one clinician on call throughout."""
    clinic = world.clinic
    with clinic.db.transaction() as tx:
        patients.site_row(tx, world.site)
        clinician = staff.add(tx, world.site, "Invented", Role.CLINICIAN, world.now)
        staff.link_chat(tx, clinician, world.on_call_chat, world.now)
        for tier in (1, 2, 3):
            staff.add_shift(
                tx, world.site, tier=tier, staff_id=clinician.id, starts_at=world.now - STEP,
                ends_at=world.now + timedelta(days=days + 1), source=OWNER, now=world.now,
            )  # fmt: skip
        for place in range(number):
            made = invites.invite_patient(clinic, tx, world.site, OWNER, world.now, protocol=protocol)
            patient = patients.by_code(tx, made.patient_code)
            assert patient is not None
            chat_id = 1000 + place
            patients.link_chat(tx, patient, chat_id)
            patient.consent_at, patient.consent_version = world.now, "simulation"
            patient.status = PatientStatus.ACTIVE
            tx.add(patient)
            world.people[chat_id] = Person(
                chat_id, patient.code, world.chance.uniform(*ANSWERED_SHARE), world.chance.uniform(0.1, 0.7)
            )
    for person in world.people.values():
        treated = world.now + timedelta(days=world.chance.randrange(0, min(3, days)))
        treatments.record_treatment(clinic, person.code, treated, OWNER, world.now, protocol=protocol)


def _live(world: World) -> None:
    """Ten minutes: what is due happens, messages arrive, people do what they would."""
    world.now += STEP
    tick.tick(world.clinic, world.now)
    _carry(world)
    for person in world.people.values():
        if person.answers_at and person.answers_at <= world.now:
            _answer(world, person)
    for at in sorted(each for each in world.claims if each <= world.now):
        for alert_id in world.claims.pop(at):
            _act_on(world, alert_id)
    _carry(world)


def _carry(world: World) -> None:
    while _carry_lane(world, Lane.ALERT) + _carry_lane(world, Lane.ROUTINE):
        continue


def _carry_lane(world: World, lane: Lane) -> int:
    with world.clinic.db.transaction() as tx:
        rows = outbox.lease(tx, lane, OWNER, world.now, 200, STEP)
        for row in rows:
            world.message_id += 1
            outgoing = outbox.read_outgoing(tx, row)
            shown = outgoing.message_id if outgoing.kind is OutgoingKind.EDIT else world.message_id
            outbox.mark_sent(tx, row.id, OWNER, shown, world.now)
            if row.kind == OutboxKind.PAGE and row.alert_id:
                _paged(world, row.alert_id)
            elif outgoing.chat_id in world.people:
                _arrived(world, world.people[outgoing.chat_id], outgoing, row.kind, shown or 0)
    return len(rows)


def _paged(world: World, alert_id: str) -> None:
    world.pages.append(world.now)
    waits = timedelta(minutes=world.chance.expovariate(1 / MINUTES_TO_CLAIM))
    world.claims.setdefault(world.now + waits, []).append(alert_id)


def _arrived(world: World, person: Person, outgoing: Outgoing, kind: str, message_id: int) -> None:
    if outgoing.kind is OutgoingKind.MESSAGE:
        world.messages[person.chat_id, (world.now - START).days] += 1
    if any(cards.read_tap(button.data) for row in outgoing.buttons for button in row):
        person.card, person.card_id = outgoing, message_id
        if kind == OutboxKind.CARD and world.chance.random() < person.share:
            hours = min(world.chance.expovariate(1 / HOURS_TO_ANSWER), 12)
            person.answers_at = world.now + timedelta(hours=hours)


def _answer(world: World, person: Person) -> None:
    """Tap through the card that is on the screen, one answer a question."""
    person.answers_at = None
    person.severity = min(0.95, max(0.02, person.severity + world.chance.gauss(-0.01, 0.08)))
    for _ in range(MOST_TAPS):
        data = _choice(world, person)
        if data is None:
            return
        _receive(world, person.chat_id, data, person.card_id)
        _carry(world)


def _choice(world: World, person: Person) -> str | None:
    """Return the button this person presses now, None when the card asks nothing more."""
    buttons = [button.data for row in (person.card.buttons if person.card else ()) for button in row]
    taps = [(data, tap) for data in buttons if (tap := cards.read_tap(data)) and tap.what not in CONTROLS]
    options = [(data, tap) for data, tap in taps if tap.what == cards.VALUE]
    if options:
        place = world.chance.betavariate(1 + 4 * person.severity, 5 - 4 * person.severity)
        return options[min(int(place * len(options)), len(options) - 1)][0]
    return next((data for data, tap in taps if tap.what == cards.DONE and tap.item), None)


def _act_on(world: World, alert_id: str) -> None:
    """The clinician takes the alert, reaches the patient, and closes it."""
    for verb, more in (("claim", ""), ("contacted", ""), ("resolve", ""), ("out", "spoke")):
        _receive(world, world.on_call_chat, staff_cards.data(verb, alert_id, more), 1)


def _receive(world: World, chat_id: int, data: str, message_id: int) -> None:
    world.updates += 1
    reply = Reply(
        "care", world.updates, ReplyKind.TAP, chat_id, chat_id, world.now, data=data, callback_id="tap",
        message_id=message_id,
    )  # fmt: skip
    with world.clinic.db.transaction() as tx:
        inbox.store(tx, reply.bot, reply.update_id, chat_id, {}, world.now)
    receive_reply(world.clinic, reply, world.now)


def _result(world: World, number: int, days: int, protocol: str) -> Result:
    weeks = number * days / 7
    with world.clinic.db.reading() as tx:
        sent = tx.scalar(select(func.count()).where(col(CheckIn.sent_at).is_not(None))) or 0
        done = col(CheckIn.status).in_(("answered", "partial"))
        answered = tx.scalar(select(func.count()).where(done)) or 0
        questions = tx.scalar(select(func.count()).select_from(Response)) or 0
        levels = select(col(Alert.level), func.count()).group_by(col(Alert.level))
        by_level = {row[0]: row[1] for row in tx.execute(levels)}
    zone = world.clinic.content.sites[world.site].zone
    nights = sum(_at_night(at, zone) for at in world.pages)
    return Result(
        number, days, protocol, sent, answered, questions / weeks, max(world.messages.values(), default=0),
        {level.key: by_level.get(level.key, 0) / weeks for level in reversed(Level)}, len(world.pages),
        nights,
    )  # fmt: skip


def _at_night(at: datetime, zone: str) -> bool:
    hour = at.astimezone(ZoneInfo(zone)).hour
    return hour >= 22 or hour < 7
