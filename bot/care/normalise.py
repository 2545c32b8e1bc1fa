"""Reading a text as words, whatever its letters look like, with a way back to the text as written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from html.entities import html5
from itertools import pairwise
from typing import NamedTuple

from bot.care.lookalikes import LETTERS_FOR, LOOK_ALIKES
from bot.care.places import Places

APOSTROPHES = "'’‘ʼ`´′＇‛ʹ"
SENTENCE_ENDS = ".!?…;:\n\r\u2028\u2029。！？؟¿¡"
FADED = "\u200b"  # stands where a character was taken away; folding drops it
_SIGNS_IN_WORDS = frozenset("@$!|+*#€£")
_MOJIBAKE = {"â€™": "'", "â€˜": "'", "Ã¡": "a", "Ã©": "e", "Ã­": "i", "Ã³": "o", "Ãº": "u", "Ã±": "n"}
_TAIL = re.compile(" (?:[tmsd]|re|ve|ll) ")
_CUT_OFF = {
    "t": frozenset(
        [
            "don",
            "doesn",
            "didn",
            "can",
            "won",
            "wouldn",
            "couldn",
            "shouldn",
            "isn",
            "aren",
            "wasn",
            "weren",
            "haven",
            "hasn",
            "hadn",
            "ain",
            "mustn",
            "needn",
        ]
    ),
    "m": frozenset({"i"}),
    "s": frozenset(["it", "that", "what", "he", "she", "there", "who", "let", "here", "how", "where"]),
    "re": frozenset(["you", "they", "we"]),
    "ve": frozenset(["i", "you", "they", "we", "would", "could", "should", "might"]),
    "ll": frozenset(["i", "you", "they", "we", "he", "she", "it", "that"]),
    "d": frozenset(["i", "you", "they", "we", "he", "she", "it"]),
}
_MOST_SPACED = 400
_SPELLED = frozenset("bcdfghjklmnpqrstvwxz")  # rarely stand alone: a sign of a spelled-out word
_LETTER_SIGNS = ((0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26))  # letters in circles, squares, flags


class _Folding(dict[int, str]):
    """What each character folds to: lower case, no accent, look-alikes as Latin letters."""

    def __init__(self, emoji: Mapping[str, str]) -> None:
        super().__init__()
        self._emoji = emoji
        for code in range(128):
            self[code] = self.__missing__(code)

    def __missing__(self, code: int) -> str:
        folded = self._fold(chr(code))
        self[code] = folded
        return folded

    def _fold(self, char: str) -> str:
        if word := self._emoji.get(char):
            return f" {word} "
        if char in APOSTROPHES:
            return ""
        if char in SENTENCE_ENDS:
            return _END_SIGNS.get(char, ".")
        if char in ",،、，":
            return ","
        for first, count in _LETTER_SIGNS:
            if first <= ord(char) < first + count:
                return chr(ord("a") + ord(char) - first)
        return "".join(_fold_part(part) for part in unicodedata.normalize("NFKD", char))


_END_SIGNS = {"?": "?", "？": "?", "؟": "?", "!": "!", "！": "!", "¿": " ", "¡": " "}


def _fold_part(part: str) -> str:
    category = unicodedata.category(part)
    if category in ("Mn", "Me", "Cf", "Lm", "Sk") or part in "\u034f\u115f\u1160\u3164":
        return ""
    lowered = part.lower()
    if part in LOOK_ALIKES:
        return LOOK_ALIKES[part]
    if lowered.isascii() and (lowered.isalnum() or lowered in _SIGNS_IN_WORDS or lowered in ".,?!"):
        return lowered
    if lowered.isalnum():
        return LOOK_ALIKES.get(lowered, lowered)
    return " "


class Reading(NamedTuple):
    """A text as words. `units` are what patterns see."""

    text: str
    units: tuple[str, ...]
    raw: tuple[str, ...]  # the words before spelled-out letters were joined
    joined: tuple[int, ...]  # how many raw words each unit takes; empty when one each
    folded: str  # the text lower-cased and without accents, from which the words were taken


class Reader:
    """Turns text into words. `emoji` maps an emoji to the word it is read as."""

    def __init__(self, emoji: Mapping[str, str]) -> None:
        self._folding = _Folding(emoji)

    def read(self, text: str) -> Reading:
        """Return the words of `text`; never raises, takes time in proportion to its length."""
        folded = self._folded(text)
        raw = _parted(folded).split()
        joined: list[int] = []
        units = raw
        if not _SPELLED.isdisjoint(raw):
            if folded.count("  ") > 1:
                raw, units, joined = _join_spaced(folded)
            else:
                units, joined = _join_letters(raw)
        return Reading(text, tuple(units), tuple(raw), tuple(joined), folded)

    def places(self, reading: Reading) -> Places:
        """Return where the units stand in the text as written."""
        return Places(reading.raw, reading.joined, reading.folded, self._origins(reading))

    def _folded(self, text: str) -> str:
        folded = _decoded(text).translate(self._folding)
        return _rejoin_contractions(folded)

    def _origins(self, reading: Reading) -> Sequence[int]:
        """For each folded character, the place of the written one it came from."""
        text, folding = _decoded(reading.text), self._folding
        if text.isascii():  # no ASCII character folds to two
            if len(text) == len(reading.folded):
                return range(len(text))
            dropped = {char for char in set(text) if not folding[ord(char)]}
            return [at for at, char in enumerate(text) if char not in dropped]
        widths = {char: len(folding[ord(char)]) for char in set(text)}
        if max(widths.values(), default=1) > 1:
            return [at for at, char in enumerate(text) for _ in range(widths[char])]
        dropped = {char for char, width in widths.items() if not width}
        return [at for at, char in enumerate(text) if char not in dropped] if dropped else range(len(text))


def _parted(folded: str) -> str:
    """Set sentence ends and commas apart from words, except between the letters of one word."""
    for sign in ".,?":
        if sign in folded:
            folded = folded.replace(sign, f" {sign} ")
    if "!" in folded:
        folded = "".join(_part_exclamations(folded))
    return folded


def _part_exclamations(folded: str) -> list[str]:
    """Keep "d!e" in one piece and part "die!" and "no!yes" only where the sign ends a word."""
    pieces = folded.split("!")
    out = [pieces[0]]
    for before, after in pairwise(pieces):
        inside = before[-1:].isalpha() and after[:1].isalpha()
        out.append("!" if inside else " ! ")
        out.append(after)
    return out


def _decoded(text: str) -> str:
    """Undo escapes that a channel left in the text, keeping every character's place."""
    if "\\u" in text or "&" in text or "â€" in text or "Ã" in text:
        return _undo_escapes(text)
    return text


