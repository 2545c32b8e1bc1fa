"""How big a fault is played: small in every run, as the list says with FAULTS=full."""

from __future__ import annotations

import os

FULL = os.environ.get("FAULTS") == "full"


def size(small: int, full: int) -> int:
    """Return the size of this run."""
    return full if FULL else small


def seconds(small: float) -> float:
    """Return how long one whole test may take; those of the full size have an hour."""
    return 3600 if FULL else small
