"""What every flow works with: the database and the content, and nothing that can tell the time."""

from __future__ import annotations

from dataclasses import dataclass

from bot.content import Content
from storage.database import Database


@dataclass(frozen=True)
class Clinic:
    """The running clinic.

    `alert_bot` is true when pages go out under a bot token of their own, so that trouble with
    check-ins cannot delay them. `shadow` is a content whose rules record and do not page.
    """

    db: Database
    content: Content
    alert_bot: bool = False
    shadow: Content | None = None
