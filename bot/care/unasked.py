"""Why questions were not asked, or no longer: one list, stored as it is and named in every export."""

from __future__ import annotations

from enum import StrEnum


class Unasked(StrEnum):
    """The reason on record for a check-in that was not sent or ended before it was answered."""

    NOTHING = ""  # it was sent and its window ran out, or it was answered, or it is still to come
    NO_ROOM = "quiet hours leave no room"
    TOO_LATE = "its window was over before it was planned"
    TOO_SOON = "the same form was asked too few days before"
    OVER = "its window was over before it could be sent"
    NOTHING_TO_ASK = "nothing to ask"
    TROUBLE = "could not be handled"
    SUPERSEDED = "superseded by a later treatment"
    CANCELLED = "the treatment was cancelled"
    INVITED = "invited"  # from here on what the patient's status was
    CONSENTING = "consenting"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"
    UNREACHABLE = "unreachable"
    ERASED = "erased"
