"""One lane's loop: lease what is due, send it, wait to be woken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.crash import crash_point
from bot.delivery.carry import HAS_TEXT, LEASE_FOR, Carrier
from bot.delivery.job import Job, LanePlan, Post
from bot.message import Failure
from storage import outbox
from storage.tables import Lane, Outbox, OutboxKind

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
SLOW_SECONDS = 2.0
"""A send that takes longer gives its slot to another: people whose phones hang hold up nobody."""

MOST_IN_FLIGHT = 64


class LaneLoop:
    """Sends one lane until stopped. Sends to different chats run side by side, up to `slots`.

    `before` are the lanes that go first when both have something to send.
    """

    def __init__(self, post: Post, plan: LanePlan, before: Sequence[LaneLoop] = ()) -> None:
        self._post = post
        self._plan = plan
        self._channels = [each for each in post.senders if plan.serves(each)]
        self._owner = f"{post.owner}/{plan.name}"
        self._before = before
        self._carrier = Carrier(post, plan, self._owner, self._give_way)
        self._woken = asyncio.Event()
        self._stopping = False
        self._flying: dict[asyncio.Task[None], float] = {}

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """Lease nothing more; what is being sent is finished by `run`."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            free = self._free()
            if await self._take(free) < free or not free:
                await self._rest()
        await asyncio.gather(*self._flying, return_exceptions=True)

    async def _give_way(self) -> None:
        """Begin nothing while a lane that goes before is sending, for a moment: both use the same loop."""
        under_way = {task for each in self._before for task in each._flying}
        if under_way:
            await asyncio.wait(under_way, timeout=self._plan.gives_way)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    def _free(self) -> int:
        """Return how many more may be taken: slots are for what is under way and not stuck."""
        if self._carrier.told_to_wait():
            return 0
        since = asyncio.get_running_loop().time() - SLOW_SECONDS
        quick = sum(began > since for began in self._flying.values())
        return max(0, min(self._plan.slots - quick, MOST_IN_FLIGHT - len(self._flying)))

    async def _take(self, free: int) -> int:
        """Begin to send up to `free` messages; return how many there were, fewer when that was all."""
        if not free:
            return 0
        try:
            found = await self._plan.in_thread(lambda: self._lease(free))
        except Exception as error:
            logger.error(
                "delivery.lease_failed", extra={"lane": self._plan.name, "error": type(error).__name__}
            )
            return 0
        if found:
            crash_point(f"after-{self._plan.name}-lease")
        for job in found:
            if job:
                self._start(self._carrier.deliver(job))
            else:
                self.wake()  # whom to tell in its place is queued already
        return len(found)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._flying[task] = asyncio.get_running_loop().time()
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            logger.error("delivery.broke", extra={"lane": self._plan.name, "error": type(error).__name__})
        self.wake()

    def _lease(self, free: int) -> list[Job | None]:
        """Take what may go; None stands for a message that cannot be read."""
        now, lane = self._post.clock(), self._plan.lane
        some: dict[str, Any] = {"channels": self._channels, "kinds": self._plan.kinds}
        if lane != Lane.ALERT:  # a page is not worth asking twice for; all else asks before it takes the lock
            with self._post.db.reading() as tx:
                if not outbox.anything_waits(tx, lane, now, LEASE_FOR, **some):
                    return []

        def work(tx: Session) -> list[Job | None]:
            rows = outbox.lease(tx, lane, self._owner, now, free, LEASE_FOR, **some)
            return [self._job(tx, row, now) for row in rows]

        return self._post.db.run(work)

    def _job(self, tx: Session, row: Outbox, now: datetime) -> Job | None:
        try:
            outgoing = outbox.read_outgoing(tx, row)
            if row.repeat and outgoing.kind in HAS_TEXT and row.kind != OutboxKind.EDIT:
                outgoing = replace(outgoing, text=self._post.hooks.as_repeat(tx, row, outgoing.text))
        except Exception as error:  # erased, or sealed under a key we do not have: this row only
            logger.error("delivery.unreadable", extra={"outbox": row.id, "error": type(error).__name__})
            self._carrier.give_up(tx, row.id, Failure.POISON, now)
            return None
        poisoned = row.error == Failure.POISON
        return Job(row.id, OutboxKind(row.kind), row.channel, row.attempts, outgoing, poisoned)
