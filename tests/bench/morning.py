"""A morning in a large clinic: ten thousand check-ins due at the same minute, or their cards queued as well.

Made once and copied for every run, so that an idle run and a loaded one differ in nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url, select, text, update
from sqlmodel import Session, col

from bot.content import load_content
from bot.flows.silence import DONE, MARK
from bot.message import Outgoing, OutgoingKind
from storage import marks, outbox
from storage.database import Database
from storage.ids import new_id
from storage.tables import CheckIn, OutboxKind, Patient, Treatment
from storage.vault import Vault
from tests.databases import MASTER_KEY, PostgresServer, new_sqlite, server_folder
from tests.rim.running import add_patient, seed

CHECK_INS = 10_000
CARD_CHATS = range(100_000, 100_000 + CHECK_INS)
ENGINES = ("sqlite", "postgresql")
AT_A_TIME = 500
DURABLE = ("fsync = on", "synchronous_commit = on", "full_page_writes = on")
"""A figure for pages counts only when what was committed would outlive the machine."""


class Mornings:
    """Fresh databases on one engine: "idle", all check-ins "due", and a card for each "queued" as well."""

    def __init__(self, folder: Path, server: PostgresServer | None, writers: range) -> None:
        self._folder = folder
        self._server = server
        self._made = 0
        self._urls = {"idle": self._new("idle")}
        self._change("idle", lambda db: _people(db, writers))
        self._urls["due"] = self._copy(self._urls["idle"])
        self._change("due", _let_all_be_due)
        self._urls["queued"] = self._copy(self._urls["due"])
        self._change("queued", _queue_cards)

    def _change(self, morning: str, change: Callable[[Database], None]) -> None:
        db = Database.open(self._urls[morning], Vault([MASTER_KEY]))
        change(db)
        if db.dialect == "postgresql":  # as it does by itself a minute after so many rows came
            db.run(lambda tx: tx.execute(text("ANALYZE")))
        db.checkpoint()
        db.close()

    @contextmanager
    def fresh(self, morning: str) -> Iterator[Database]:
        url = self._copy(self._urls[morning])
        db = Database.open(url, Vault([MASTER_KEY]))
        try:
            yield db
        finally:
            db.close()
            self._drop(url)

    def _new(self, name: str) -> str:
        if self._server is not None:
            return self._server.new_database()
        url = f"sqlite:///{self._folder / name}.db"
        new_sqlite(url, Vault([MASTER_KEY])).close()
        return url

    def _copy(self, url: str) -> str:
        if self._server is not None:
            return self._server.copy(url)
        self._made += 1
        copy = self._folder / f"copy-{self._made}.db"
        shutil.copy(make_url(url).database or "", copy)
        return f"sqlite:///{copy}"

    def _drop(self, url: str) -> None:
        if self._server is not None:
            self._server.drop(url)
            return
        for each in self._folder.glob(f"{Path(make_url(url).database or '').name}*"):
            each.unlink()


@contextmanager
def mornings(engine: str, folder: Path, writers: range) -> Iterator[Mornings]:
    """Everything prepared on an engine; `writers` are the chats of the patients who will write."""
    if engine == "sqlite":
        yield Mornings(folder, None, writers)
        return
    server = PostgresServer(server_folder(f"bench-{folder.name}"))
    try:
        server.set(*DURABLE)
        yield Mornings(folder, server, writers)
    finally:
        server.stop()


def _people(db: Database, writers: range) -> None:
    """Those who will write, and ten thousand with a check-in each, not due for days."""
    now = datetime.now(UTC)
    consent = load_content().wording("en").say("patient.consent.version")
    seed(db)
    with db.transaction() as tx:
        for chat in writers:
            add_patient(tx, chat, now)
        marks.set_mark(tx, MARK, now, DONE)  # the day's round through the silent is over
    for first in range(0, CHECK_INS, AT_A_TIME):
        with db.transaction() as tx:
            for chat in CARD_CHATS[first : first + AT_A_TIME]:
                _plan(tx, add_patient(tx, chat, now), now)
            tx.execute(update(Patient).values(consent_version=f"{consent} en"))


def _plan(tx: Session, patient_id: str, now: datetime) -> None:
    treatment_id = tx.scalars(select(col(Treatment.id)).where(col(Treatment.patient_id) == patient_id)).one()
    planned = CheckIn(
        id=new_id(now), patient_id=patient_id, treatment_id=treatment_id, key="d1-morning", kind="AM",
        due_at=now + timedelta(days=5), closes_at=now + timedelta(days=6), zone="America/Chicago",
        night_on=now.date(), items=["nightmare_count", "nightmare_distress", "sleep_hours", "anxiety"],
    )  # fmt: skip
    tx.add(planned)


def _let_all_be_due(db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(update(CheckIn).values(due_at=datetime.now(UTC)))


def _queue_cards(db: Database) -> None:
    """A card for each chat already waits to be sent."""
    now = datetime.now(UTC)
    for first in range(0, CHECK_INS, AT_A_TIME):
        with db.transaction() as tx:
            for chat in CARD_CHATS[first : first + AT_A_TIME]:
                card = Outgoing(OutgoingKind.MESSAGE, chat, text="How was your night?")
                outbox.put(tx, card, kind=OutboxKind.CARD, now=now)
