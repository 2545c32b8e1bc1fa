"""The doctor: everything that would stop a page tonight, before tonight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from bot.care import oncall
from bot.content import stale_numbers
from bot.content.check import drafts
from bot.flows import roster
from bot.flows.clinic import Clinic
from storage import audit, durability, marks
from storage import staff as people
from storage.tables import (
    Alert,
    AlertState,
    Contact,
    ContactState,
    Inbox,
    InboxState,
    Outbox,
    OutboxState,
    Staff,
)

AHEAD = timedelta(days=14)
UNPROVEN_AFTER = timedelta(days=30)
SILENT_AFTER = {
    "tick": timedelta(minutes=2),
    "poll:care": timedelta(minutes=3),
    "auditor": timedelta(minutes=5),
}
"""How old the last sign of life of each part may be."""
CALENDAR_OLD_AFTER = timedelta(hours=1)
STUCK_AFTER = timedelta(minutes=10)
TIER_NAMES = {1: "first on call", 2: "backup", 3: "lead"}


class Weight(StrEnum):
    STOPS = "would stop a page"
    WEAKENS = "weakens"
    NOTE = "note"


@dataclass(frozen=True)
class Sign:
    """One thing the doctor found. `line` names the place, what is wrong and the next step."""

    weight: Weight
    line: str


@dataclass(frozen=True)
class Report:
    signs: tuple[Sign, ...]
    nobody_on_call: bool

    @property
    def would_stop_a_page(self) -> bool:
        return any(sign.weight is Weight.STOPS for sign in self.signs)

    def lines(self) -> Iterator[str]:
        for sign in self.signs:
            yield f"{sign.weight.value}: {sign.line}"
        stops = sum(sign.weight is Weight.STOPS for sign in self.signs)
        yield (
            f"{stops} would stop a page tonight; {len(self.signs) - stops} more to look at"
            " (staff are named by id; aftercare staff list)"
        )

    def as_json(self) -> dict[str, object]:
        return {"signs": [asdict(sign) for sign in self.signs], "nobody_on_call": self.nobody_on_call}


def examine(clinic: Clinic, now: datetime) -> Report:
    """Look at everything a page depends on: people, rota, running parts, queues, content, the audit chain."""
    with clinic.db.reading() as tx:
        covered = {site: roster.someone_is_on_call(tx, site, now) for site in clinic.content.sites}
        signs = [
            *_on_call(covered),
            *(sign for site in clinic.content.sites for sign in _rota(tx, site, now)),
            *_contacts(tx, now),
            *_running(tx, now),
            *_database(tx),
            *_calendars(tx, now),
            *_queues(tx, now),
            *_content(clinic, now),
            *_chain(tx),
        ]
    order = list(Weight)
    ordered = sorted(signs, key=lambda sign: order.index(sign.weight))
    return Report(tuple(ordered), not all(covered.values()))


def _on_call(covered: dict[str, bool]) -> Iterator[Sign]:
    for site, somebody in covered.items():
        if not somebody:
            yield Sign(
                Weight.STOPS, f"{site}: nobody who can be reached is on call now; aftercare rota import"
            )


def _rota(tx: Session, site: str, now: datetime) -> Iterator[Sign]:
    everyone = {each.id: each for each in people.at_site(tx, site)}
    shifts = roster.turns(people.shifts(tx, site, now, now + AHEAD))
    turns = [each for each in shifts if each.staff_id in everyone]  # a shift of somebody who left is a gap
    for tier in oncall.TIERS:
        for start, end in oncall.gaps(turns, tier, now, now + AHEAD):
            span = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
            yield Sign(Weight.WEAKENS, f"{site}: no {TIER_NAMES[tier]} from {span}")
    for at, staff_id in oncall.same_person_everywhere(turns, now, now + AHEAD):
        yield Sign(
            Weight.WEAKENS, f"{site}: staff {staff_id} is every tier at once from {at:%Y-%m-%d %H:%M} UTC"
        )
    reachable = {each.id for each in everyone.values() if roster.reachable(tx, each)}
    for staff_id in oncall.unreachable(turns, reachable):
        yield Sign(Weight.STOPS, f"{site}: staff {staff_id} has a shift and no way to be reached; /contacts")


def _contacts(tx: Session, now: datetime) -> Iterator[Sign]:
    """A way to reach somebody counts as unproven after 30 days without a page or a drill."""
    old = now - UNPROVEN_AFTER
    of_somebody = col(Contact.staff_id).in_(select(col(Staff.id)).where(col(Staff.active)))
    for contact in tx.scalars(select(Contact).where(of_somebody).order_by(col(Contact.id))):
        what = f"staff {contact.staff_id}: contact {contact.id} ({contact.channel})"
        if contact.state == ContactState.BLOCKED:
            yield Sign(Weight.WEAKENS, f"{what} refuses us; set another with /contacts")
        elif contact.last_success_at is None or contact.last_success_at < old:
            yield Sign(Weight.WEAKENS, f"{what} is unproven; aftercare drill")


def _running(tx: Session, now: datetime) -> Iterator[Sign]:
    for name, longest in SILENT_AFTER.items():
        last = marks.mark(tx, name)
        weight = Weight.WEAKENS if name == "auditor" else Weight.STOPS
        if last is None:
            yield Sign(weight, f"{name}: has never run; start it with: aftercare {_starter(name)}")
        elif now - last.at > longest:
            minutes = int((now - last.at).total_seconds() // 60)
            yield Sign(
                weight, f"{name}: last ran {minutes} minutes ago; is aftercare {_starter(name)} running?"
            )


def _database(tx: Session) -> Iterator[Sign]:
    for each in durability.weaknesses(tx):
        step = f"set {each.setting} = on in postgresql.conf (or the pooler) and reload the server"
        yield Sign(Weight.WEAKENS, f"PostgreSQL: {each.setting} is off: {each.risk}; {step}")


def _calendars(tx: Session, now: datetime) -> Iterator[Sign]:
    """How old the last good reading of each subscribed calendar is."""
    for tried in marks.beginning_with(tx, "rota-tried:"):
        name = tried.name.removeprefix("rota-tried:")
        good = marks.mark(tx, f"rota-good:{name}")
        if good is None:
            yield Sign(Weight.WEAKENS, f"calendar {name}: has never been read; look at rota_calendars")
            continue
        minutes = int((now - good.at).total_seconds() // 60)
        weight = Weight.WEAKENS if now - good.at > CALENDAR_OLD_AFTER else Weight.NOTE
        yield Sign(weight, f"calendar {name}: last read well {minutes} minutes ago")


def _starter(name: str) -> str:
    return "watch" if name == "auditor" else "run"


def _queues(tx: Session, now: datetime) -> Iterator[Sign]:
    stuck = now - STUCK_AFTER
    for what, where in (
        ("replies wait to be handled", (col(Inbox.state) == InboxState.NEW, col(Inbox.received_at) < stuck)),
        (
            "messages wait to be sent",
            (col(Outbox.state) == OutboxState.PENDING, col(Outbox.not_before) < stuck),
        ),
        (
            "alerts are past their next action",
            (col(Alert.state) != AlertState.RESOLVED, col(Alert.next_action_at) < stuck),
        ),
    ):
        if number := _count(tx, where):
            yield Sign(
                Weight.STOPS, f"{number} {what} for more than 10 minutes; look at the log of aftercare run"
            )
    if dead := _count(tx, (col(Inbox.state) == InboxState.DEAD,)):
        yield Sign(Weight.NOTE, f"{dead} replies were set aside because they could not be handled")


def _count(tx: Session, where: Iterable[ColumnElement[bool]]) -> int:
    return tx.scalar(select(func.count()).where(*where)) or 0


def _content(clinic: Clinic, now: datetime) -> Iterator[Sign]:
    for line in stale_numbers(clinic.content, now.date()):
        yield Sign(Weight.WEAKENS, line)
    for line in drafts(clinic.content):
        yield Sign(Weight.NOTE, f"draft: {line}")


def _chain(tx: Session) -> Iterator[Sign]:
    for problem in audit.verify(tx).problems:
        yield Sign(Weight.WEAKENS, f"audit chain: {problem}")
