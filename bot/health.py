"""/healthz, /readyz and /metrics: counts and durations only; no name, code, rating or word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlmodel import Session, col

from bot.flows import figures
from bot.logs import place_of
from bot.threads import InThread
from storage import audit, marks
from storage.database import Database
from storage.tables import Alert, AlertState, Inbox, InboxState, Mark, Outbox, OutboxState, Page

logger = logging.getLogger(__name__)

POLL_AGE = timedelta(seconds=90)
FIGURES_OF = timedelta(days=7)
TICK_AGE = timedelta(seconds=30)
ANSWER_SECONDS = 5.0
WAITING = (OutboxState.PENDING, OutboxState.SENDING)


@dataclass
class Vitals:
    """What the running process knows about itself; ages are seconds by a clock that never jumps."""

    version: str
    poll_age: Callable[[], dict[str, float]] = dict
    tick_age: Callable[[], float] = float
    storage_trouble: Callable[[], float] = float  # how long the database has been refusing; 0: it is not
    refused_webhooks: int = 0
    started: bool = False
    told: set[str] = field(default_factory=set)


class Health:
    """Answers whoever looks after the machine."""

    def __init__(
        self, db: Database, clock: Callable[[], datetime], in_thread: InThread, vitals: Vitals
    ) -> None:
        self._db = db
        self._clock = clock
        self._in_thread = in_thread
        self._vitals = vitals
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)

    async def _alive(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def _ready(self, _: web.Request) -> web.Response:
        """200 when replies come in, are kept and acted upon; 503 with what is not so."""
        wrong = list(self._wrong())
        if not await self._writable():
            wrong.append("database")
        body = {"ok": not wrong, "wrong": wrong, "content": self._vitals.version}
        return web.json_response(body, status=503 if wrong else 200)

    def _wrong(self) -> Iterator[str]:
        if not self._vitals.started:
            yield "starting"
        if any(age > POLL_AGE.total_seconds() for age in self._vitals.poll_age().values()):
            yield "poll"
        if self._vitals.tick_age() > TICK_AGE.total_seconds():
            yield "tick"
        if self._vitals.storage_trouble() > 0:
            yield "storage"

    async def _writable(self) -> bool:
        now = self._clock()

        def write() -> None:
            self._db.run(lambda tx: marks.set_mark(tx, "ready", now))

        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._in_thread(write)
        except Exception:
            return False
        return True

    async def _metrics(self, _: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                body = await self._in_thread(lambda: generate_latest(self._registry))
        except Exception as error:
            logger.error("metrics.failed", extra={"error": place_of(error)})
            return web.Response(status=503, text="the database cannot be read\n")
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the registry must not read the database when it is built."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Prometheus' own name for "the values now"."""
        now = self._clock()
        with self._db.reading() as tx:
            yield from _inbox(tx, now)
            yield from _outbox(tx, now)
            yield from _alerts(tx, now)
            yield from _figures(tx, now)
            yield from _marks(tx, now)
            number, _ = audit.head(tx)
            yield _gauge("audit_lines", "Lines in the audit chain", number)
        for bot, age in self._vitals.poll_age().items():
            yield _gauge("poll_age_seconds", "Since the last poll that was answered and kept", age, bot=bot)
        yield _gauge("tick_age_seconds", "Since the last tick was finished", self._vitals.tick_age())
        trouble = self._vitals.storage_trouble()
        yield _gauge("storage_trouble_seconds", "For how long the database has refused", trouble)
        yield _gauge("webhook_refused", "Webhook calls refused", self._vitals.refused_webhooks)


def _inbox(tx: Session, now: datetime) -> Iterator[Metric]:
    new = col(Inbox.state) == InboxState.NEW
    count, oldest = tx.execute(select(func.count(), func.min(Inbox.received_at)).where(new)).one()
    dead = tx.scalar(select(func.count()).where(col(Inbox.state) == InboxState.DEAD)) or 0
    yield _gauge("inbox_waiting", "Updates kept and not handled yet", count)
    yield _gauge("inbox_oldest_seconds", "Age of the oldest of them", _age(oldest, now))
    yield _gauge("inbox_set_aside", "Updates that could not be handled", dead)


def _outbox(tx: Session, now: datetime) -> Iterator[Metric]:
    waiting = (
        select(col(Outbox.lane), func.count(), func.min(Outbox.created_at))
        .where(col(Outbox.state).in_(WAITING))
        .group_by(col(Outbox.lane))
    )
    depth = GaugeMetricFamily("aftercare_outbox_waiting", "Messages to be sent", labels=["lane"])
    age = GaugeMetricFamily("aftercare_outbox_oldest_seconds", "Age of the oldest of them", labels=["lane"])
    found = {lane: (count, oldest) for lane, count, oldest in tx.execute(waiting)}
    for lane in ("alert", "routine"):
        count, oldest = found.get(lane, (0, None))
        depth.add_metric([lane], count)
        age.add_metric([lane], _age(oldest, now))
    yield depth
    yield age
    yield _counts("outbox_messages", "Messages by what became of them", tx, Outbox.state)


def _alerts(tx: Session, now: datetime) -> Iterator[Metric]:
    yield _counts("alerts", "Alerts", tx, Alert.level, Alert.state)
    yield _counts("pages", "Pages by what became of them", tx, Page.state)
    opened = tx.scalar(select(func.min(Alert.raised_at)).where(col(Alert.state) == AlertState.OPEN))
    yield _gauge("oldest_open_alert_seconds", "Age of the oldest alert nobody has", _age(opened, now))
    unpaged = tx.scalar(
        select(func.min(Alert.raised_at)).where(
            col(Alert.state) == AlertState.OPEN, col(Alert.paged_at).is_(None)
        )
    )
    yield _gauge("oldest_unpaged_alert_seconds", "Age of the oldest alert without a page", _age(unpaged, now))


def _figures(tx: Session, now: datetime) -> Iterator[Metric]:
    """How the alerts of the last seven days were met: medians from the reply on, and what went wrong."""
    found = figures.between(tx, None, now - FIGURES_OF, now)
    minutes = GaugeMetricFamily(
        "aftercare_alert_minutes", "Median from the reply, alerts of 7 days", labels=["level", "until"]
    )
    late = GaugeMetricFamily("aftercare_alerts_unacknowledged", "Taken late or never", labels=["level"])
    false = GaugeMetricFamily("aftercare_alerts_false", "Marked as false alarms", labels=["level"])
    for each in found:
        for until in ("page", "seen", "claim", "contact", "resolve"):
            if (median := getattr(each, f"to_{until}")) is not None:
                minutes.add_metric([each.level, until], median)
        late.add_metric([each.level], each.unacknowledged)
        false.add_metric([each.level], each.false_alarms)
    yield from (minutes, late, false)


def _marks(tx: Session, now: datetime) -> Iterator[Metric]:
    ages = GaugeMetricFamily("aftercare_mark_age_seconds", "Since something last worked", labels=["mark"])
    for row in tx.scalars(select(Mark).where(col(Mark.name).in_(("tick", "auditor")))):
        ages.add_metric([row.name], _age(row.at, now))
    yield ages


def _counts(name: str, what: str, tx: Session, *columns: Any) -> Metric:
    family = GaugeMetricFamily(f"aftercare_{name}", what, labels=[each.key for each in columns])
    for *labels, count in tx.execute(select(*columns, func.count()).group_by(*columns)):
        family.add_metric([str(each) for each in labels], count)
    return family


def _gauge(name: str, what: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(f"aftercare_{name}", what, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0
