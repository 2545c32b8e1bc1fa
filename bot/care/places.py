"""Where the words of a reading stand in the text as written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


class Places:
    """The places of the units of a text, worked out from the words found in the folded text.

    `raw` are the words as they stand in `folded`, `joined` how many of them each unit takes (empty when one
    each), and `origin` is, for each folded character, the place of the written one it came from.
    """

    def __init__(self, raw: Sequence[str], joined: Sequence[int], folded: str, origin: Sequence[int]) -> None:
        find, at = folded.find, 0
        starts, ends = [], []
        for word in raw:
            start = max(find(word, at), at)
            starts.append(start)
            at = start + len(word)
            ends.append(at)
        self._starts, self._ends, self._origin = starts, ends, origin
        self._after = list(accumulate(joined))  # how many words the units up to each one take

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Return the first character of a unit and one past the last of another, in the text as written."""
        if self._after:
            first, last = (self._after[first - 1] if first else 0), self._after[last] - 1
        start, end, origin = self._starts[first], self._ends[last], self._origin
        if isinstance(origin, range):
            return start, end
        most = len(origin)
        return (
            origin[start] if start < most else 0,
            origin[min(end, most) - 1] + 1 if self._starts[last] < most else 0,
        )
