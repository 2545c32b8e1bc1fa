"""The running bot: what reads the clock, holds the parts together and lets them go in good order."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import threading
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlalchemy import Engine, event
from telegram import Bot
from telegram.error import TelegramError

from bot import crash, trouble
from bot.chat.telegram import TelegramSender, TelegramSource, chat_of, make_bot, read_update
from bot.clock import Clock
from bot.content import Content, ContentError, Problem, load_content, stale_numbers
from bot.delivery import Delivery, Post
from bot.export.chart import warm_up
from bot.flows import replies
from bot.flows.clinic import Clinic
from bot.health import Health, Vitals
from bot.hooks import ClinicHooks
from bot.intake import Ear, HookWatch, Keeper, Poller, Worker, webhook_handler
from bot.intake.keeper import TOKEN_REFUSED
from bot.intake.worker import Handling
from bot.interpreter import favour_short_waits
from bot.introduction import WEBHOOK_PATH, hook_of, introduce
from bot.lanes import lane_plans
from bot.logs import set_up_logging
from bot.message import Sender
from bot.outage import OutsideLine, StorageWatch
from bot.paging.outside import PagingSender
from bot.rota.subscription import Reading
from bot.settings import Settings, SettingsError
from bot.threads import Threads
from bot.ticking import Ticking
from storage import marks, outbox
from storage.database import Database, StorageError
from storage.single import single_process
from storage.turns import be_urgent
from storage.vault import Vault

logger = logging.getLogger(__name__)

URGENT = ("alert", "climb", "keep", "replies")
"""Threads whose writing goes before that of the others."""

WARM_UP_AFTER = 15.0
"""Seconds until charts are made ready: a bot that just came back has replies and pages to see to first."""

FINISH_SECONDS = 25.0
"""How long what is under way may take once the program is told to stop."""


def run(settings: Settings) -> None:
    """Run the bot until it is told to stop.

    Raises:
        SettingsError, ContentError, StorageError: it cannot start, with every problem of its kind.
    """
    as_json = settings.log_format == "json"
    set_up_logging(settings.log_level, as_json=as_json, secrets=settings.secrets)
    content = load_content(settings.prompts_dir)
    _refuse_stale_numbers(settings, content)
    _refuse_unknown_sites(settings, content)
    with single_process(settings.database_url):
        db = _open(settings, content)
        try:
            asyncio.run(App(settings, content, db).main())
        finally:
            db.close()


def _refuse_stale_numbers(settings: Settings, content: Content) -> None:
    """A patient must never be given a crisis number that nobody has called for half a year.

    Under a clock that is turned (the sandbox, tests) nobody real is given one.
    """
    if settings.clock_file is None and (lines := stale_numbers(content, Clock()().date())):
        parted = (line.removeprefix("prompts/").partition(": ") for line in lines)
        raise ContentError([Problem(file, what) for file, _, what in parted])


def _refuse_unknown_sites(settings: Settings, content: Content) -> None:
    """A calendar of a site that is not there would be read for nobody."""
    unknown = {each.site_id for each in settings.calendars} - content.sites.keys()
    if unknown:
        known = ", ".join(sorted(content.sites))
        raise SettingsError(
            [f'rota_calendars: there is no site "{each}"; there is {known}' for each in sorted(unknown)]
        )


def _open(settings: Settings, content: Content) -> Database:
    """Open the database; when it cannot be used, those outside it are told before the program ends."""
    try:
        db = Database.open(settings.database_url, Vault(settings.keys))
        db.migrate()
    except StorageError:
        _outside_line(settings, content).tell("database_down")
        raise
    if db.dialect == "sqlite":  # this process alone has the file: what was being sent is nobody's now
        now = Clock(settings.clock_file)()
        db.run(lambda tx: outbox.end_all_leases(tx, now))
    if crash.statements.left:
        event.listen(Engine, "before_cursor_execute", crash.statements.before_statement)
    return db


def _outside_line(settings: Settings, content: Content) -> OutsideLine:
    addresses = [each.get_secret_value() for each in settings.outside_recipients]
    return OutsideLine(addresses, list(content.languages.values()))


class App:
    """All parts, wired: bots, intake, delivery, tick, health, and the watch over the database."""

    def __init__(self, settings: Settings, content: Content, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._clock = Clock(settings.clock_file)
        self._bots = self._make_bots()
        shadow = load_content(settings.shadow_dir) if settings.shadow_dir else None
        self._clinic = Clinic(db, content, alert_bot="alert" in self._bots, shadow=shadow)
        self._pools: list[Threads] = []
        self._stop = asyncio.Event()
        self._ticking = Ticking(self._clinic, self._clock, self._threads, settings.sends_per_second)
        self._vitals = Vitals(content.version)
        self._storage = StorageWatch(
            db, self._clock, self._threads("storage"), _outside_line(settings, content)
        )
        self._ears = {name: self._ear(name) for name in self._bots}
        self._worker = Worker(
            db, self._ears, self._handling(), self._clock, self._threads("replies", self._handlers)
        )
        self._delivery = self._make_delivery()
        self._worker.after_commit(self._delivery.wake)
        self._keepers = {name: self._keeper(ear) for name, ear in self._ears.items()}
        self._listeners: dict[str, Poller | HookWatch] = {}

    # -- parts ---------------------------------------------------------------------------------

    def _make_bots(self) -> Mapping[str, Bot]:
        tokens = {"care": self._settings.token, "alert": self._settings.alert_token}
        return {
            name: make_bot(token.get_secret_value(), self._settings.api_url, self._settings.read_seconds)
            for name, token in tokens.items()
            if token is not None
        }

    @property
    def _handlers(self) -> int:
        """SQLite has one writer at a time; a second hand is for when the first draws somebody a chart."""
        return 4 if self._db.dialect == "postgresql" else 2

    def _threads(self, name: str, number: int = 1) -> Threads:
        urgent = name.startswith(URGENT)
        pool = Threads(name, number, be_urgent if urgent else None)
        self._pools.append(pool)
        return pool

    def _ear(self, name: str) -> Ear:
        def tell(what: str, now: datetime) -> None:
            trouble.tell(self._clinic, f"{what}: {name}", now, admins=what == TOKEN_REFUSED)

        return Ear(name, read_update, chat_of, tell)

    def _handling(self) -> Handling:
        return Handling(
            handle=lambda reply, now: replies.receive_reply(self._clinic, reply, now),
            set_aside=lambda bot, update_id, now: replies.set_aside(self._clinic, bot, update_id, now),
        )

    def _keeper(self, ear: Ear) -> Keeper:
        return Keeper(self._db, ear, self._clock, self._threads(f"keep-{ear.bot}"), self._worker.wake)

    def _senders(self) -> dict[str, Sender]:
        care = TelegramSender(self._bots["care"])
        alert = TelegramSender(self._bots["alert"]) if "alert" in self._bots else care
        return {"telegram": care, "telegram-alert": alert, "apprise": PagingSender()}

    def _make_delivery(self) -> Delivery:
        owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        post = Post(self._db, self._senders(), self._clock, ClinicHooks(self._clinic), owner)
        return Delivery(post, lane_plans(self._settings.sends_per_second, self._threads))

    # -- running -------------------------------------------------------------------------------

    async def main(self) -> None:
        """Run until a signal asks to stop, or something makes going on pointless.

        Raises:
            SettingsError: Telegram refuses a token, or the port is taken.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        runner = await self._serve()
        try:
            await self._work()
        finally:
            await runner.cleanup()

    async def _work(self) -> None:
        await self._threads("start")(lambda: trouble.note_start(self._clinic, self._clock()))
        scheduler = self._ticking.start(self._delivery.wake)
        introductions = [self._introduce(name) for name in self._bots]
        self._listeners = {name: self._listener(name) for name in self._bots}
        running = [
            asyncio.create_task(work)
            for work in (self._worker.run(), self._delivery.run(), *map(_run, self._listeners.values()))
        ]
        charts = threading.Timer(WARM_UP_AFTER, warm_up)
        charts.daemon = True
        charts.start()
        calendars = Reading(self._clinic, self._settings.calendars, self._clock, self._threads("rota"))
        watching = [asyncio.create_task(each.run()) for each in (self._storage, calendars)]
        favour_short_waits()
        self._vitals.started = True
        logger.info("app.started", extra={"pid": os.getpid()})
        try:
            await self._until_stopped([*running, *watching], introductions)
        finally:
            charts.cancel()
            scheduler.shutdown(wait=False)
            await self._finish(running, watching)

    async def _until_stopped(
        self, parts: Sequence[asyncio.Task[None]], introductions: Sequence[Awaitable[None]]
    ) -> None:
        """Wait for the stop, or for the first part that fails; a part that ends early is a failure."""
        greeting = asyncio.gather(*introductions)
        stop = asyncio.create_task(self._stop.wait())
        waiting: set[asyncio.Future[Any]] = {*parts, stop, greeting}
        while not self._stop.is_set():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        greeting.cancel()
        with suppress(asyncio.CancelledError):
            await greeting

    async def _introduce(self, name: str) -> None:
        """Get to know one bot, and keep its name for the links people are given."""
        username = await introduce(name, self._bots[name], self._settings, self._clinic.content)
        now = self._clock()
        pool = self._threads(f"introduce-{name}")
        await pool(lambda: self._db.run(lambda tx: marks.set_mark(tx, f"bot:{name}", now, username)))

    def _asked_to_stop(self) -> None:
        """The first signal lets what is under way finish; the second does not."""
        if self._stop.is_set():
            os._exit(130)
        logger.info("app.stopping")
        self._stop.set()

    async def _finish(self, running: list[asyncio.Task[None]], watching: list[asyncio.Task[None]]) -> None:
        for listener in self._listeners.values():
            listener.stop()
        self._worker.stop()
        self._delivery.stop()
        await asyncio.wait(running, timeout=FINISH_SECONDS)
        for task in (*running, *watching):
            task.cancel()
        await asyncio.gather(*running, *watching, return_exceptions=True)
        for bot in self._bots.values():
            with suppress(TelegramError, RuntimeError):
                await bot.shutdown()
        for pool in self._pools:
            pool.close()
        logger.info("app.stopped")

    def _listener(self, name: str) -> Poller | HookWatch:
        seconds = self._settings.poll_seconds
        hook = hook_of(name, self._bots[name], self._settings)
        if hook is not None:
            return HookWatch(hook, self._keepers[name], self._clock, seconds)
        return Poller(TelegramSource(self._bots[name], seconds), self._keepers[name])

    async def _serve(self) -> web.AppRunner:
        vitals = self._vitals
        vitals.poll_age = lambda: {name: each.silent_for for name, each in self._listeners.items()}
        vitals.tick_age = lambda: self._ticking.age
        vitals.storage_trouble = lambda: self._storage.trouble
        app = web.Application()
        Health(self._db, self._clock, self._threads("health"), vitals).add_to(app)
        self._add_webhooks(app)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        host, port = self._settings.http_host, self._settings.http_port
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise SettingsError(
                [f"http_port: {host}:{port} cannot be listened on ({error.strerror}); set another"]
            ) from None
        return runner

    def _add_webhooks(self, app: web.Application) -> None:
        secret = self._settings.webhook_secret
        if not self._settings.webhook_url or secret is None:
            return

        def refused() -> None:
            self._vitals.refused_webhooks += 1

        for name, keeper in self._keepers.items():
            handler = webhook_handler(keeper, secret.get_secret_value(), refused)
            app.router.add_post(f"{WEBHOOK_PATH}/{name}", handler)


async def _run(listener: Poller | HookWatch) -> None:
    await listener.run()
