"""Opening the clinic for one command: settings, content and database, and the time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.clock import Clock
from bot.content import load_content
from bot.flows.clinic import Clinic
from bot.settings import Settings, load_settings
from storage.database import Database
from storage.vault import Vault


def open_database(settings: Settings, *, create: bool = False) -> Database:
    """Open the database the settings name.

    Raises:
        StorageError: it cannot be used.
    """
    return Database.open(settings.database_url, Vault(settings.keys), create=create)


@contextmanager
def open_clinic() -> Iterator[tuple[Clinic, Clock]]:
    """Open content and database for a command that needs no bot token.

    Raises:
        SettingsError, ContentError, StorageError: with every problem of its kind.
    """
    settings = load_settings(needs_token=False)
    content = load_content(settings.prompts_dir)
    db = open_database(settings)
    try:
        yield Clinic(db, content, alert_bot=settings.alert_token is not None), Clock(settings.clock_file)
    finally:
        db.close()
