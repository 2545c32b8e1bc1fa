"""A sender as a process of its own, to be killed: `python -m tests.faults.sending NAME`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bot.chat.telegram import TelegramSender, make_bot
from bot.clock import Clock
from bot.delivery import Budget, Delivery, LanePlan, Post
from bot.threads import Threads
from storage.database import Database
from storage.tables import Lane
from storage.vault import Vault
from tests.databases import MASTER_KEY
from tests.rim.parts import Notes

PER_SECOND = 1000.0


def main(name: str) -> None:
    db = Database.open(os.environ["SENDING_DATABASE"], Vault([MASTER_KEY]))
    sender = TelegramSender(make_bot(os.environ["SENDING_TOKEN"], os.environ["SENDING_API"], 5.0))
    clock = Clock(Path(os.environ["SENDING_CLOCK"]))
    post = Post(db, {"telegram": sender}, clock, Notes(), name)
    plan = LanePlan(
        "alert", Lane.ALERT, Threads(name), slots=1, budget=Budget(PER_SECOND, PER_SECOND)
    )  # one in flight: then a kill can double one message and no more
    asyncio.run(Delivery(post, [plan]).run())


if __name__ == "__main__":
    main(sys.argv[1])
