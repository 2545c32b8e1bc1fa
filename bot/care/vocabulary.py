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
        "mg",
        "mgs",
        "g",
        "gr",
        "gm",
        "gms",
        "mcg",
        "ug",
        "ml",
        "mls",
        "kg",
        "lb",
        "lbs",
        "h",
        "hr",
        "hrs",
        "am",
        "pm",
        "th",
        "st",
        "nd",
        "rd",
        "min",
        "mins",
        "s",
        "x",
        "k",
        "yo",
        "yrs",
        "yr",
        "cc",
        "oz",
    ]
)
_OTHER_BYTES = OTHER.encode()
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
    _symbols: dict[str, str] = field(init=False, default_factory=dict)
    _prefixes: list[str] = field(init=False, default_factory=list)
    _squeezed: dict[str, str] = field(init=False, default_factory=dict)
    _deleted: dict[str, list[str]] = field(init=False, default_factory=dict)
    _classes: dict[frozenset[str], str] = field(init=False, default_factory=dict)
    _set_symbols: dict[frozenset[str], str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        prefixes = {word for each in self.sets for word in each if word.endswith(STARS) and word != STARS}
        self._prefixes = sorted((each[:-1] for each in prefixes), key=len, reverse=True)
        self._give_symbols()
        self._index_spellings()
        self._index_slips()
        self.known = _Known(self)

    def _give_symbols(self) -> None:
        words = {word for each in self.sets for word in each} | {".", "?", "!", ",", NUMBER}
        words |= {part for meant in self.spellings.values() for part in meant.split()}
        membership: dict[str, set[int]] = {word: set() for word in words}
        ordered = sorted(self.sets, key=lambda each: (-len(each), sorted(each)))
        for number, each in enumerate(ordered):
            for word in each:
                membership[word].add(number)
        beginnings = frozenset(self._prefixes)
        self._beginning: dict[str, list[str]] = {prefix: [] for prefix in self._prefixes}
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)
        for word in words:
            for length in range(1, len(word) + 1):
                if word[:length] in beginnings and word != word[:length] + STARS:
                    membership[word] |= membership[word[:length] + STARS]
                    self._beginning[word[:length]].append(word)
        signatures = {word: tuple(sorted(numbers)) for word, numbers in membership.items()}
        ends = {".", "?", "!", ","}
        together = [{at for at, each in enumerate(ordered) if each == group} for group in self.neighbours]
        keys = sorted(
            {numbers for word, numbers in signatures.items() if word not in ends and numbers},
            key=lambda numbers: ([not group.isdisjoint(numbers) for group in together], numbers),
        )
        key_symbol = {key: chr(FIRST_SYMBOL + at) for at, key in enumerate(keys)}
        after = FIRST_SYMBOL + len(keys)
        for at, sign in enumerate((".", "?", "!", ",")):
            self._symbols[sign] = chr(after + at)
        for word, numbers in signatures.items():
            if word not in ends:
                self._symbols[word] = key_symbol[numbers] if numbers else OTHER

    def _index_spellings(self) -> None:
        plain = [word for word in self._symbols if word.isalpha() and not word.endswith(STARS)]
        self._common = frozenset(self.common)
        inflected = {
            word + ending for word in self._common if len(word) > 2 for ending in ("s", "ed", "ing", "d")
        }
        singles = {letter for letter in "iuay" if letter in self._symbols}
        whole = {word for word in (*plain, *self.spellings) if len(word) > 1}
        self._pieces = self._common | inflected | whole | singles
        for word in sorted(plain, key=_shortest_first):
            squeezed = squeeze(word)
            self._squeezed.setdefault(squeezed, word)
            if len(word) >= _SHORTEST_FUZZY:
                for at in range(len(word)):
                    self._deleted.setdefault(word[:at] + word[at + 1 :], []).append(word)
        for word in sorted(self._common, key=_shortest_first):
            self._squeezed.setdefault(squeeze(word), word)

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
        kept = {OTHER, *self._symbols.values()} - set(self.symbols_of(words))
        return _ranges("".join(sorted(kept)))

    def class_of(self, words: frozenset[str]) -> str:
        """The character class of a word set."""
        known = self._classes.get(words)
        if known is None:
            known = self._classes[words] = _ranges(self.symbols_of(words))
        return known

    def symbols_of(self, words: frozenset[str]) -> str:
        """The symbols a word of the set may be read as, in order, none twice."""
        known = self._set_symbols.get(words)
        if known is None:
            known = "".join(sorted({each for word in words for each in self._symbols_of(word)}))
            self._set_symbols[words] = known
        return known

    @cached_property
    def _numerals(self) -> frozenset[str]:
        return frozenset(symbol for each, symbol in self._symbols.items() if each[0].isdigit())

    def _symbols_of(self, word: str) -> set[str]:
        symbols = {self._symbols[word]}
        if word == NUMBER:
            symbols |= self._numerals
        if word.endswith(STARS):
            symbols |= {self._symbols[each] for each in self._beginning.get(word[:-1], ())}
        return symbols

    def encode(self, units: Iterable[str]) -> list[bytes]:
        """Return each unit's symbols, as bytes; a unit may stand for several words."""
        known = self.known
        known.budget = _MOST_READ
        return [known[unit] for unit in units]

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
        return self.known.get(word) == _OTHER_BYTES and word not in self._common and word not in self._symbols


class _Known(dict[str, bytes]):
    """Symbols of words seen before; forgets everything when full, so that memory stays bounded."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self.budget = _MOST_READ

    def __missing__(self, word: str) -> bytes:
        if self.budget <= 0 or len(word) > _LONGEST_GLUED:
            return _OTHER_BYTES
        self.budget -= 1 + (len(word) > _LONGEST_WORD) * len(word)
        symbols = self._vocabulary.read(word).encode()
        if len(self) > _MOST_REMEMBERED:
            self.clear()
        self[word] = symbols
        return symbols


def _shortest_first(word: str) -> tuple[int, str]:
    """Order words by length, then letters: a word that may be two others is the same one in every run."""
    return len(word), word


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
