"""Wall clock times as a person types them on the command line."""

from __future__ import annotations

from datetime import datetime

from bot.cli.endings import Refused

FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")


def local_time(text: str) -> datetime:
    """Return a wall clock time, which has no zone yet, from "2026-11-02 10:00".

    Raises:
        Refused: it is none.
    """
    for form in FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - its zone is the patient's
        except ValueError:
            continue
    raise Refused(f"{text!r} is no time; write it as '2026-11-02 10:00'")
