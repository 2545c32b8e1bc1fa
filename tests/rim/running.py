"""The real program as a process of its own: started, killed at a named place, started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlmodel import Session, col, func, select

from bot.sandbox.running import RunningSandbox
from storage import marks, patients, staff
from storage.database import Database
from storage.ids import new_id
from storage.tables import (
    Alert,
    ContactState,
    FindingRow,
    Inbox,
    InboxState,
    Message,
    Outbox,
    OutboxKind,
    OutboxState,
    Page,
    PatientStatus,
    Role,
    Treatment,
)
from tests.databases import MASTER_KEY
from tests.rim.parts import until

ROOT = Path(__file__).parents[2]
SITE = "demo"
MAYA, KIT = 5_010_417_733, 5_020_417_733
FIRST, BACKUP, LEAD, COORDINATOR = 901, 902, 903, 904
FRIGHTENING = "I am going to kill myself tonight. I have the pills in my hand."
CALM = "Slept well, went for a walk."
OUTSIDE_ADDRESS = "json://127.0.0.1:9/phone"


@dataclass
class Program:
    """`aftercare run` on one database and one sandbox."""

    sandbox: RunningSandbox
    database_url: str
    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    starts: int = 0

    def start(self, crash_at: str = "", **more: str) -> None:
        """Start it, to be killed when it comes to `crash_at`."""
        self.port = free_port()
        self.starts += 1
        environment = os.environ | {
            "AFTERCARE_TOKEN": self.sandbox.care_token,
            "AFTERCARE_API_URL": self.sandbox.api_url,
            "AFTERCARE_DATABASE_URL": self.database_url,
            "AFTERCARE_MASTER_KEYS": MASTER_KEY.hex(),
            "AFTERCARE_HTTP_PORT": str(self.port),
            "AFTERCARE_CLOCK_FILE": str(self.sandbox.clock_file),
            "AFTERCARE_POLL_SECONDS": "2",
            "AFTERCARE_READ_SECONDS": "2",
        }
        environment |= self.more | more
        if crash_at:
            environment["AFTERCARE_CRASH_AT"] = crash_at
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"log-{self.starts}").open("wb"),
        )

    @property
    def log(self) -> str:
        """Everything it has logged, over all its lives."""
        return "\n".join((self.folder / f"log-{number}").read_text() for number in range(1, self.starts + 1))

    async def started(self) -> None:
        """Wait until it is ready to hear and to send."""

        async def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"the program ended by itself:\n{self.log}"
            try:
                async with httpx.AsyncClient() as http:
                    answer = await http.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5)
                    return answer.status_code == 200
            except httpx.HTTPError:
                return False

        await until(ready, within=40)

    async def died(self) -> None:
        """Wait until it was killed at its crash point."""
        process = self.process
        assert process is not None
        await until(lambda: process.poll() is not None, within=40)
        assert process.returncode == -signal.SIGKILL, f"ended with {process.returncode}:\n{self.log}"

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)

    def stop(self) -> int:
        """As a deploy would; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(40)


@contextmanager
def program(sandbox: RunningSandbox, database_url: str, folder: Path, **more: str) -> Iterator[Program]:
    running = Program(sandbox, database_url, folder, more)
    try:
        yield running
    finally:
        running.kill()


def seed(db: Database, now: datetime | None = None, *, outside: bool = False) -> None:
    """Two treated patients who have agreed, and the demo clinic's staff on call around the clock.

    With `outside`, the first on call can be reached by a second channel too.
    """
    now = now or datetime.now(UTC)
    with db.transaction() as tx:
        add_patient(tx, MAYA, now)
        add_patient(tx, KIT, now)
        for tier, (chat, role) in enumerate(
            ((FIRST, Role.CLINICIAN), (BACKUP, Role.CLINICIAN), (LEAD, Role.LEAD)), start=1
        ):
            member_id = add_staff(tx, chat, role, now, tier=tier)
            if outside and chat == FIRST:
                second = staff.add_contact(tx, member_id, "sms", OUTSIDE_ADDRESS, now)
                second.state = ContactState.VERIFIED
        add_staff(tx, COORDINATOR, Role.COORDINATOR, now)


def add_patient(tx: Session, chat_id: int, now: datetime) -> str:
    patient = patients.enrol(tx, SITE, now, language="en", zone="America/Chicago")
    patients.link_chat(tx, patient, chat_id)
    patient.status, patient.consent_version, patient.consent_at = PatientStatus.ACTIVE, "1", now
    tx.add(patient)
    tx.add(
        Treatment(
            id=new_id(now),
            patient_id=patient.id,
            protocol=patient.protocol,
            ended_at=now - timedelta(hours=5),
            zone=patient.zone,
            created_at=now,
        )
    )
    tx.flush()
    return patient.id


def add_staff(tx: Session, chat_id: int, role: Role, now: datetime, *, tier: int = 0) -> str:
    member = staff.add(tx, SITE, f"Person {chat_id}", role, now)
    staff.link_chat(tx, member, chat_id, now)
    for contact in staff.contacts(tx, member.id):
        contact.state = ContactState.VERIFIED
        tx.add(contact)
    if tier:
        a_year = timedelta(days=365)
        staff.add_shift(
            tx, SITE, tier=tier, staff_id=member.id, starts_at=now - a_year, ends_at=now + a_year, now=now
        )
    return member.id


async def open_phones(sandbox: RunningSandbox) -> None:
    """Everybody has opened the bot before, and what that brought is long confirmed and forgotten."""
    async with sandbox.client() as people:
        for person in (MAYA, KIT, FIRST, BACKUP, LEAD, COORDINATOR):
            await people.start(person)
    for bot in sandbox.board.world.bots.values():
        bot.waiting.clear()


@dataclass
class Record:
    """What the database holds, for assertions."""

    db: Database

    def count(self, what: type, *where: object) -> int:
        with self.db.reading() as tx:
            return tx.exec(select(func.count()).select_from(what).where(*where)).one()

    @property
    def alerts(self) -> int:
        return self.count(Alert, col(Alert.patient_id).is_not(None))

    @property
    def own_troubles(self) -> int:
        return self.count(Alert, col(Alert.patient_id).is_(None))

    @property
    def pages_sent(self) -> int:
        return self.count(Outbox, Outbox.kind == OutboxKind.PAGE, Outbox.state == OutboxState.SENT)

    @property
    def on_the_way(self) -> int:
        return self.count(Outbox, col(Outbox.state).in_((OutboxState.PENDING, OutboxState.SENDING)))

    @property
    def pages(self) -> int:
        return self.count(Page)

    @property
    def messages(self) -> int:
        return self.count(Message, col(Message.incoming))

    @property
    def findings(self) -> int:
        return self.count(FindingRow)

    @property
    def aside(self) -> int:
        return self.count(Inbox, Inbox.state == InboxState.DEAD)

    @property
    def unhandled(self) -> int:
        return self.count(Inbox, Inbox.state == InboxState.NEW)

    @property
    def ticked_at(self) -> datetime:
        """When all that was due was last done."""
        with self.db.reading() as tx:
            last = marks.mark(tx, "tick")
        return last.at if last else datetime.min.replace(tzinfo=UTC)

    def without_audit(self) -> int:
        """How many alerts have no audit line of their raising."""
        with self.db.reading() as tx:
            missing = text(
                "SELECT count(*) FROM alert WHERE 'alert:' || id NOT IN (SELECT subject FROM audit)"
            )
            return int(tx.execute(missing).scalar_one())


def free_port() -> int:
    """Return a port nobody listens on at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
