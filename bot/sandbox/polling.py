"""Updates on their way to a bot: long polling, webhooks, and the rules between them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import ApiError, bad_request, conflict
from bot.sandbox.switchboard import Switchboard
from bot.sandbox.world import BotAccount, Json, Update, Webhook

logger = logging.getLogger(__name__)
LONGEST_POLL_S = 50
WEBHOOK_RETRY_S = 0.5
TERMINATED = "terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_SET = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class Polls:
    """Who is polling for which bot. A second poll ends the first, as Telegram does."""

    def __init__(self) -> None:
        self._ended: dict[int, list[str]] = {}

    def end(self, bot: BotAccount, why: str) -> None:
        for reason in (self._ended.pop(bot.id, None),):
            if reason is not None:
                reason.append(why)

    def begin(self, bot: BotAccount) -> list[str]:
        """Return a list in which the reason appears once this poll is ended by another."""
        self.end(bot, TERMINATED)
        return self._ended.setdefault(bot.id, [])

    def finish(self, bot: BotAccount, mine: list[str]) -> None:
        if self._ended.get(bot.id) is mine:
            del self._ended[bot.id]


async def get_updates(call: Call, polls: Polls) -> list[Json]:
    """Answer getUpdates: at once when something waits, else when it comes or the time is over."""
    bot, params, board = call.bot, call.params, call.board
    if bot.webhook is not None:
        raise conflict(WEBHOOK_SET)
    remember_allowed(call)
    confirm(bot, params.integer("offset"))
    limit = params.integer("limit", 100)
    limit = limit if 1 <= limit <= 100 else 100
    ended = polls.begin(bot)
    board.changed.fire()
    try:
        await _wait_for_updates(board, bot, ended, min(params.integer("timeout"), LONGEST_POLL_S))
    finally:
        polls.finish(bot, ended)
    return [update_shape(each) for each in bot.waiting[:limit]]


async def _wait_for_updates(board: Switchboard, bot: BotAccount, ended: list[str], seconds: float) -> None:
    until = asyncio.get_running_loop().time() + seconds
    while True:
        if ended:
            raise conflict(ended[0])
        left = until - asyncio.get_running_loop().time()
        if bot.waiting or left <= 0:
            return
        await board.changed.wait(left)


def update_shape(update: Update) -> Json:
    return {"update_id": update.id} | update.body


def confirm(bot: BotAccount, offset: int) -> None:
    """Forget what the bot has confirmed: all before `offset`; a negative one keeps the last few."""
    if offset < 0:
        bot.waiting = bot.waiting[offset:]
    elif offset:
        bot.waiting = [each for each in bot.waiting if each.id >= offset]


def remember_allowed(call: Call) -> None:
    allowed = call.params.object("allowed_updates", "allowed updates")
    if isinstance(allowed, list):
        call.bot.allowed_updates = [str(each) for each in allowed]


@method("setWebhook")
def set_webhook(call: Call) -> bool:
    url = call.params.text("url")
    if not url:
        return delete_webhook(call)
    if not url.startswith(("http://", "https://")):
        raise bad_request("bad webhook: invalid webhook URL specified")
    secret = call.params.text("secret_token")
    if len(secret) > 256 or not all(each.isalnum() or each in "_-" for each in secret):
        raise bad_request("secret token contains unallowed characters")
    remember_allowed(call)
    if call.params.flag("drop_pending_updates"):
        call.bot.waiting = []
    call.bot.webhook = Webhook(
        url=url, secret_token=secret, max_connections=call.params.integer("max_connections", 40)
    )
    call.board.touch()
    return True


@method("deleteWebhook")
def delete_webhook(call: Call) -> bool:
    if call.params.flag("drop_pending_updates"):
        call.bot.waiting = []
    call.bot.webhook = None
    call.board.touch()
    return True


@method("getWebhookInfo")
def webhook_info(call: Call) -> Json:
    hook = call.bot.webhook
    info: Json = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(call.bot.waiting),
    }
    if hook:
        info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
    if hook and hook.last_error_at is not None:
        info |= {"last_error_date": int(hook.last_error_at), "last_error_message": hook.last_error}
    if call.bot.allowed_updates:
        info["allowed_updates"] = call.bot.allowed_updates
    return info


async def push_updates(board: Switchboard, answer_call: Any) -> None:
    """Deliver updates to webhooks, oldest first, again and again until each is taken with 2xx.

    `answer_call` carries out a Bot API method that came in the webhook's answer.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        pushing: dict[int, asyncio.Task[None]] = {}
        while True:
            for bot in list(board.world.bots.values()):
                running = pushing.get(bot.id)
                if bot.webhook and bot.waiting and (running is None or running.done()):
                    pushing[bot.id] = asyncio.create_task(_push(board, bot, http, answer_call))
            await board.changed.wait(1)


async def _push(board: Switchboard, bot: BotAccount, http: aiohttp.ClientSession, answer_call: Any) -> None:
    while (hook := bot.webhook) is not None and bot.waiting:
        update = bot.waiting[0]
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret_token} if hook.secret_token else {}
        try:
            async with http.post(hook.url, json=update_shape(update), headers=headers) as answer:
                body = await answer.read()
                if answer.ok:
                    bot.waiting = [each for each in bot.waiting if each is not update]
                    await answer_call(bot, body)
                    continue
                error = f"Wrong response from the webhook: {answer.status} {answer.reason}"
        except (aiohttp.ClientError, TimeoutError, ApiError):
            error = "Connection refused"
        hook.last_error_at, hook.last_error = board.now(), error
        await asyncio.sleep(WEBHOOK_RETRY_S)
