"""Channels outside the chat: e-mail, SMS and voice gateways, PagerDuty, ntfy, webhooks and the rest.

One library speaks them all by address ("ntfy://topic"). Each send has a thread and a time limit of its
own: a channel that hangs for ever holds up nobody, and one that hangs again and again is refused at once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import apprise

from bot.message import Failure, Outgoing, Sender, SendError, Sent

logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines can carry addresses, which are secrets

TITLE = "Aftercare"
TIME_LIMIT = timedelta(seconds=20)
HANGING_MOST = 3
"""So many sends of one address may hang at once; the next is refused without a thread."""

Notify = Callable[[str, str], bool]


class PagingSender(Sender):
    """Sends code and level to an address; what it says is decided long before."""

    def __init__(self, notify: Notify | None = None, *, time_limit: timedelta = TIME_LIMIT) -> None:
        self._notify = notify or notify_by_apprise
        self._seconds = time_limit.total_seconds()
        self._hanging: Counter[str] = Counter()
        self._lock = threading.Lock()

    async def send(self, outgoing: Outgoing) -> Sent:
        """Return once the channel's service has accepted.

        Raises:
            SendError: no such channel (for good), refused (to be tried again), or no answer in time
                (it may have been sent).
        """
        if not is_address(outgoing.address):
            raise SendError(Failure.DEAD_ADDRESS)
        with self._lock:
            if self._hanging[outgoing.address] >= HANGING_MOST:
                raise SendError(Failure.TRANSIENT)
            self._hanging[outgoing.address] += 1
        try:
            accepted = await asyncio.wait_for(self._in_thread(outgoing), self._seconds)
        except TimeoutError:
            raise SendError(Failure.AMBIGUOUS) from None
        if not accepted:
            raise SendError(Failure.TRANSIENT)
        return Sent()

    def _in_thread(self, outgoing: Outgoing) -> asyncio.Future[bool]:
        """Run the send in a daemon thread: one that never ends does not keep the program alive."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()

        def settle(accepted: bool) -> None:
            if not done.done():
                done.set_result(accepted)

        def work() -> None:
            accepted = self._quietly(outgoing)
            with self._lock:
                self._hanging[outgoing.address] -= 1
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, accepted)

        threading.Thread(target=work, name="outside-channel", daemon=True).start()
        return done

    def _quietly(self, outgoing: Outgoing) -> bool:
        """A channel's own failure, whatever it is, means not accepted; its text may hold the address."""
        try:
            return self._notify(outgoing.address, outgoing.text)
        except Exception:
            return False


def notify_by_apprise(address: str, text: str) -> bool:
    """Send `text` to one address; False when its service did not accept it."""
    line = apprise.Apprise()
    return bool(line.add(address)) and bool(line.notify(body=text, title=TITLE))


def is_address(address: str) -> bool:
    """Return whether the library knows what kind of channel this is and can read the address."""
    return bool(address) and bool(apprise.Apprise().add(address))
