"""The living sandbox: the world, its clock, and who is told when something changes."""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path
from typing import Any

from bot.sandbox.clock import SandboxClock
from bot.sandbox.errors import ControlError
from bot.sandbox.faults import Faults
from bot.sandbox.signal import Signal
from bot.sandbox.world import BotAccount, Chat, Json, Message, Update, World

NOT_SENT_UNLESS_ASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
REQUESTS_KEPT = 20_000


class Switchboard:
    """Holds the world and hands updates to bots.

    With `path` the world is saved there after changes (see `save`) and read again at the next start.
    """

    def __init__(self, clock: SandboxClock, path: Path | None = None) -> None:
        self.clock = clock
        self.path = path
        self.world = World()
        if path is not None and path.exists():
            self.world = World.model_validate_json(path.read_bytes())
        self.changed = Signal()
        self.faults = Faults()
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.counts: Counter[str] = Counter()
        self.saved_change = self.world.changes

    def now(self) -> float:
        return self.clock.now()

    def save(self) -> None:
        """Write the world to its file when it changed since the last time."""
        if self.path is None or self.saved_change == self.world.changes:
            return
        self.saved_change = self.world.changes
        draft = self.path.with_name(self.path.name + ".new")
        draft.write_text(self.world.model_dump_json())
        draft.replace(self.path)

    def reset(self) -> None:
        """Forget people, chats, messages, updates, faults and the log; keep the bots and their tokens."""
        bots = [
            BotAccount(id=each.id, token=each.token, name=each.name, username=each.username,
                       first_name=each.first_name, last_update_id=each.last_update_id)
            for each in self.world.bots.values()
        ]  # fmt: skip
        self.world = World(bots={each.id: each for each in bots}, changes=self.world.changes)
        self.faults.clear()
        self.requests.clear()
        self.counts.clear()
        self.touch()

    def touch(self, message: Message | None = None) -> None:
        """Note that something changed, and in which message, and wake everyone who waits."""
        self.world.changes += 1
        if message is not None:
            message.change = self.world.changes
        self.changed.fire()

    def bot_with_token(self, token: str) -> BotAccount | None:
        return next((each for each in self.world.bots.values() if each.token == token), None)

    def bot_named(self, name: str) -> BotAccount:
        """Return a bot by name, username or id; the first one when `name` is empty."""
        for each in self.world.bots.values():
            if name in ("", each.name, each.username, str(each.id)):
                return each
        known = ", ".join(each.name for each in self.world.bots.values())
        raise ControlError(f'no bot "{name}"; the bots are: {known}')

    def add_message(self, chat: Chat, message: Message) -> Message:
        chat.messages[message.id] = message
        self.touch(message)
        return message

    def next_message_id(self, chat: Chat) -> int:
        """Ids count up per supergroup, and over all other chats together."""
        if chat.type == "supergroup":
            chat.last_message_id += 1
            return chat.last_message_id
        self.world.last_message_id += 1
        return self.world.last_message_id

    def deliver(self, bot: BotAccount, kind: str, payload: Json) -> int | None:
        """Put an update in a bot's queue; None when the bot did not ask for this kind."""
        if kind not in bot.allowed_updates if bot.allowed_updates else kind in NOT_SENT_UNLESS_ASKED:
            return None
        bot.last_update_id += 1
        update = Update(id=bot.last_update_id, at=self.now(), body={kind: payload})
        bot.waiting.append(update)
        bot.past[update.id] = update
        self.touch()
        return update.id

    def redeliver(self, bot: BotAccount, update_id: int) -> None:
        """Put an update the bot has already confirmed in front of its queue again."""
        update = bot.past.get(update_id)
        if update is None:
            raise ControlError(f"bot {bot.name} never had an update {update_id}")
        bot.waiting = sorted([*(each for each in bot.waiting if each.id != update_id), update],
                             key=lambda each: each.id)  # fmt: skip
        self.touch()
