"""Row ids: known before the row is written, because sealed columns are bound to them."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CHANCE_BITS = 80
_thread = threading.local()


def new_id(now: datetime, after: str = "") -> str:
    """Return a 26-character id that sorts by the time it was made (48 bits of ms, 80 of chance).

    Ids that one thread makes for the same millisecond sort in the order they were made, whatever
    other threads do meanwhile, so that two messages put in one transaction go out in that order.
    It sorts behind the id `after` even when the clock was set back since that was made.
    """
    moment = int(now.timestamp() * 1000)
    last: int = getattr(_thread, "last", 0)
    if last >> _CHANCE_BITS == moment:
        number = last + 1 + secrets.randbits(32)
    else:
        number = (moment << _CHANCE_BITS) | secrets.randbits(_CHANCE_BITS - 1)
    _thread.last = number
    made = _written(number)
    return made if made > after else _written(_read(after) + 1 + secrets.randbits(32))


def _written(number: int) -> str:
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def _read(written: str) -> int:
    number = 0
    for letter in written:
        number = number << 5 | _ALPHABET.index(letter)
    return number
