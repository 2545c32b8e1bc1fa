"""What goes on behind the phones, read from the bot's own database: for the page's panels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from bot.care.alert import Do, next_step
from bot.care.policy import Policy
from bot.flows import pages, roster
from bot.flows.clinic import Clinic
from bot.flows.staff_cards import reason
from bot.sandbox.plain_words import audit_words
from storage import alerts
from storage.tables import (
    Alert,
    AlertState,
    Audit,
    CheckIn,
    CheckInStatus,
    Page,
    PageState,
    Patient,
    Response,
    Staff,
)

ALERTS_SHOWN = 4
AUDIT_LINES_SHOWN = 14
LEVELS = {"emergency": "Emergency", "urgent": "Urgent", "same_day": "Same day", "watch": "Watch"}
TIERS = {1: "on call", 2: "backup", 3: "lead"}
Line = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """One look at the database at one moment."""

    clinic: Clinic
    tx: Session
    now: datetime

    def staff_name(self, staff_id: str | None) -> str:
        staff = self.tx.get(Staff, staff_id) if staff_id else None
        return staff.name if staff else "Somebody"

    def code(self, patient_id: str | None) -> str:
        patient = self.tx.get(Patient, patient_id) if patient_id else None
        return patient.code if patient else "The system itself"

    def alerts(self) -> list[Line]:
        """Return the newest alerts, those still open first."""
        newest = self.tx.scalars(select(Alert).order_by(col(Alert.raised_at).desc()).limit(20))
        return [self._alert(each) for each in sorted(newest, key=_resolved)[:ALERTS_SHOWN]]

    def _alert(self, alert: Alert) -> Line:
        words = self.clinic.content.wording("en")
        return {
            "id": alert.id,
            "level": alert.level,
            "level_words": LEVELS[alert.level],
            "code": self.code(alert.patient_id),
            "reason": reason(words, alert.rule_id),
            "state": alert.state,
            "steps": list(self._steps(alert)),
            **self._next(alert),
        }

    def _steps(self, alert: Alert) -> Iterable[Line]:
        yield {"words": "Raised", "at": alert.raised_at.isoformat()}
        yield from self._pages(alert)
        if alert.claimed_at is None:
            yield {"words": "Somebody has it", "at": None}
        else:
            yield {
                "words": f"{self.staff_name(alert.claimed_by)} has it",
                "at": alert.claimed_at.isoformat(),
            }
        if alert.contacted_at is not None:
            yield {
                "words": f"Contact: {alert.contact.replace('_', ' ')}",
                "at": alert.contacted_at.isoformat(),
            }
        yield {"words": "Resolved", "at": alert.resolved_at.isoformat() if alert.resolved_at else None}

    def _pages(self, alert: Alert) -> Iterable[Line]:
        """Return one line for each person paged, with how often."""
        by_person: dict[tuple[int, str | None], list[Page]] = {}
        for page in alerts.pages(self.tx, alert.id):
            by_person.setdefault((page.tier, page.staff_id), []).append(page)
        for (tier, staff_id), sent in by_person.items():
            arrived = [each for each in sent if each.state in (PageState.SENT, PageState.SEEN)]
            who = f"{self.staff_name(staff_id)} ({TIERS.get(tier, 'everyone')})"
            if not arrived:
                failed = any(each.state == PageState.FAILED for each in sent)
                words = f"{who} cannot be reached" if failed else f"Paging {who}"
                yield {"words": words, "at": sent[0].created_at.isoformat()}
                continue
            often = f", {len(arrived)} times" if len(arrived) > 1 else ""
            first = min(each.sent_at or each.created_at for each in arrived)
            yield {"words": f"{who} paged{often}", "at": first.isoformat()}

    def _next(self, alert: Alert) -> Line:
        if alert.state == AlertState.RESOLVED or alert.next_action_at is None:
            return {"next_at": None, "next_words": ""}
        policy = Policy.thawed(alert.policy)
        step = next_step(pages.standing(alert), policy, alert.next_action_at)
        words = {
            Do.TAKE_BACK: "without contact it is open and paged again",
            Do.REMIND: "the claimer is reminded",
            Do.REVIEW: "on the review list",
            Do.RISE: "treated as the level above",
        }.get(step.do) or self._who_is_paged(alert, policy, step.tier)
        return {"next_at": alert.next_action_at.isoformat(), "next_words": words}

    def _who_is_paged(self, alert: Alert, policy: Policy, tier: int) -> str:
        paged = roster.persons(self.tx, alert.site_id, policy.tier(tier).who, policy, self.now)
        again = " again" if tier == alert.tier else ""
        who = paged[0].name if len(paged) == 1 else "everyone"
        return f"{who} is paged{again}"

    def audit(self) -> list[Line]:
        newest = select(Audit).order_by(col(Audit.number).desc()).limit(AUDIT_LINES_SHOWN)
        return [
            {"number": each.number, "at": each.at.isoformat(), "words": audit_words(self.tx, each)}
            for each in self.tx.scalars(newest)
        ]

    def next_check_in(self) -> Line | None:
        due = self.next_check_in_at()
        return None if due is None else {"at": due.isoformat(), "words": "The next check-in is sent then"}

    def next_check_in_at(self) -> datetime | None:
        wanted = select(col(CheckIn.due_at)).where(
            col(CheckIn.status) == CheckInStatus.PLANNED, col(CheckIn.due_at) > self.now
        )
        found: datetime | None = self.tx.scalars(wanted.order_by(col(CheckIn.due_at)).limit(1)).first()
        return found

    def first_code(self) -> str:
        """Return the code of the first patient, "" before there is one."""
        found: Patient | None = self.tx.scalars(select(Patient).order_by(col(Patient.created_at))).first()
        return found.code if found else ""

    def answers(self) -> int:
        return len(self.tx.scalars(select(col(Response.id)).limit(2)).all())


def _resolved(alert: Alert) -> bool:
    return alert.state == AlertState.RESOLVED
