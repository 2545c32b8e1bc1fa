"""All methods of the Bot API the sandbox has, gathered from where they are written."""

from bot.sandbox import account, editing, polling, sending
from bot.sandbox.calls import METHODS

PLACES = (account, editing, polling, sending)

__all__ = ["METHODS", "PLACES"]
