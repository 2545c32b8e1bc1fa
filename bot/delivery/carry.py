"""Carrying one message, and what becomes of it: the table of refusals, in code."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.crash import crash_point
from bot.delivery.job import Job, LanePlan, Post
from bot.delivery.pace import Hold
from bot.message import Failure, Outgoing, OutgoingKind, SendError, Sent
from storage import outbox
from storage.tables import RESENT_WHEN_UNCLEAR, Outbox, OutboxKind

logger = logging.getLogger(__name__)

LEASE_FOR = timedelta(seconds=60)
SEND_SECONDS = 25.0
FILE_SECONDS = 50.0
SECOND_CHANNEL_AFTER = timedelta(seconds=10)
"""A page that is told to wait longer than this goes out on the next channel too."""

IN_A_ROW = 3
"""So many chats told to wait one after the other mean that Telegram means the bot, not the chats."""

HAS_TEXT = (OutgoingKind.MESSAGE, OutgoingKind.EDIT, OutgoingKind.DOCUMENT, OutgoingKind.PHOTO)


class Carrier:
    """Sends one message at a time for one lane and writes down how it went."""

    def __init__(
        self, post: Post, plan: LanePlan, owner: str, give_way: Callable[[], Awaitable[None]]
    ) -> None:
        self._post = post
        self._plan = plan
        self._owner = owner
        self._give_way = give_way
        self._holds: dict[tuple[str, str], Hold] = {}
        self._refused_in_a_row: set[tuple[str, str]] = set()
        self._lane_hold: Hold | None = None

    def told_to_wait(self) -> bool:
        """Whether the lane as a whole was told to wait, and that is not over yet."""
        return self._lane_hold is not None and bool(self._lane_hold.left(self._post.clock()))

    async def deliver(self, job: Job) -> None:
        wait = self._must_wait(job)
        if wait:
            await self._put_back(job, wait, error="")
            return
        await self._plan.budget.take()
        await self._give_way()
        if job.poisoned:
            await self._deliver_plain(job)
            return
        try:
            sent = await self._send(job, job.outgoing)
        except SendError as error:
            await self._refused(job, error)
        else:
            crash_point(f"after-{self._plan.name}-send")
            await self._record_sent(job, sent)

    def _must_wait(self, job: Job) -> timedelta:
        """Return how long this chat was told to wait still, or may not be written to yet."""
        hold = self._holds.get(job.address)
        if hold and (left := hold.left(self._post.clock())):
            return left
        self._holds.pop(job.address, None)
        if self._plan.per_chat and job.outgoing.kind != OutgoingKind.ANSWER:
            return timedelta(seconds=self._plan.per_chat.wait_for(job.address))
        return timedelta()

    async def _send(self, job: Job, outgoing: Outgoing) -> Sent:
        sender = self._post.senders[job.channel]
        limit = FILE_SECONDS if outgoing.file_bytes else SEND_SECONDS
        try:
            async with asyncio.timeout(limit):
                return await sender.send(outgoing)
        except SendError:
            raise
        except TimeoutError:
            raise SendError(Failure.AMBIGUOUS) from None
        except Exception as error:
            logger.error("delivery.sender_broke", extra={"outbox": job.row_id, "error": type(error).__name__})
            raise SendError(Failure.POISON) from None

    async def _refused(self, job: Job, error: SendError) -> None:
        """Do what the class of failure asks for; see the table in the README."""
        extra = {"outbox": job.row_id, "failure": error.failure.value, "attempt": job.attempts}
        logger.warning("delivery.refused", extra=extra)
        match error.failure:
            case Failure.WAIT:
                await self._wait_as_told(job, error.retry_after or timedelta(seconds=5))
            case Failure.MOVED if error.new_chat_id is not None:
                await self._follow(job, error.new_chat_id)
            case Failure.POISON:
                await self._deliver_plain(job)
            case Failure.DEAD_ADDRESS:
                await self._fail(job, error.failure)
            case Failure.DEAD_CHANNEL if job.kind == OutboxKind.PAGE:
                await self._fail(job, error.failure)
            case Failure.AMBIGUOUS if job.kind not in RESENT_WHEN_UNCLEAR:
                await self._leave_uncertain(job)
            case _:
                await self._put_back(job, self._backoff(job, error.failure), error.failure)

    def _backoff(self, job: Job, failure: Failure) -> timedelta:
        """Not sent is tried again at once; what the other side refused, ever more slowly."""
        first = timedelta(milliseconds=50 if failure == Failure.NOT_SENT else 1000)
        if failure == Failure.DEAD_CHANNEL:
            first = timedelta(seconds=30)
        doubled: timedelta = first * 2 ** min(job.attempts - 1, 10)
        return min(doubled, self._plan.longest_wait)

    async def _wait_as_told(self, job: Job, wait: timedelta) -> None:
        now = self._post.clock()
        self._holds[job.address] = Hold.of(wait, now)
        self._hold_lane(job, wait, now)

        def work(tx: Session) -> None:
            row = tx.get(Outbox, job.row_id)
            kept = outbox.put_back(tx, job.row_id, self._owner, now + wait, Failure.WAIT)
            if kept and row and job.kind == OutboxKind.PAGE and wait > SECOND_CHANNEL_AFTER:
                self._post.hooks.delayed(tx, row, wait, now)

        await self._record(work)

    def _hold_lane(self, job: Job, wait: timedelta, now: datetime) -> None:
        """Chat after chat is told to wait: the lane asks no more of them, and costs nothing meanwhile."""
        self._refused_in_a_row.add(job.address)
        if self._plan.rests and len(self._refused_in_a_row) >= IN_A_ROW:
            self._lane_hold = Hold.of(min(wait, self._plan.longest_wait), now)

    async def _follow(self, job: Job, new_chat_id: int) -> None:
        """The group moved: keep its new id, and send there in this same attempt."""

        def work(tx: Session) -> None:
            row = tx.get(Outbox, job.row_id)
            if row:
                self._post.hooks.moved(tx, row, job.outgoing.chat_id, new_chat_id, self._post.clock())

        await self._record(work)
        moved = replace(job, outgoing=replace(job.outgoing, chat_id=new_chat_id))
        try:
            sent = await self._send(moved, moved.outgoing)
        except SendError as error:
            if error.failure == Failure.MOVED:
                await self._fail(job, Failure.DEAD_ADDRESS)
            else:
                await self._refused(moved, error)
        else:
            await self._record_sent(moved, sent)

    async def _deliver_plain(self, job: Job) -> None:
        """The text was refused: a fixed line that nothing can refuse goes instead."""
        if job.outgoing.kind not in HAS_TEXT:
            await self._fail(job, Failure.POISON)
            return
        line = await self._plan.in_thread(lambda: self._plain_line(job))
        plain = Outgoing(OutgoingKind.MESSAGE, job.outgoing.chat_id, text=line, address=job.outgoing.address)
        poisoned = replace(job, poisoned=True)
        try:
            sent = await self._send(job, plain)
        except SendError as error:
            if error.failure == Failure.POISON:
                await self._fail(job, Failure.POISON)
            else:
                await self._refused(poisoned, error)
        else:
            await self._record_sent(poisoned, sent)

    def _plain_line(self, job: Job) -> str:
        with self._post.db.reading() as tx:
            row = tx.get(Outbox, job.row_id)
            return self._post.hooks.plain_line(tx, row) if row else ""

    async def _put_back(self, job: Job, wait: timedelta, error: str) -> None:
        not_before = self._post.clock() + wait
        error = Failure.POISON if job.poisoned else error
        repeat = error == Failure.AMBIGUOUS
        await self._record(
            lambda tx: outbox.put_back(tx, job.row_id, self._owner, not_before, error, repeat=repeat)
        )

    async def _leave_uncertain(self, job: Job) -> None:
        now = self._post.clock()
        await self._record(
            lambda tx: outbox.mark_uncertain(tx, job.row_id, self._owner, Failure.AMBIGUOUS, now)
        )

    async def _fail(self, job: Job, failure: Failure) -> None:
        await self._record(lambda tx: self.give_up(tx, job.row_id, failure, self._post.clock()))

    def give_up(self, tx: Session, row_id: str, failure: Failure, now: datetime) -> None:
        """Note that a message will never go, and tell the clinic in the same transaction."""
        row = outbox.mark_failed(tx, row_id, self._owner, failure, now)
        if row is not None:
            self._post.hooks.failed(tx, row, failure, now)

    async def _record_sent(self, job: Job, sent: Sent) -> None:
        self._refused_in_a_row.clear()
        now = self._post.clock()

        def work(tx: Session) -> None:
            if outbox.mark_sent(tx, job.row_id, self._owner, sent.message_id, now):
                self._tell_sent(tx, job.row_id, now)

        await self._record(work)

    def _tell_sent(self, tx: Session, row_id: str, now: datetime) -> None:
        """That it was accepted stays a fact, whatever the clinic makes of it: else it would go again."""
        try:
            with tx.begin_nested():
                self._post.hooks.sent(tx, tx.get_one(Outbox, row_id), now)
        except Exception as error:
            logger.error("delivery.hook_failed", extra={"outbox": row_id, "error": type(error).__name__})

    async def _record(self, work: Callable[[Session], Any]) -> None:
        """Write down what became of a send, trying for as long as the lease lasts.

        Beyond that the lease's own rule applies: sent again as a repeat, or left uncertain.
        """
        pause = 0.2
        deadline = asyncio.get_running_loop().time() + LEASE_FOR.total_seconds()
        while True:
            try:
                await self._plan.in_thread(lambda: self._post.db.run(work))
                return
            except Exception as error:
                logger.error(
                    "delivery.record_failed", extra={"lane": self._plan.name, "error": type(error).__name__}
                )
                if asyncio.get_running_loop().time() + pause > deadline:
                    return
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5.0)
