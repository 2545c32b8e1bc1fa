"""Some words of a text, looked at together."""

from __future__ import annotations

from functools import cached_property

from bot.care.vocabulary import SYMBOL_BYTES

_REACH = 12  # words before and after a phrase that its guards look at


class Stretch:
    """Some units of a text as symbols. `offset` is the first unit's place in the text."""

    def __init__(self, units: list[str], offset: int, last: bool) -> None:
        self.units = units
        self.offset = offset
        self.last = last
        self.symbols = "".join(units)
        # Whether any guard stands before a place, after one, and anywhere; filled in when first asked.
        self.guarded: tuple[dict[int, bool], dict[int, bool], dict[int, bool]] = {}, {}, {}

    @cached_property
    def text(self) -> bytes:
        return self.symbols.encode()

    def before(self, start: int) -> bytes:
        return self.text[max(0, start - _REACH * SYMBOL_BYTES) : start]

    def after(self, end: int) -> bytes:
        return self.text[end : end + _REACH * SYMBOL_BYTES]

    def cut(self, start: int, end: int) -> bool:
        """Tell whether a match touches an edge inside the text: the next stretch sees it whole."""
        return (start == 0 and self.offset > 0) or (end == len(self.text) and not self.last)

    def units_of(self, start: int, end: int) -> tuple[int, int]:
        """Return the first and the last unit, in the whole text, of a match between two bytes."""
        units = self._unit_of_symbol
        return self.offset + units[start // SYMBOL_BYTES], self.offset + units[end // SYMBOL_BYTES - 1]

    @cached_property
    def _unit_of_symbol(self) -> list[int] | range:
        if len(self.symbols) == len(self.units):
            return range(len(self.units))
        return [number for number, symbols in enumerate(self.units) for _ in symbols]
