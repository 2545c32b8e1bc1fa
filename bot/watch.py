"""The auditor: a process of its own that asks every minute whether the promises hold.

It mends what it can, tells people by channels that need neither the database nor the bot, and pings
an outside dead-man address only while all is well: when that falls silent, somebody outside asks why.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.content import Content, load_content
from bot.flows import pages, promises, roster
from bot.flows.act import Act
from bot.flows.clinic import Clinic
from bot.flows.promises import Breach
from bot.logs import set_up_logging
from bot.message import Outgoing, OutgoingKind, SendError
from bot.paging.outside import PagingSender
from bot.settings import Settings
from storage import audit, marks
from storage import staff as people
from storage.database import Database, StorageError
from storage.tables import Role
from storage.vault import Vault

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
PING_SECONDS = 10.0
AGAIN_AFTER = timedelta(minutes=5)
DEAD_MAN_SILENT = 3
"""So many pings in a row may fail before staff are told that nobody watches from outside."""

MARK = "auditor"
Tell = Callable[[Sequence[str], str], int]
Ping = Callable[[], bool]


def run(settings: Settings, *, once: bool = False) -> int:
    """Watch until told to stop; with `once`, one round, and 1 when something does not hold.

    Raises:
        ContentError: there are no words to speak in.
    """
    set_up_logging(settings.log_level, as_json=settings.log_format == "json", secrets=settings.secrets)
    content = load_content(settings.prompts_dir)
    addresses = [each.get_secret_value() for each in settings.outside_recipients]
    url = settings.dead_man_url.get_secret_value() if settings.dead_man_url else ""
    watcher = Watcher(content, addresses, lambda: _open(settings), ping=lambda: ping(url) if url else True)
    clock = Clock(settings.clock_file)
    stop = threading.Event()
    while True:
        well = watcher.look(clock())
        if once:
            return 0 if well else 1
        stop.wait(EVERY_SECONDS)


def _open(settings: Settings) -> Database:
    return Database.open(settings.database_url, Vault(settings.keys))


@dataclass
class Watcher:
    """What the auditor remembers between two looks: only whom it told, and when."""

    content: Content
    addresses: Sequence[str]
    open_database: Callable[[], Database]
    ping: Ping
    tell: Tell = field(default_factory=lambda: tell_outside)
    told_at: datetime | None = None
    failed_pings: int = 0

    def look(self, now: datetime) -> bool:
        """Look once at everything; True when all holds and the outside was told so."""
        try:
            db = self.open_database()
        except StorageError as error:
            logger.error("watch.no_database", extra={"error": type(error).__name__})
            self._say(now, self._sentences("delivery.database_down"), self.addresses)
            return False
        try:
            return self._look_at(db, now)
        except Exception as error:  # whatever it is, nobody may take silence for all being well
            logger.error("watch.failed", extra={"error": type(error).__name__})
            self._say(now, self._sentences("delivery.database_down"), self.addresses)
            return False
        finally:
            db.close()

    def _look_at(self, db: Database, now: datetime) -> bool:
        clinic = Clinic(db, self.content)
        breaches = db.run(lambda tx: self._examine(Act(clinic, tx, now)))
        broken = [each for each in breaches if not each.mended]
        for each in breaches:
            logger.warning(
                "watch.breach", extra={"check": each.check, "count": each.count, "mended": each.mended}
            )
        if broken:
            addresses = [*self.addresses, *db.run(lambda tx: tuple(_on_call_addresses(Act(clinic, tx, now))))]
            self._say(now, self._broken(broken), list(dict.fromkeys(addresses)))
            return False
        self._well_again(now)
        self._ping(clinic, now)
        return True

    @staticmethod
    def _examine(act: Act) -> tuple[Breach, ...]:
        found = promises.examine(act)
        marks.set_mark(act.tx, MARK, act.now)
        number, head = audit.head(act.tx)
        logger.info("audit.head", extra={"number": number, "head": head})
        return found

    def _broken(self, broken: Sequence[Breach]) -> str:
        lines = []
        for words in self.content.languages.values():
            what = ", ".join(words.say(f"staff.watch.{each.check}", count=each.count) for each in broken)
            lines.append(words.say("staff.watch.broken", what=what))
        return "\n".join(lines)

    def _sentences(self, key: str) -> str:
        return "\n".join(words.say(key) for words in self.content.languages.values())

    def _say(self, now: datetime, text: str, addresses: Sequence[str]) -> None:
        """Tell everybody outside, and again every five minutes while it lasts."""
        if self.told_at is not None and timedelta() <= now - self.told_at < AGAIN_AFTER:
            return
        self.told_at = now
        taken = self.tell(addresses, text)
        logger.error("watch.told", extra={"taken": taken, "of": len(addresses)})

    def _well_again(self, now: datetime) -> None:
        if self.told_at is not None:
            self.told_at = None
            self.tell(self.addresses, self._sentences("staff.watch.well"))

    def _ping(self, clinic: Clinic, now: datetime) -> None:
        """Tell the dead-man address that all is well; when it cannot be reached, staff hear of it once."""
        if self.ping():
            self.failed_pings = 0
            return
        self.failed_pings += 1
        logger.warning("watch.not_pinged", extra={"times": self.failed_pings})
        if self.failed_pings == DEAD_MAN_SILENT:
            clinic.db.run(lambda tx: _tell_admins(Act(clinic, tx, now), self.failed_pings))


def _on_call_addresses(act: Act) -> Iterator[str]:
    """Yield the outside addresses of whoever is on call: the chat may be what is broken."""
    for site_id in act.clinic.content.sites:
        for tier in (1, 2, 3):
            staff = roster.on_call_now(act.tx, site_id, tier, act.now)
            for contact in people.usable_contacts(act.tx, staff) if staff else ():
                if contact.channel != people.TELEGRAM:
                    yield people.address_of(act.tx, contact)


def _tell_admins(act: Act, times: int) -> None:
    for site_id in act.clinic.content.sites:
        for staff in people.at_site(act.tx, site_id, (Role.ADMIN, Role.COORDINATOR)):
            pages.tell_staff(act, staff, act.words(staff).say("staff.watch.dead_man", count=times))


def tell_outside(addresses: Sequence[str], text: str) -> int:
    """Send a text to every address at once, each in its own time; return how many took it."""

    async def everybody() -> int:
        sender = PagingSender()
        sent = await asyncio.gather(*(_took(sender, each, text) for each in addresses))
        return sum(sent)

    return asyncio.run(everybody())


async def _took(sender: PagingSender, address: str, text: str) -> bool:
    try:
        await sender.send(Outgoing(OutgoingKind.MESSAGE, 0, text, address=address))
    except SendError as refused:
        logger.error("watch.not_told", extra={"failure": refused.failure.value})
        return False
    return True


def ping(url: str) -> bool:
    """Return whether the dead-man address took our sign of life."""
    try:
        with urllib.request.urlopen(url, timeout=PING_SECONDS) as answer:
            return bool(answer.status < 400)
    except (OSError, ValueError, http.client.HTTPException, urllib.error.URLError):
        return False
