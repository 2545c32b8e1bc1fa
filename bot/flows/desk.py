"""One thing a member of staff did, and how they are answered: in their language, in their own chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.content import Wording
from bot.flows import pages
from bot.flows.act import Act
from bot.flows.look import Look
from bot.flows.staff_cards import Buttons
from bot.flows.talk import answer_tap, channel_of
from bot.message import Outgoing, OutgoingKind, Reply
from storage import outbox, patients
from storage.tables import Alert, Lane, OutboxKind, Patient, Staff

LONGEST = 4000  # of Telegram's 4,096 characters, leaving room for a repeat's mark


@dataclass(frozen=True)
class Desk:
    """The member of staff, what they did, and the transaction it is answered in.

    `look` is what took long of their command, done before this transaction began.
    """

    act: Act
    staff: Staff
    reply: Reply
    look: Look | None = None

    @property
    def words(self) -> Wording:
        return self.act.words(self.staff)

    @property
    def actor(self) -> str:
        return f"staff:{self.staff.id}"

    def record(self, action: str, subject: str, **details: Any) -> None:
        self.act.record(self.actor, action, subject, **details)

    def tell(self, key: str, *, buttons: Buttons = (), **values: object) -> None:
        """Answer with a sentence of `staff.toml`, where they wrote."""
        self.say(self.words.say(key, **values), buttons=buttons)

    def say(self, text: str, *, buttons: Buttons = (), protect: bool = False) -> None:
        chat = self.reply.chat_id if self.reply.private else self.reply.sender_id
        outgoing = Outgoing(OutgoingKind.MESSAGE, chat, cut(text), buttons, protect=protect)
        self._put(outgoing, OutboxKind.NOTICE)

    def tell_privately(self, key: str) -> None:
        pages.tell_staff(self.act, self.staff, self.words.say(key))

    def show_sealed(self, text: str, patient: Patient, alert: Alert | None = None) -> None:
        """Show a patient's words: protected from forwarding, sealed under the patient's key on the way."""
        outgoing = Outgoing(OutgoingKind.MESSAGE, self.reply.chat_id, cut(text), protect=True)
        outbox.put(
            self.act.tx, outgoing, kind=OutboxKind.RELAY, now=self.act.now, lane=Lane.ALERT,
            channel=channel_of(self.reply), patient_id=patient.id, staff_id=self.staff.id,
            alert_id=alert.id if alert else None,
        )  # fmt: skip

    def set_menu(self, commands: tuple[tuple[str, str], ...]) -> None:
        outgoing = Outgoing(OutgoingKind.COMMANDS, self.reply.chat_id, commands=commands)
        outbox.put(
            self.act.tx, outgoing, kind=OutboxKind.MENU, now=self.act.now, channel=channel_of(self.reply),
            staff_id=self.staff.id,
        )  # fmt: skip

    def delete_written(self) -> None:
        """Take what was just written out of the chat: it holds a secret."""
        if self.reply.message_id is not None:
            gone = Outgoing(OutgoingKind.DELETE, self.reply.chat_id, message_id=self.reply.message_id)
            self._put(gone, OutboxKind.NOTICE)

    def answer(self, text: str = "", *, alert: bool = False) -> None:
        answer_tap(self.act.tx, self.reply, self.act.now, text, alert=alert)

    def refuse(self, key: str = "staff.refused", **values: object) -> None:
        """Say no to a press, and leave a line: a button carries no authority."""
        self.answer(self.words.say(key, **values), alert=True)
        self.record("tap.refused", f"staff:{self.staff.id}", why=key)

    def set_step(self, step: str) -> None:
        self.staff.step = step
        self.act.tx.add(self.staff)
        self.act.tx.flush()

    def patient(self, code: str) -> Patient | None:
        """Return a patient of the member's own site; unknown, erased and elsewhere are told the same."""
        patient = patients.by_code(self.act.tx, code) if code else None
        return patient if patient is not None and patient.site_id == self.staff.site_id else None

    def _put(self, outgoing: Outgoing, kind: OutboxKind) -> None:
        outbox.put(
            self.act.tx, outgoing, kind=kind, now=self.act.now, lane=Lane.ALERT,
            channel=channel_of(self.reply), staff_id=self.staff.id,
        )  # fmt: skip


def cut(text: str) -> str:
    """Return the text as long as a message may be; what is left out is marked."""
    return text if len(text) <= LONGEST else text[: LONGEST - 2].rstrip() + " …"
