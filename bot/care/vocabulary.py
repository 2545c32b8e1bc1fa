"""The words patterns speak of, each a symbol, and how written words are read as them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bot.care.patterns import NUMBER, STARS
from bot.care.spelling import as_letters, one_slip, slips, squeeze, walk_back

FIRST_SYMBOL = (
    0x4E00  # every symbol takes three bytes in UTF-8, so a place in the bytes is three times a word's
)
SYMBOL_BYTES = 3
OTHER = "\u4dff"  # a word no pattern speaks of
_NUMBER_UNITS = frozenset(
    [
        "mg", "mgs", "g", "gr", "gm", "gms", "mcg", "ug", "ml", "mls", "kg", "lb", "lbs", "h", "hr",
        "hrs", "am", "pm", "th", "st", "nd", "rd", "min", "mins", "s", "x", "k", "yo", "yrs", "yr",
        "cc", "oz",
    ]
)  # fmt: skip
_SIGNS = (".", "?", "!", ",")
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
    """Gives each written word its symbols.

    `sets` are the word sets of all patterns; words that are in the same sets share a symbol.
    `spellings` maps a misspelling or short form to the words meant. `common` are ordinary words of both
    languages: they are read as themselves and never corrected; `frequent` are those in nearly every message.
    """

    sets: Collection[frozenset[str]]
    spellings: Mapping[str, str]
    common: Collection[str]
    frequent: Collection[str] = frozenset()
    slips: Collection[str] = ()  # short words of which every slip of the finger is read
    neighbours: Sequence[frozenset[str]] = ()  # sets whose symbols stand in a row: they are short to write
    _squeezed: dict[str, str] = field(init=False, default_factory=dict)
    _deleted: dict[str, list[str]] = field(init=False, default_factory=dict)
    _classes: dict[frozenset[str], str] = field(init=False, default_factory=dict)
    _weights: dict[frozenset[str], float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._frequent = frozenset(self.frequent)
        self._give_symbols()
        self._index_spellings()
        self._index_slips()
        self.known = _Known(self)

    def _give_symbols(self) -> None:
        words = {word for each in self.sets for word in each} | {*_SIGNS, NUMBER}
        words.update(part for meant in self.spellings.values() for part in meant.split())
        membership: dict[str, list[int]] = {word: [] for word in words}
        ordered = sorted(self.sets, key=len, reverse=True)
        for number, each in enumerate(ordered):
            for word in each:
                membership[word].append(number)
        self._begin(words)
        for beginning, begun in self._beginning.items():
            for word in begun:
                membership[word] = sorted({*membership[word], *membership[beginning + STARS]})
        together = [{at for at, each in enumerate(ordered) if each == group} for group in self.neighbours]
        signatures = {word: tuple(numbers) for word, numbers in membership.items() if word not in _SIGNS}
        keys = sorted(
            {numbers for numbers in signatures.values() if numbers},
            key=lambda numbers: ([not group.isdisjoint(numbers) for group in together], numbers),
        )
        key_symbol = {key: chr(FIRST_SYMBOL + at) for at, key in enumerate(keys)} | {(): OTHER}
        self._symbols = {sign: chr(FIRST_SYMBOL + len(keys) + at) for at, sign in enumerate(_SIGNS)}
        self._symbols |= {word: key_symbol[numbers] for word, numbers in signatures.items()}

    def _begin(self, words: Collection[str]) -> None:
        """Note which words each beginning, "suicid*", stands for."""
        self._beginning: dict[str, list[str]] = {
            word[:-1]: [] for word in words if word.endswith(STARS) and word != STARS
        }
        self._prefix_lengths = sorted({len(prefix) for prefix in self._beginning}, reverse=True)
        for word in words:
            for length in self._prefix_lengths:
                begun = self._beginning.get(word[:length])
                if begun is not None and len(word) >= length and word != word[:length] + STARS:
                    begun.append(word)

    def _index_spellings(self) -> None:
        self._common = frozenset(self.common)
        plain = sorted(word for word in self._symbols if word.isalpha())
        plain.sort(key=len)  # a word that may be two others is the shorter one, the same in every run
        for word in (*plain, *sorted(sorted(self._common), key=len)):
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
        singles = {letter for letter in "iuay" if letter in self._symbols}
        whole = {word for word in self._symbols if len(word) > 1 and word.isalpha()}
        whole.update(word for word in self.spellings if len(word) > 1)
        return frozenset(self._common | inflected | whole | singles)

    def _index_slips(self) -> None:
        """Read slips in short words that matter, unless they make another word."""
        self._slipped: dict[str, str] = {}
        for word in self.slips:
            for slip in slips(word):
                if slip not in self._symbols and slip not in self._common and slip not in self.spellings:
                    self._slipped.setdefault(slip, word)

    @property
    def ends(self) -> str:
        """The character class of sentence ends."""
        return f"[{self._symbols['.']}{self._symbols['?']}{self._symbols['!']}]"

    @property
    def comma(self) -> str:
        """The symbol of a comma."""
        return self._symbols[","]

    @property
    def every(self) -> str:
        """The range of all symbols."""
        return f"{OTHER}-{max(self._symbols.values())}"

    def class_but(self, words: frozenset[str]) -> str:
        """The character class of all symbols but those a word of the set may be read as."""
        kept = {*self.symbols[""]} - set(self.symbols_of(words))
        return _ranges("".join(sorted(kept)))

    def class_of(self, words: frozenset[str]) -> str:
        """The character class of a word set."""
        known = self._classes.get(words)
        if known is None:
            known = self._classes[words] = _ranges(self.symbols_of(words))
        return known

    def symbols_of(self, words: frozenset[str]) -> str:
        """The symbols a word of the set may be read as, in order, none twice."""
        return "".join(sorted({each for word in words for each in self.symbols[word]}))

    @cached_property
    def symbols(self) -> Mapping[str, Collection[str]]:
        """The symbols each word may be read as; by the empty word, all there are."""
        numerals = {symbol for each, symbol in self._symbols.items() if each[0].isdigit()}
        symbols: dict[str, Collection[str]] = dict(self._symbols)
        symbols[""] = {OTHER, *self._symbols.values()}
        symbols[NUMBER] = numerals | {self._symbols[NUMBER]}
        for beginning, begun in self._beginning.items():
            own = beginning + STARS
            symbols[own] = {self._symbols[each] for each in (own, *begun)}
        return symbols

    def encode(self, units: Iterable[str]) -> list[str]:
        """Return each unit's symbols; a unit may stand for several words."""
        known = self.known
        known.budget = _MOST_READ
        return [known[unit] for unit in units]

    def weigh(self, words: frozenset[str]) -> float:
        """Return how common the words of a set are in ordinary messages."""
        known = self._weights.get(words)
        if known is None:
            known = self._weights[words] = len(words) + 29 * len(words & self._frequent)
        return known

    def read(self, word: str) -> str:
        """Return the symbols of a word that is in no list as written."""
        return "".join(self._symbols.get(each, OTHER) for each in self.meant(word))

    def meant(self, word: str) -> tuple[str, ...]:
        """Return the words a written word stands for; ("?unknown",) when that cannot be told."""
        if word.isdigit():
            return (word,) if word in self._symbols else (NUMBER,)
        found = (
            self._exact(word)
            or self._begun(word)
            or self._number(word)
            or self._inflected(word)
            or self._respelled(word)
        )
        return found or ("?unknown",)

    def _listed(self, word: str) -> tuple[str, ...]:
        return self._exact(word) or self._begun(word)

    def _exact(self, word: str) -> tuple[str, ...]:
        if word in self.spellings:
            return tuple(self.spellings[word].split())
        return (word,) if word in self._symbols else ()

    def _begun(self, word: str) -> tuple[str, ...]:
        """Read a word by how it begins; a slip in a listed word is read as that word."""
        for length in self._prefix_lengths:
            if word[:length] in self._beginning:
                whole = (
                    self._exact(squeeze(word, most=2)) or self._exact(squeeze(word)) or self._corrected(word)
                )
                return whole if whole and whole[0].startswith(word[:length]) else (word[:length] + STARS,)
        return (word,) if word in self._common else ()

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
            if len(shorter) >= _SHORTEST_FUZZY and shorter in self._symbols:
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
        return tuple(part for piece in pieces for part in self._listed(piece) or ("?unknown",))

    def _piece_cost(self, piece: str, loose: bool) -> float:
        if piece in self._pieces:
            return 1.3 if len(piece) > 2 else 1.5 if piece in self.frequent else _NEVER
        return 2.0 if loose and len(piece) == 1 else _NEVER

    def unknown(self, word: str) -> bool:
        """Tell whether a word read before is in neither language as far as the lists know."""
        return self.known.get(word) == OTHER and word not in self._common and word not in self._symbols


class _Known(dict[str, str]):
    """Symbols of words seen before; forgets everything when full, so that memory stays bounded."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self.budget = _MOST_READ

    def __missing__(self, word: str) -> str:
        if self.budget <= 0 or len(word) > _LONGEST_GLUED:
            return OTHER
        self.budget -= 1 + (len(word) > _LONGEST_WORD) * len(word)
        symbols = self._vocabulary.read(word)
        if len(self) > _MOST_REMEMBERED:
            self.clear()
        self[word] = symbols
        return symbols


def _ranges(symbols: str) -> str:
    """Write sorted symbols as a character class."""
    if len(symbols) == 1:
        return symbols
    if not symbols:
        return f"[{OTHER}]"
    parts, start = [], symbols[0]
    for here, following in zip(symbols, [*symbols[1:], ""], strict=True):
        if not following or ord(following) != ord(here) + 1:
            parts.append(start if start == here else f"{start}-{here}")
            start = following
    return f"[{''.join(parts)}]"
