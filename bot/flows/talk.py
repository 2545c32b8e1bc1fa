"""Talking with one patient within one transaction: in their language, to their own chat only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.content import Wording
from bot.flows.clinic import Clinic
from bot.flows.look import Look
from bot.message import Button, Outgoing, OutgoingKind, Reply
from storage import checkins, outbox, patients
from storage.tables import Outbox, OutboxKind, OutboxState, Patient

Buttons = tuple[tuple[Button, ...], ...]
CHANNELS = {"care": "telegram", "alert": "telegram-alert"}
SPOKEN = (OutboxKind.NOTICE, OutboxKind.SAFETY, OutboxKind.CARD, OutboxKind.REMINDER, OutboxKind.RELAY)
LONGEST_TAP_ANSWER = 200
LONGEST_CAPTION = 1_000  # of Telegram's 1,024 characters
PICTURE = "history.png"
WRITTEN_DOWN = "✍"


def channel_of(reply: Reply) -> str:
    """Return the channel to answer on: the bot that was written to."""
    return CHANNELS.get(reply.bot, "telegram")


@dataclass(frozen=True)
class Talk:
    """The patient, the moment, and everything said to them goes through the outbox of one transaction."""

    clinic: Clinic
    tx: Session
    patient: Patient
    now: datetime
    look: Look | None = None  # what took long of their command, done before this transaction began

    @property
    def words(self) -> Wording:
        return self.clinic.content.wording(self.patient.language)

    def say(self, key: str, **more: Any) -> str:
        """Return a sentence of `patient.toml` or `messages.toml` in the patient's language.

        Every sentence may name the clinic, its numbers and hours, and the patient's own settings.
        """
        sentence = self.words.sentences[key]
        if "{" not in sentence:
            return sentence
        patient = self.patient
        site = self.clinic.content.fill(patient.site_id, patient.language, self.now)
        own = {"code": patient.code, "zone": patient.zone}
        quiet = {"quiet_from": patient.quiet_from, "quiet_to": patient.quiet_to}
        known = {**site, **own, **quiet, **more}
        return self.words.say(
            key, **{name: value for name, value in known.items() if f"{{{name}" in sentence}
        )

    def button(self, key: str, data: str, **more: Any) -> Button:
        return Button(self.say(key, **more), data)

    def tell(
        self,
        text: str,
        *,
        buttons: Buttons = (),
        kind: OutboxKind = OutboxKind.NOTICE,
        silent: bool = False,
        check_in_id: str | None = None,
    ) -> Outbox | None:
        """Queue a message to the patient; None when there is no chat to send it to."""
        outgoing = self._outgoing(OutgoingKind.MESSAGE, text=text, buttons=buttons, silent=silent)
        return self._put(outgoing, kind, check_in_id=check_in_id) if outgoing else None

    def tell_unless_repeated(self, text: str, *, buttons: Buttons = ()) -> Outbox | None:
        """Queue a message unless it is, word for word, what the patient was told last."""
        return None if self.last_said() == text else self.tell(text, buttons=buttons)

    def last_said(self) -> str:
        """Return the text of the latest message to the patient, "" when there was none."""
        row = checkins.last_told(self.tx, self.patient.id, SPOKEN)
        return outbox.read_outgoing(self.tx, row).text if row and row.payload_sealed else ""

    def change(
        self, message: str | None, text: str, *, buttons: Buttons = (), check_in_id: str | None = None
    ) -> None:
        """Change the message of outbox row `message`."""
        outgoing = self._outgoing(OutgoingKind.EDIT, text=text, buttons=buttons)
        if outgoing and message:
            self._put(outgoing, OutboxKind.EDIT, edits=message, check_in_id=check_in_id)

    def change_pressed(self, reply: Reply, text: str, *, buttons: Buttons = ()) -> None:
        """Change the message whose button was pressed."""
        outgoing = self._outgoing(OutgoingKind.EDIT, text=text, buttons=buttons, message_id=reply.message_id)
        if outgoing and reply.message_id is not None:
            self._put(outgoing, OutboxKind.EDIT)

    def settle_pressed(self, reply: Reply) -> None:
        """Take the buttons off the message that was answered, and write what was chosen under it."""
        if reply.message_id is None:
            return
        said = outbox.shown(self.tx, reply.chat_id, reply.message_id, channel_of(reply))
        pressed = [each for row in said.buttons for each in row if each.data == reply.data] if said else []
        if said and pressed:
            self.change_pressed(reply, f"{said.text}\n\n✓ {pressed[0].text}")

    def show_picture(self, picture: bytes, words: str) -> None:
        """Send a picture with the same in words under it, cut to what fits there."""
        said = caption(words)
        outgoing = self._outgoing(OutgoingKind.PHOTO, text=said, file_name=PICTURE, file_bytes=picture)
        if outgoing:
            self._put(outgoing, OutboxKind.DOCUMENT)

    def pin(self, message: Outbox) -> None:
        outgoing = self._outgoing(OutgoingKind.PIN, silent=True)
        if outgoing:
            self._put(outgoing, OutboxKind.MENU, edits=message.id)

    def set_menu(self, commands: tuple[tuple[str, str], ...]) -> None:
        """Show these commands in the patient's chat."""
        outgoing = self._outgoing(OutgoingKind.COMMANDS, commands=commands)
        if outgoing:
            self._put(outgoing, OutboxKind.MENU)

    def show_seen(self, reply: Reply) -> None:
        """Set a silent mark on what the patient wrote; one waiting at a time, however fast they write."""
        waiting = checkins.last_told(self.tx, self.patient.id, (OutboxKind.ANSWER,))
        if reply.message_id is None or (waiting is not None and waiting.state == OutboxState.PENDING):
            return
        outgoing = self._outgoing(OutgoingKind.REACTION, text=WRITTEN_DOWN, message_id=reply.message_id)
        if outgoing:
            self._put(outgoing, OutboxKind.ANSWER)

    def _outgoing(self, kind: OutgoingKind, **fields: Any) -> Outgoing | None:
        chat_id = patients.chat_of(self.tx, self.patient)
        return None if chat_id is None else Outgoing(kind, chat_id, **fields)

    def _put(self, outgoing: Outgoing, kind: OutboxKind, **more: Any) -> Outbox:
        return outbox.put(self.tx, outgoing, kind=kind, now=self.now, patient_id=self.patient.id, **more)


def caption(words: str) -> str:
    """Return words as long as they may stand under a picture; what is left out is marked."""
    return words if len(words) <= LONGEST_CAPTION else words[: LONGEST_CAPTION - 2].rstrip() + " …"


def answer_tap(tx: Session, reply: Reply, now: datetime, text: str = "", *, alert: bool = False) -> None:
    """Answer a pressed button, so that the phone stops waiting; `alert` shows the text in a box."""
    if not reply.callback_id:
        return
    outgoing = Outgoing(
        OutgoingKind.ANSWER,
        reply.chat_id,
        text[:LONGEST_TAP_ANSWER],
        callback_id=reply.callback_id,
        alert=alert and bool(text),
    )
    outbox.put(tx, outgoing, kind=OutboxKind.ANSWER, now=now, channel=channel_of(reply))
