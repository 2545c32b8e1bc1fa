"""Chat channels, both ways."""

import os

# The library's own switch: a time to wait is a timedelta, as it is everywhere here.
os.environ.setdefault("PTB_TIMEDELTA", "true")
