"""The words patterns speak of, and how written words are read as them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.care.passage import COMMA, SENTENCE_ENDS, Place, Unit
from bot.care.patterns import NUMBER, STARS
from bot.care.spelling import as_letters, one_slip, slips, squeeze, walk_back

UNKNOWN = "?unknown"  # a word nobody can tell
_DOUBLED = re.compile(r"(.)\1")
_NUMBER_UNITS = frozenset(
    [
        "mg", "mgs", "g", "gr", "gm", "gms", "mcg", "ug", "ml", "mls", "kg", "lb", "lbs", "h", "hr",
        "hrs", "am", "pm", "th", "st", "nd", "rd", "min", "mins", "s", "x", "k", "yo", "yrs", "yr",
        "cc", "oz",
    ]
)  # fmt: skip
_ENDINGS = ("ing", "ed", "s", "es", "er", "ers", "ly", "d", "mente", "ando", "iendo", "aba", "aron")
_LONGEST_WORD = 22
_LONGEST_GLUED = 600
_SHORTEST_FUZZY = 5
_LONGEST_PIECE = 14
_SHORTEST_MESSAGE = 16  # a run of letters that may be a whole message without spaces
_NEVER = 1e9
_MOST_REMEMBERED = 60_000
_MOST_READ = 4_000  # words worked out per message; the rest are taken as they stand


@dataclass
class Vocabulary:
    """Reads each written word as words that patterns speak of.

    `spoken` are all words that any pattern speaks of. `spellings` maps a misspelling or a short form to the
    words meant. `common` are ordinary words of both languages: they are read as themselves and never
    corrected, and what is run together is parted into them; `frequent` are those in nearly every message.
    `ordinary` are rarer words that are read as themselves too: they look like a slip in a word that matters.
    """

    spoken: Collection[str]
    spellings: Mapping[str, str]
    common: Collection[str]
    frequent: Collection[str] = frozenset()
    slips: Collection[str] = ()  # short words of which every slip of the finger is read
    ordinary: Collection[str] = frozenset()
    _squeezed: dict[str, str] = field(init=False, default_factory=dict)
    _deleted: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._common = frozenset(self.common)
        self._ordinary = frozenset(self.ordinary)
        meant = {part for words in self.spellings.values() for part in words.split()}
        self._words = frozenset((*self.spoken, *meant, *SENTENCE_ENDS, COMMA, NUMBER))
        self._beginnings = frozenset(word for word in self._words if word.endswith(STARS))
        self._lengths = sorted({len(word) - 1 for word in self._beginnings}, reverse=True)
        self._index_spellings()
        self._index_slips()
        self.known = _Known(self)

    def _index_spellings(self) -> None:
        plain = [word for word in self._words if word.isalpha()]
        doubled = [word for word in {*plain, *self._common} if _DOUBLED.search(word)]
        # A word that may be two others is a phrase's own, then the shorter one: the same in every run.
        for word in sorted(doubled, key=lambda each: (each not in self._words, len(each), each)):
            self._squeezed.setdefault(squeeze(word), word)
        deleted = self._deleted
        for word in plain:
            if len(word) >= _SHORTEST_FUZZY:
                for at in range(len(word)):
                    shorter = word[:at] + word[at + 1 :]
                    if shorter in deleted:
                        deleted[shorter].append(word)
                    else:
                        deleted[shorter] = [word]

    @cached_property
    def _pieces(self) -> frozenset[str]:
        """What a run of glued words may be split into."""
        inflected = {
            word + ending for word in self._common if len(word) > 2 for ending in ("s", "ed", "ing", "d")
        }
        singles = {letter for letter in "iuay" if letter in self._words}
        whole = {word for word in self._words if len(word) > 1 and word.isalpha()}
        whole.update(word for word in self.spellings if len(word) > 1)
        return frozenset(self._common | inflected | whole | singles)

    def _index_slips(self) -> None:
        """Read slips in short words that matter, unless they make another word."""
        self._slipped: dict[str, str] = {}
        for word in self.slips:
            for slip in slips(word):
                if slip not in self._words and slip not in self._common and slip not in self.spellings:
                    self._slipped.setdefault(slip, word)

    def units(self, written: Iterable[str]) -> list[Unit]:
        """Return what each written word is read as; one may stand for several words."""
        known = self.known
        known.budget = _MOST_READ
        return [known[word] for word in written]

    def read(self, word: str) -> Unit:
        """Return what a word is read as that was not met before."""
        return tuple([self._place(each) for each in self.meant(word)])

    def _place(self, word: str) -> Place:
        """Return every word of a pattern that a word meets."""
        met = [word] if word in self._words else []
        if word[0].isdigit():
            met.append(NUMBER)
        for length in self._lengths:
            beginning = word[:length] + STARS
            if beginning in self._beginnings and beginning != word and length <= len(word):
                met.append(beginning)
        return tuple(met)

    def meant(self, word: str) -> tuple[str, ...]:
        """Return the words a written word stands for; (UNKNOWN,) when that cannot be told."""
        if word.isdigit():
            return (word,) if word in self._words else (NUMBER,)
        found = (
            self._exact(word)
            or self._begun(word)
            or self._number(word)
            or self._inflected(word)
            or self._respelled(word)
        )
        return found or (UNKNOWN,)

    def _listed(self, word: str) -> tuple[str, ...]:
        return self._exact(word) or self._begun(word)

    def _exact(self, word: str) -> tuple[str, ...]:
        if word in self.spellings:
            return tuple(self.spellings[word].split())
        return (word,) if word in self._words else ()

    def _begun(self, word: str) -> tuple[str, ...]:
        """Read a word by how it begins; a slip in a listed word is read as that word."""
        for length in self._lengths:
            if word[:length] + STARS in self._beginnings:
                if word in self._ordinary:
                    return (word[:length] + STARS,)
                whole = (
                    self._exact(squeeze(word, most=2)) or self._exact(squeeze(word)) or self._corrected(word)
                )
                return whole if whole and whole[0].startswith(word[:length]) else (word[:length] + STARS,)
        return (word,) if word in self._common or word in self._ordinary else ()

    def _number(self, word: str) -> tuple[str, ...]:
        digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        if digits.isdigit() and word[len(digits) :] in _NUMBER_UNITS:
            return (NUMBER,)
        return ()

    def _inflected(self, word: str) -> tuple[str, ...]:
        """Know "remembering" by "remember", so that it is neither corrected nor split."""
        for ending in _ENDINGS:
            stem = word.removesuffix(ending)
            if stem != word and len(stem) > 2 and not self._common.isdisjoint((stem, stem + "e", stem[:-1])):
                return (word,)
        return ()

    def _respelled(self, word: str) -> tuple[str, ...]:
        if len(word) > _LONGEST_GLUED:
            return ()
        for letters in as_letters(word):
            found = self._listed(letters) if letters != word else ()
            found = found or self._unrepeated(letters) or self._corrected(letters) or self._split(letters)
            if found:
                return found
        return ()

    def _unrepeated(self, word: str) -> tuple[str, ...]:
        squeezed = squeeze(word)
        if squeezed == word and word not in self._squeezed:
            return ()
        twice = squeeze(word, most=2)
        found = self._listed(twice) if twice != word else ()
        if not found and squeezed != word:
            found = self._listed(squeezed)
        if not found and (whole := self._squeezed.get(squeezed)):
            found = self._listed(whole)
        return found

    def _corrected(self, word: str) -> tuple[str, ...]:
        """One letter too few, too many, wrong or swapped, in words long enough to be sure."""
        if word in self._slipped:
            return self._exact(self._slipped[word])
        if not _SHORTEST_FUZZY - 1 <= len(word) <= _LONGEST_WORD or not word.isalpha():
            return ()
        candidates = list(self._deleted.get(word, ()))
        for at in range(len(word)):
            shorter = word[:at] + word[at + 1 :]
            if len(shorter) >= _SHORTEST_FUZZY and shorter in self._words:
                candidates.append(shorter)
            candidates += self._deleted.get(shorter, ())
        close = [each for each in candidates if one_slip(word, each)]
        return (min(close, key=lambda each: (each[0] != word[0], each)),) if close else ()

    def _split(self, word: str) -> tuple[str, ...]:
        """Read glued words, "wanttodie": the split with the fewest pieces.

        In a run long enough to be a whole message, letters that are no word are left out.
        """
        if len(word) < 4 or not word.isalpha():
            return ()
        loose = len(word) >= _SHORTEST_MESSAGE
        best: list[tuple[float, int]] = [(0.0, 0)] + [(_NEVER, 0)] * len(word)
        for end in range(1, len(word) + 1):
            best[end] = min(
                (best[start][0] + self._piece_cost(word[start:end], loose), start)
                for start in range(max(0, end - _LONGEST_PIECE), end)
            )
        if best[-1][0] >= _NEVER:
            return ()
        pieces = walk_back(word, [start for _, start in best])
        if loose and 5 * sum(len(piece) for piece in pieces if len(piece) > 2) < 3 * len(word):
            return ()
        return tuple(part for piece in pieces for part in self._listed(piece) or (UNKNOWN,))

    def _piece_cost(self, piece: str, loose: bool) -> float:
        if piece in self._pieces:
            return 1.3 if len(piece) > 2 else 1.5 if piece in self.frequent else _NEVER
        return 2.0 if loose and len(piece) == 1 else _NEVER

    def unknown(self, word: str) -> bool:
        """Tell whether a word read before is in neither language as far as the lists know."""
        listed = word in self._words or word in self._common or word in self._ordinary
        return not listed and self.known.get(word) == _NOTHING


_NOTHING: Unit = ((),)


class _Known(dict[str, Unit]):
    """What was read before; forgets everything when full, so that memory stays bounded."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self.budget = _MOST_READ

    def __missing__(self, word: str) -> Unit:
        if self.budget <= 0 or len(word) > _LONGEST_GLUED:
            return _NOTHING
        self.budget -= 1 + (len(word) > _LONGEST_WORD) * len(word)
        if len(self) > _MOST_REMEMBERED:
            self.clear()
        unit = self[word] = self._vocabulary.read(word)
        return unit
