"""How threads share the interpreter: a page waits neither for a long turn nor for a clean-up."""

from __future__ import annotations

import gc
import sys

TURN_SECONDS = 0.0005
"""How long one thread may compute while another wants to. The usual 5 ms come at every step of a page's
way: its lease, its sending, each statement of its record."""


def favour_short_waits() -> None:
    """Call once all that stays is loaded.

    Collecting garbage stops every thread. What is loaded at the start never becomes any, and looking
    through it again and again takes a tenth of a second each time: it is left out from now on.
    """
    sys.setswitchinterval(TURN_SECONDS)
    gc.collect()
    gc.freeze()
