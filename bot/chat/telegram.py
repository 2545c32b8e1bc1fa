"""Telegram, both ways: raw updates in, `Outgoing` out, every refusal classed as a `Failure`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from telegram import Bot, BotCommand, BotCommandScopeChat, LinkPreviewOptions, Message, ReactionTypeEmoji
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.chat.fit import ANSWER_UNITS, CAPTION_UNITS, fit, fit_text, keyboard
from bot.chat.read import ALLOWED_UPDATES, chat_of, read_update
from bot.chat.request import CERTAINLY_NOT_SENT, AiohttpRequest
from bot.message import Failure, Outgoing, OutgoingKind, SendError, Sent

__all__ = ["TelegramSender", "TelegramSource", "chat_of", "failure_of", "make_bot", "read_update"]

POLL_SECONDS = 25
POLL_BATCH = 100

UNCHANGED = "message is not modified"
GONE_ADDRESS = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "chat_write_forbidden",
    "need administrator rights",
    "not enough rights to send",
    "have no rights to send",
    "topic_closed",
    "message thread not found",
    "group chat was upgraded",
)
NOT_EDITABLE = (
    "message can't be edited",
    "message to edit not found",
    "message_id_invalid",
    "there is no text in the message to edit",
)
FAILURES: tuple[tuple[type[TelegramError], Failure], ...] = (
    (Forbidden, Failure.DEAD_ADDRESS),
    (InvalidToken, Failure.DEAD_CHANNEL),
    (EndPointNotFound, Failure.DEAD_CHANNEL),  # what the library makes of a 404 on a bare request
    (Conflict, Failure.CONFLICT),
    (BadRequest, Failure.POISON),  # a subclass of NetworkError, so it is asked first
)
NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


def make_bot(token: str, api_url: str, read_timeout: float = 10.0) -> Bot:
    """Return the library's client for one token on `api_url`, over our request class."""
    use_proxy = "//127.0.0.1" not in api_url and "//localhost" not in api_url
    base = api_url.rstrip("/")
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=AiohttpRequest(read_timeout=read_timeout, use_proxy=use_proxy),
        get_updates_request=AiohttpRequest(connections=2, read_timeout=read_timeout, use_proxy=use_proxy),
    )


def failure_of(error: TelegramError) -> SendError:
    """Return the class of failure an error of the library means."""
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        return SendError(
            Failure.WAIT, retry_after=wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
        )
    if isinstance(error, ChatMigrated):
        return SendError(Failure.MOVED, new_chat_id=error.new_chat_id)
    if isinstance(error, BadRequest) and _says(error, GONE_ADDRESS):
        return SendError(Failure.DEAD_ADDRESS)
    for kind, failure in FAILURES:
        if isinstance(error, kind):
            return SendError(failure)
    return SendError(_of_network(error))


def _of_network(error: TelegramError) -> Failure:
    if isinstance(error.__cause__, CERTAINLY_NOT_SENT):
        return Failure.NOT_SENT
    answered = error.__cause__ is None or isinstance(error.__cause__, TelegramError)
    if isinstance(error, NetworkError) and not isinstance(error, TimedOut) and answered:
        return Failure.TRANSIENT  # a 5xx, whatever its body
    return Failure.AMBIGUOUS


def _says(error: TelegramError, descriptions: tuple[str, ...]) -> bool:
    return any(each in error.message.lower() for each in descriptions)


