"""What an alert is about, in full: shown to staff in private, never on a page."""

from __future__ import annotations

from collections.abc import Iterator

from bot.flows import staff_cards
from bot.flows.desk import Desk
from storage import alerts
from storage.tables import Alert, Message
from storage.vault import Erased, unseal


def lines(desk: Desk, alert: Alert) -> Iterator[str]:
    """Yield one entry a finding: when, which rule, what it looked at, and the words as they were written."""
    shown: set[str] = set()
    for row in alerts.findings(desk.act.tx, alert.id):
        words, facts = alerts.evidence_of(desk.act.tx, row)
        at = staff_cards.clock(row.found_at, desk.staff)
        said = [staff_cards.reason(desk.words, row.rule_id), *facts]
        message = desk.act.tx.get(Message, row.message_id) if row.message_id else None
        if message is not None and message.id not in shown:
            shown.add(message.id)
            said.append(f"“{_text(desk, message)}”")
        elif message is None:
            said.extend(f"“{each}”" for each in words)
        yield f"{at} {row.rule_id}: " + "\n".join(said)


def _text(desk: Desk, message: Message) -> str:
    try:
        return unseal(desk.act.tx, message, "text_sealed") or ""
    except Erased:
        return desk.words.say("staff.show.erased")
