"""How hard a text is to read: school grades, measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import pyphen

LIMIT = 6.0
FEWEST_WORDS = 8  # a shorter text is a label: a formula made for passages says nothing about it
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?;:\n]+")
_VOWELS = re.compile(r"[aeiouyáéíóúüàèìòùâêîôûäëïö]+", re.IGNORECASE)
_SILENT_E = re.compile(r"[^aeiouyl]e(?:s|d)?$", re.IGNORECASE)
Formula = Callable[[float, float], float]  # words per sentence, syllables per word -> school grade


def _flesch_kincaid(words: float, syllables: float) -> float:
    return 0.39 * words + 11.8 * syllables - 15.59


def _fernandez_huerta(words: float, syllables: float) -> float:
    """Return a grade from the Spanish reading ease: 90 is grade 4, and ten points are a grade."""
    ease = 206.84 - 60 * syllables - 1.02 * words
    return 4 + (90 - ease) / 10


FORMULAS: dict[str, tuple[str, Formula]] = {
    "en": ("Flesch-Kincaid", _flesch_kincaid),
    "es": ("Fernández Huerta", _fernandez_huerta),
}


@dataclass(frozen=True)
class Grade:
    """What was measured. `grade` is None where there is no formula, or too few words for one."""

    words: int
    sentences: int
    syllables: int
    grade: float | None


def measure(text: str, language: str) -> Grade:
    """Return how hard `text` is to read in a language."""
    sentences = [words for part in _SENTENCE_END.split(text) if (words := _WORD.findall(part))]
    words = [word for sentence in sentences for word in sentence]
    syllables = sum(syllables_of(word, language) for word in words)
    if language not in FORMULAS or len(words) < FEWEST_WORDS:
        return Grade(len(words), len(sentences), syllables, None)
    formula = FORMULAS[language][1]
    return Grade(
        len(words),
        len(sentences),
        syllables,
        max(0.0, formula(len(words) / len(sentences), syllables / len(words))),
    )


def measure_all(texts: Iterable[str], language: str) -> Grade:
    """Return the grade of several texts read as one passage."""
    return measure("\n".join(texts), language)


@cache
def syllables_of(word: str, language: str) -> int:
    """Return the syllables of a word: the more of hyphenation points and vowel groups, never fewer.

    Hyphenation leaves out breaks that printers avoid, so that alone it would flatter a text.
    """
    plain = word.lower()
    vowels = len(_VOWELS.findall(plain))
    if language == "en" and vowels > 1 and _SILENT_E.search(plain):
        vowels -= 1
    return max(1, vowels, _hyphenated(plain, language))


def _hyphenated(word: str, language: str) -> int:
    dictionary = _dictionary(language)
    return len(dictionary.positions(word)) + 1 if dictionary else 0


@cache
def _dictionary(language: str) -> pyphen.Pyphen | None:
    found = pyphen.language_fallback(language)
    return pyphen.Pyphen(lang=found, left=1, right=1) if found else None