def _undo_escapes(text: str) -> str:
    for broken, sign in _MOJIBAKE.items():
        text = text.replace(broken, sign.ljust(len(broken), FADED))
    out, at = [], 0
    while at < len(text):
        char, width = _escape_at(text, at)
        out.append(char.ljust(width, FADED))
        at += width
    return "".join(out)


def _escape_at(text: str, at: int) -> tuple[str, int]:
    if text[at] == "\\" and text[at + 1 : at + 2] == "u":
        digits = text[at + 2 : at + 6]
        if len(digits) == 4 and all(each in "0123456789abcdefABCDEF" for each in digits):
            return chr(int(digits, 16)), 6
    if text[at] == "&":
        name = text[at + 1 : at + 10].partition(";")[0]
        if (
            name.startswith("#")
            and name[1:].isascii()
            and name[1:].isdigit()
            and 0 < int(name[1:]) < 0x110000
        ):
            return chr(int(name[1:])), len(name) + 2
        if (sign := html5.get(f"{name};", "")) and len(sign) == 1:
            return sign, len(name) + 2
    return text[at], 1


def _rejoin_contractions(folded: str) -> str:
    """Read "don t" and "i m" as one word, without moving the letters that follow."""
    if not _TAIL.search(folded):
        return folded
    words = folded.split(" ")
    for at in range(1, len(words)):
        heads = _CUT_OFF.get(words[at])
        if heads and words[at - 1] in heads:
            words[at - 1], words[at] = f"{words[at - 1]}{words[at]}", ""
    return " ".join(words)


def _join_spaced(folded: str) -> tuple[list[str], list[str], list[int]]:
    """Read words spelled out with one space between letters and two between words."""
    raw: list[str] = []
    units: list[str] = []
    joined: list[int] = []
    for chunk in folded.split("  "):
        words = _parted(chunk).split()
        if len(words) > 1 and all(_is_letter(word) for word in words):
            more, counts = ["".join(words)], [len(words)]
        else:
            more, counts = _join_letters(words)
        raw += words
        units += more
        joined += counts
    return raw, units, joined


def _join_letters(raw: list[str]) -> tuple[list[str], list[int]]:
    """Join spelled-out words: "k i l l", "s.u.i.c.i.d.e"; three letters at least."""
    units: list[str] = []
    joined: list[int] = []
    at = 0
    while at < len(raw):
        if len(raw[at]) > 1:
            units.append(raw[at])
            joined.append(1)
            at += 1
            continue
        end = _end_of_letters(raw, at)
        letters = [word for word in raw[at:end] if _is_letter(word)]
        if len(letters) >= 3:
            units.append("".join(letters))
            joined.append(end - at)
            at = end
        else:
            units.append(raw[at])
            joined.append(1)
            at += 1
    return units, joined


def _end_of_letters(raw: list[str], start: int) -> int:
    at, end = start, start
    while at < len(raw) and at - start < _MOST_SPACED:
        if _is_letter(raw[at]):
            end = at + 1
        elif raw[at] not in ".,*" or at == start or not _is_letter(raw[at - 1]):
            break
        at += 1
    return end


def _is_letter(word: str) -> bool:
    return len(word) == 1 and (word.isalnum() or word in LETTERS_FOR) and word not in ".,?"
