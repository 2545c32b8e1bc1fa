"""Letters gone astray: repeats, digits for letters, slips of the finger, words run together."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import eq

from bot.care.lookalikes import LETTERS_FOR


def walk_back(word: str, starts: list[int]) -> list[str]:
    """Return the pieces of a word, given where the piece ending at each place begins."""
    pieces, end = [], len(word)
    while end:
        pieces.append(word[starts[end] : end])
        end = starts[end]
    return pieces[::-1]


def squeeze(word: str, most: int = 1) -> str:
    """Shorten runs of one letter to at most `most`."""
    if not any(map(eq, word, word[1:])):
        return word
    return "".join(letter * min(most, len(list(run))) for letter, run in groupby(word))


def as_letters(word: str) -> list[str]:
    """Readings of a word with digits or signs among its letters; the word itself when it has none."""
    if word.isalpha():
        return [word]
    if not any(char.isalpha() for char in word):
        return []
    readings = [""]
    for char in word:
        meant = char if char.isalpha() else LETTERS_FOR.get(char, "")
        readings = [start + each for start in readings for each in (meant or ("",))][:8]
    without = "".join(char for char in word if char.isalpha())
    return [*readings, without]


_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _beside(letter: str) -> str:
    """The keys left and right of a letter, and the nearest ones above and below."""
    out = ""
    for row_number, row in enumerate(_KEYBOARD):
        if letter in row:
            at = row.index(letter)
            out += row[max(0, at - 1) : at] + row[at + 1 : at + 2]
            for other in (row_number - 1, row_number + 1):
                if 0 <= other < len(_KEYBOARD):
                    out += _KEYBOARD[other][max(0, at - 1) : at + 2]
    return out


def slips(word: str) -> Iterable[str]:
    """What a finger may make of a short word: a letter dropped, doubled, swapped, or its neighbour hit."""
    for at, letter in enumerate(word):
        if len(word) > 3:
            yield word[:at] + word[at + 1 :]
        yield word[:at] + letter + word[at:]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + letter + word[at + 2 :]
        for key in _beside(letter):
            yield word[:at] + key + word[at + 1 :]
            yield word[: at + 1] + key + word[at + 1 :]


def one_slip(left: str, right: str) -> bool:
    """Tell whether the words differ by one letter added, dropped, changed, or two neighbours swapped."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
    return a[1:] == b if len(a) > len(b) else a == b[1:]
