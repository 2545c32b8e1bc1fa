"""The webhook as Telegram knows it: set it, and ask how it stands."""

from __future__ import annotations

from datetime import datetime, timedelta

from telegram import Bot
from telegram.error import TelegramError

from bot.chat.read import ALLOWED_UPDATES
from bot.chat.telegram import failure_of

RECENT = timedelta(seconds=60)
"""While something waits Telegram tries every few seconds: its last error is then never older than this."""


class TelegramHook:
    """One bot's webhook. Nothing that waits is ever dropped by setting it."""

    def __init__(self, bot: Bot, url: str, secret: str) -> None:
        self._bot = bot
        self._url = url
        self._secret = secret

    async def put(self) -> None:
        """Let updates come to us.

        Raises:
            SendError: the Bot API refused or could not be reached.
        """
        try:
            await self._bot.set_webhook(
                self._url,
                secret_token=self._secret,
                allowed_updates=ALLOWED_UPDATES,
                drop_pending_updates=False,
            )
        except TelegramError as error:
            raise failure_of(error) from None

    async def standing(self, now: datetime) -> str:
        """Return "well", "lost" when updates go elsewhere, or "refused" when what waits does not get through.

        Raises:
            SendError: the Bot API refused or could not be reached.
        """
        try:
            info = await self._bot.get_webhook_info()
        except TelegramError as error:
            raise failure_of(error) from None
        if info.url != self._url:
            return "lost"
        failed = info.last_error_date is not None and now - info.last_error_date < RECENT
        return "refused" if failed and info.pending_update_count else "well"
