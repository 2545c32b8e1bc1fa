"""Telegram to inbox to flows: every update is committed before it is confirmed, and handled at least once."""

from __future__ import annotations

from bot.intake.hook_watch import HookWatch
from bot.intake.keeper import Ear, Keeper
from bot.intake.poller import Poller, Source
from bot.intake.webhook import webhook_handler
from bot.intake.worker import Worker

__all__ = ["Ear", "HookWatch", "Keeper", "Poller", "Source", "Worker", "webhook_handler"]
