"""The invented people of the demonstration, and how they come into the clinic: by the real doors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from bot.flows import cards, invites, treatments
from bot.flows.clinic import Clinic
from bot.sandbox.client import Sandbox, SandboxError, Seen
from storage import staff
from storage.tables import Outbox, OutboxState, Patient, Staff

SITE = "demo"
STEP_WITHIN_S = 40.0
POLL_S = 0.1
ENROLMENT_STEPS = 14
TREATED_AGO = timedelta(hours=2, minutes=2)
SHIFT_BEFORE, SHIFT_AFTER = timedelta(hours=1), timedelta(days=40)
PREFERRED = ("e:lang:en", "e:agree", "e:teach:no", "e:page:", "e:zone:", "e:quiet:")
"""Button data a person enrolling presses, the first that is on the message."""


@dataclass(frozen=True)
class Actor:
    """One person with a phone. `tier` is the shift they work, 0 for a patient."""

    person: int
    title: str
    name: str
    role: str = ""
    tier: int = 0


PATIENT = Actor(501, "Patient", "Maya")
STAFF = (
    Actor(601, "On call", "Dr Amara Osei", "clinician", 1),
    Actor(602, "Backup", "Jonas Lind", "clinician", 2),
    Actor(603, "Lead", "Dr Ines Prado", "lead", 3),
)
FRIGHTENING = "I am going to end it tonight"


async def enter(clinic: Clinic, sandbox: Sandbox, now: Callable[[], datetime]) -> str:
    """Bring everybody in: staff join, shifts begin, the patient consents and is treated; return their code.

    Raises:
        SandboxError: the bot did not answer in time.
    """
    for actor in STAFF:
        await _join(clinic, sandbox, actor, now)
    code = await _enrol(clinic, sandbox, now)
    await until(lambda: _all_told(clinic), "the bot does not finish what it has to say")
    treatments.record_treatment(clinic, code, now() - TREATED_AGO, "cli", now(), protocol="single_infusion")
    await sandbox.wait_for(PATIENT.person, _is_check_in, within=STEP_WITHIN_S)
    return code


async def _join(clinic: Clinic, sandbox: Sandbox, actor: Actor, now: Callable[[], datetime]) -> None:
    with clinic.db.transaction() as tx:
        made = invites.invite_staff(clinic, tx, SITE, "cli", now(), role=actor.role, name=actor.name)
    await sandbox.person(actor.person, actor.name.split()[-2] if " " in actor.name else actor.name)
    await sandbox.start(actor.person, made.code)

    def joined() -> bool:
        return _staff_id(clinic, actor) is not None

    await until(joined, f"{actor.name} could not join")
    with clinic.db.transaction() as tx:
        staff.add_shift(
            tx, SITE, tier=actor.tier, staff_id=_staff_id(clinic, actor) or "", now=now(), source="demo",
            starts_at=now() - SHIFT_BEFORE, ends_at=now() + SHIFT_AFTER,
        )  # fmt: skip


def _staff_id(clinic: Clinic, actor: Actor) -> str | None:
    with clinic.db.reading() as tx:
        found = tx.scalars(
            select(Staff).where(col(Staff.name) == actor.name, col(Staff.chat_hash).is_not(None))
        ).first()
        return found.id if found else None


def _all_told(clinic: Clinic) -> bool:
    """Return whether nothing waits to be sent, so that the check-in's card comes last."""
    with clinic.db.reading() as tx:
        waiting = (OutboxState.PENDING, OutboxState.SENDING)
        return tx.scalars(select(Outbox).where(col(Outbox.state).in_(waiting))).first() is None


def _is_check_in(seen: Seen) -> bool:
    return any(cards.read_tap(each) is not None for each in seen.data)


def _enrolling(seen: Seen) -> bool:
    return any(each.startswith("e:") for each in seen.data)


async def _enrol(clinic: Clinic, sandbox: Sandbox, now: Callable[[], datetime]) -> str:
    """Let the patient open the invite and press through consent, as anybody would."""
    with clinic.db.transaction() as tx:
        made = invites.invite_patient(clinic, tx, SITE, "cli", now(), protocol="single_infusion")
    await sandbox.person(PATIENT.person, PATIENT.name)
    change = await sandbox.change()
    await sandbox.start(PATIENT.person, made.code)
    for _ in range(ENROLMENT_STEPS):
        card = await _next_card(clinic, sandbox, made.patient_code, change)
        if card is None:
            return made.patient_code
        change = card.change
        await sandbox.tap(PATIENT.person, data=_choice(card), message_id=card.message_id)
    raise SandboxError("the patient's enrolment did not come to its end")


async def _next_card(clinic: Clinic, sandbox: Sandbox, code: str, after: int) -> Seen | None:
    """Return the next thing enrolment asks, None when it is complete."""
    found: list[Seen] = []

    async def look() -> bool:
        found[:] = [
            each for each in await sandbox.transcript(PATIENT.person, after=after) if _enrolling(each)
        ]
        return bool(found) or _settled(clinic, code)

    end = asyncio.get_running_loop().time() + STEP_WITHIN_S
    while not await look():
        if asyncio.get_running_loop().time() > end:
            raise SandboxError("the bot does not go on with the enrolment")
        await asyncio.sleep(POLL_S)
    return found[-1] if found else None


def _choice(card: Seen) -> str:
    onward = [each for each in card.data if each.startswith("e:")]
    for wanted in PREFERRED:
        fitting = [each for each in onward if each.startswith(wanted)]
        if fitting:
            return fitting[-1] if wanted == "e:page:" else fitting[0]
    return onward[0]


def _settled(clinic: Clinic, code: str) -> bool:
    with clinic.db.reading() as tx:
        patient: Any = tx.scalars(select(Patient).where(col(Patient.code) == code)).first()
        return patient is not None and patient.status == "active" and patient.step == ""


async def until(done: Callable[[], bool], problem: str, within: float = STEP_WITHIN_S) -> None:
    """Wait until `done`.

    Raises:
        SandboxError: with `problem`, when it takes too long.
    """
    end = asyncio.get_running_loop().time() + within
    while not done():
        if asyncio.get_running_loop().time() > end:
            raise SandboxError(problem)
        await asyncio.sleep(POLL_S)