class TelegramSource:
    """Raw updates of one bot, by long polling. Asking with an offset confirms all before it."""

    def __init__(self, bot: Bot, poll_seconds: int = POLL_SECONDS) -> None:
        self._bot = bot
        self.poll_seconds = poll_seconds

    async def fetch(self, offset: int | None) -> list[Any]:
        """Return what came in, waiting up to `poll_seconds` for the first.

        Raises:
            SendError: the Bot API refused or could not be reached.
        """
        wanted = {
            "timeout": self.poll_seconds,
            "limit": POLL_BATCH,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        if offset is not None:
            wanted["offset"] = offset
        try:
            updates = await self._bot.do_api_request(
                "getUpdates", api_kwargs=wanted, read_timeout=self.poll_seconds + 10
            )
        except TelegramError as error:
            raise failure_of(error) from None
        if not isinstance(updates, list):
            raise SendError(Failure.TRANSIENT)
        return updates

    async def renew(self) -> None:
        """Drop every connection used for polling; the next poll opens a new one."""
        await self._bot._request[0].shutdown()


class TelegramSender:
    """Carries `Outgoing` over one bot. Plain text only, cut to length, previews off."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._ways: Mapping[OutgoingKind, Callable[[Outgoing], Awaitable[Sent]]] = {
            OutgoingKind.MESSAGE: self._message,
            OutgoingKind.EDIT: self._edit,
            OutgoingKind.ANSWER: self._best_effort(self._answer),
            OutgoingKind.REACTION: self._best_effort(self._react),
            OutgoingKind.DOCUMENT: self._document,
            OutgoingKind.PHOTO: self._photo,
            OutgoingKind.DELETE: self._best_effort(self._delete),
            OutgoingKind.PIN: self._best_effort(self._pin),
            OutgoingKind.COMMANDS: self._commands,
            OutgoingKind.LEAVE: self._best_effort(self._leave),
        }

    async def send(self, outgoing: Outgoing) -> Sent:
        """Return once Telegram has accepted.

        Raises:
            SendError: it has not, or may not have. Nothing of the library's error goes with it,
                because its text and cause may hold the token.
        """
        try:
            return await self._ways[outgoing.kind](outgoing)
        except TelegramError as error:
            raise failure_of(error) from None

    async def _message(self, outgoing: Outgoing) -> Sent:
        message = await self._bot.send_message(
            outgoing.chat_id,
            fit_text(outgoing.text),
            reply_markup=keyboard(outgoing.buttons),
            link_preview_options=NO_PREVIEW,
            disable_notification=outgoing.silent,
            protect_content=outgoing.protect,
        )
        return Sent(message.message_id)

    async def _edit(self, outgoing: Outgoing) -> Sent:
        if outgoing.message_id is None:
            return await self._message(outgoing)
        try:
            await self._bot.edit_message_text(
                fit_text(outgoing.text),
                chat_id=outgoing.chat_id,
                message_id=outgoing.message_id,
                reply_markup=keyboard(outgoing.buttons),
                link_preview_options=NO_PREVIEW,
            )
        except BadRequest as error:
            if _says(error, NOT_EDITABLE):
                return await self._message(outgoing)
            if not _says(error, (UNCHANGED,)):
                raise
        return Sent(outgoing.message_id)

    async def _answer(self, outgoing: Outgoing) -> None:
        text = fit(outgoing.text, ANSWER_UNITS) or None
        await self._bot.answer_callback_query(outgoing.callback_id, text, show_alert=outgoing.alert)

    async def _react(self, outgoing: Outgoing) -> None:
        if outgoing.message_id is not None:
            await self._bot.set_message_reaction(
                outgoing.chat_id, outgoing.message_id, ReactionTypeEmoji(outgoing.text)
            )

    async def _document(self, outgoing: Outgoing) -> Sent:
        message = await self._bot.send_document(
            outgoing.chat_id, outgoing.file_bytes, filename=outgoing.file_name, **_file_extras(outgoing)
        )
        return _sent(message)

    async def _photo(self, outgoing: Outgoing) -> Sent:
        message = await self._bot.send_photo(
            outgoing.chat_id, outgoing.file_bytes, filename=outgoing.file_name, **_file_extras(outgoing)
        )
        return _sent(message)

    async def _delete(self, outgoing: Outgoing) -> None:
        if outgoing.message_id is not None:
            await self._bot.delete_message(outgoing.chat_id, outgoing.message_id)

    async def _pin(self, outgoing: Outgoing) -> None:
        if outgoing.message_id is not None:
            await self._bot.pin_chat_message(outgoing.chat_id, outgoing.message_id, disable_notification=True)

    async def _commands(self, outgoing: Outgoing) -> Sent:
        commands = [BotCommand(name, fit_text(what, 256)) for name, what in outgoing.commands]
        scope = BotCommandScopeChat(outgoing.chat_id)
        if commands:
            await self._bot.set_my_commands(commands, scope=scope)
        else:
            await self._bot.delete_my_commands(scope=scope)
        return Sent()

    async def _leave(self, outgoing: Outgoing) -> None:
        try:
            await self._bot.leave_chat(outgoing.chat_id)
        except Forbidden:
            return  # already out

    @staticmethod
    def _best_effort(way: Callable[[Outgoing], Awaitable[None]]) -> Callable[[Outgoing], Awaitable[Sent]]:
        """A refusal of these ("query is too old", "message to delete not found") leaves nothing to do."""

        async def attempt(outgoing: Outgoing) -> Sent:
            try:
                await way(outgoing)
            except BadRequest:
                return Sent(outgoing.message_id)
            return Sent(outgoing.message_id)

        return attempt


def _file_extras(outgoing: Outgoing) -> dict[str, Any]:
    return {
        "caption": fit(outgoing.text, CAPTION_UNITS) or None,
        "reply_markup": keyboard(outgoing.buttons),
        "disable_notification": outgoing.silent,
        "protect_content": outgoing.protect,
        "read_timeout": 60,
    }


def _sent(message: Message) -> Sent:
    return Sent(message.message_id)
