"""Row ids: known before the row is written, because sealed columns are bound to them."""

from __future__ import annotations

import secrets
from datetime import datetime
from threading import Lock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CHANCE_BITS = 80
_lock = Lock()
_last = 0


def new_id(now: datetime) -> str:
    """Return a 26-character id that sorts by the time it was made (48 bits of ms, 80 of chance).

    Ids made one after another in the same millisecond sort in the order they were made, so that
    two messages put in one transaction go out in that order.
    """
    global _last  # noqa: PLW0603
    moment = int(now.timestamp() * 1000)
    with _lock:
        if _last >> _CHANCE_BITS == moment:
            _last += 1 + secrets.randbits(32)
        else:
            _last = (moment << _CHANCE_BITS) | secrets.randbits(_CHANCE_BITS - 1)
        number = _last
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
