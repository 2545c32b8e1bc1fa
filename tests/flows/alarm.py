"""What the alert tests do to a clinic: something is found, pages fail, and what stands in the tables."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from bot.care.level import Finding, Level
from bot.flows import alerts
from bot.message import Failure
from storage import outbox
from storage.tables import Alert, Audit, Lane, Outbox, OutboxKind, Page
from tests.flows.clinic_night import House, Phone

CRISIS = Finding("SUI-1", Level.EMERGENCY, words=("I loaded it",), told="M1")
IDEATION = Finding("SUI-3", Level.URGENT, words=("wish I was dead",), told="M4")
SLEEPLESS = Finding("INS-1", Level.SAME_DAY, facts=("sleep_hours 3, 2",), told="M5")
CO_USE = Finding("SUB-3", Level.SAME_DAY, facts=("since_use alcohol",), told="M5")
RESTLESS = Finding("ANX-2", Level.WATCH, facts=("anxiety 9",))
CONDUCT = Finding("BND-1", Level.URGENT, words=("he touched me",), told="M4")


def found(house: House, phone: Phone, *findings: Finding, written_ago: timedelta = timedelta()) -> Alert:
    """Let the rules find something about a patient now, and send what follows."""
    patient = house.patient(phone)

    def work(clinic: object) -> None:
        def tx_work(tx: object) -> None:
            alerts.raise_findings(
                clinic, tx, patient, findings, house.now, replied_at=house.now - written_ago
            )

        clinic.db.run(tx_work)

    house.act(work)
    house.carry()
    return only(house)


def only(house: House) -> Alert:
    """The newest alert about a patient, as it stands now."""
    return max(house.alerts(), key=lambda each: each.id)


def pages(house: House, alert: Alert) -> list[Page]:
    with house.reading() as tx:
        wanted = select(Page).where(col(Page.alert_id) == alert.id).order_by(col(Page.id))
        return list(tx.scalars(wanted))


def audited(house: House, action: str) -> list[Audit]:
    with house.reading() as tx:
        return list(tx.scalars(select(Audit).where(col(Audit.action) == action)))


def queued(house: House, kind: OutboxKind, channel: str | None = None) -> list[Outbox]:
    with house.reading() as tx:
        wanted = select(Outbox).where(col(Outbox.kind) == kind).order_by(col(Outbox.id))
        return [each for each in tx.scalars(wanted) if channel in (None, each.channel)]


def found_but_not_carried(house: House, phone: Phone, *findings: Finding) -> Alert:
    patient = house.patient(phone)
    house.act(
        lambda clinic: clinic.db.run(
            lambda tx: alerts.raise_findings(clinic, tx, patient, findings, house.now, replied_at=house.now)
        )
    )
    return only(house)


def fail_pages(house: House, failure: Failure = Failure.DEAD_ADDRESS) -> int:
    """Let every page that waits be refused for good, as delivery would; return how many."""
    with house.clinic() as clinic, clinic.db.transaction() as tx:
        rows = outbox.lease(tx, Lane.ALERT, "test", house.now, 50, timedelta(seconds=30))
        refused = [each for each in rows if each.kind == OutboxKind.PAGE]
        for row in rows:
            if row.kind != OutboxKind.PAGE:
                outbox.mark_sent(tx, row.id, "test", 1, house.now)
                continue
            gone = outbox.mark_failed(tx, row.id, "test", failure.value, house.now)
            assert gone is not None
            alerts.page_failed(clinic, tx, gone, failure, house.now)
    return len(refused)
