"""The command menu of a patient's chat, and the message pinned at its top."""

from __future__ import annotations

from bot.flows.talk import Talk
from storage.tables import PatientStatus

COMMANDS = ("checkin", "history", "settings", "pause", "stop", "cancel", "help")
BEFORE_CONSENT = ("help",)


def show(talk: Talk) -> None:
    """Show the commands that make sense now, in the patient's language."""
    enrolled = talk.patient.status in (PatientStatus.ACTIVE, PatientStatus.PAUSED)
    names = _commands(talk) if enrolled else BEFORE_CONSENT
    talk.set_menu(tuple((name, talk.say(f"patient.menu.{name}")) for name in names))


def _commands(talk: Talk) -> tuple[str, ...]:
    protocol = talk.clinic.content.protocols.get(talk.patient.protocol)
    return ("dose", *COMMANDS) if protocol and protocol.at_home else COMMANDS


def pin_emergency_note(talk: Talk) -> None:
    """Send what to do in an emergency and pin it."""
    note = talk.tell(talk.say("patient.enrol.pinned"), silent=True)
    if note is not None:
        talk.pin(note)
