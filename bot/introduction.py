"""Getting to know Telegram at the start: the bot's own name, how updates come, the default menus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from telegram import Bot, BotCommand
from telegram.error import InvalidToken, TelegramError

from bot.chat.hook import TelegramHook
from bot.content import Content, Wording
from bot.message import SendError
from bot.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

WEBHOOK_PATH = "/telegram"
FALLBACK = "en"
BEFORE_ENROLMENT = ("help",)
"""The menu of people the bot does not know yet; everyone else's chat has one of its own."""


async def introduce(name: str, bot: Bot, settings: Settings, content: Content) -> str:
    """Return the bot's username, with its menus set; an API that cannot be reached is tried for ever.

    Raises:
        SettingsError: Telegram refuses the token.
    """
    await _insist(name, bot.initialize, f"{settings.api_url} cannot be reached; trying again")
    logger.info("bot.introduced", extra={"bot": name})
    await _insist(name, lambda: _choose_source(name, bot, settings), "updates cannot be asked for yet")
    if name == "care":
        await _insist(name, lambda: _set_menus(bot, content), "menus are not set yet")
    return bot.username


async def _insist(name: str, attempt: Callable[[], Awaitable[object]], line: str) -> None:
    pause = 0.5
    while True:
        try:
            await attempt()
            return
        except InvalidToken:
            setting = "alert_token" if name == "alert" else "token"
            raise SettingsError(
                [f"{setting}: Telegram refuses it; copy it again from BotFather, or make a new one there"]
            ) from None
        except (TelegramError, SendError) as error:
            logger.warning(line, extra={"bot": name, "error": type(error).__name__})
        await asyncio.sleep(pause)
        pause = min(2 * pause, 30.0)


async def _choose_source(name: str, bot: Bot, settings: Settings) -> None:
    """Webhook or polling, whichever the settings say; what is waiting is never dropped."""
    hook = hook_of(name, bot, settings)
    if hook is None:
        await bot.delete_webhook(drop_pending_updates=False)
    else:
        await hook.put()


def hook_of(name: str, bot: Bot, settings: Settings) -> TelegramHook | None:
    """Return the webhook of one bot; None when it polls."""
    if not settings.webhook_url or not settings.webhook_secret:
        return None
    url = f"{settings.webhook_url.rstrip('/')}{WEBHOOK_PATH}/{name}"
    return TelegramHook(bot, url, settings.webhook_secret.get_secret_value())


async def _set_menus(bot: Bot, content: Content) -> None:
    await bot.set_my_commands(_menu(content.wording(FALLBACK)))
    for code, words in content.languages.items():
        await bot.set_my_commands(_menu(words), language_code=code[:2])


def _menu(words: Wording) -> list[BotCommand]:
    return [BotCommand(name, words.say(f"patient.menu.{name}")) for name in BEFORE_ENROLMENT]
