"""Measure the phrase rules on labelled texts: recall and false alarms, by language and domain.

    python tests/bench/score_text.py FILE.csv... [--misses] [--disguise]

A CSV has the columns text, lang, label and domain. Label "crisis" should reach same_day or above, and
"not_crisis" should not; any other label is only counted. Intervals are Wilson's at 95 %. Nothing is written.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bot.care.level import Level
from bot.care.phrases import PhraseBook
from bot.content.phrases import load_phrases
from bot.content.source import Problem, read_folder

PROMPTS = Path(__file__).resolve().parents[2] / "prompts"
Row = dict[str, str]
T = TypeVar("T")


def load_book(prompts: Path = PROMPTS) -> PhraseBook:
    """Return the phrase book of a content folder; what is wrong with it is printed."""
    problems: list[Problem] = []
    book = load_phrases(read_folder(prompts, "rules/phrases", problems), problems)
    for problem in problems:
        print(problem, file=sys.stderr)
    return book


def level_of(book: PhraseBook, text: str) -> int:
    """Return the level a text reaches, 0 for none."""
    return max((finding.level for finding in book.judge(text)), default=0)


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's interval for a share."""
    if not total:
        return (0.0, 1.0)
    share, square = hits / total, z * z / total
    middle = (share + square / 2) / (1 + square)
    reach = z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return (middle - reach, middle + reach)


def read_rows(paths: Iterable[Path]) -> list[Row]:
    rows: list[Row] = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as lines:
            rows.extend(csv.DictReader(lines))
    return rows


def score(book: PhraseBook, rows: Sequence[Row]) -> list[str]:
    """Return a table: per language, label and domain, how many texts reach same_day and urgent."""
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        level = level_of(book, row["text"])
        for domain in (row["domain"], "ALL"):
            groups[row["lang"], row["label"], domain].append(level)
    lines = [f"{'lang':5}{'label':12}{'domain':32}{'n':>6}{'same_day':>10}{'95 %':>16}{'urgent':>9}"]
    for (lang, label, domain), levels in sorted(groups.items()):
        same = sum(level >= Level.SAME_DAY for level in levels)
        urgent = sum(level >= Level.URGENT for level in levels)
        low, high = wilson(same, len(levels))
        n = len(levels)
        span = f"{low:.3f}-{high:.3f}"
        lines.append(f"{lang:5}{label:12}{domain:32}{n:6}{same / n:10.3f}{span:>16}{urgent / n:9.3f}")
    return lines


def misses(book: PhraseBook, rows: Sequence[Row]) -> list[str]:
    """Return the texts judged otherwise than labelled, with the phrases that led there."""
    lines = []
    for row in rows:
        seen = book.examine(row["text"])
        reached = max((finding.level for finding in seen.findings), default=0) >= Level.SAME_DAY
        if row["label"] in ("crisis", "not_crisis") and reached != (row["label"] == "crisis"):
            why = sorted(
                {f"{hit.phrase.id}/{hit.level.key}/{hit.lowered_by}={hit.words}" for hit in seen.hits}
            )
            lines.append(f"{row['label']} {row['domain']}: {row['text']!r} {'; '.join(why)}")
    return lines


def _seeded(change: Callable[[str, random.Random], str]) -> Callable[[str], str]:
    return lambda text: change(text, random.Random(text))


def _each_word(text: str, share: float, chance: random.Random, change: Callable[[str], str]) -> str:
    words = text.split(" ")
    return " ".join(change(word) if len(word) > 3 and chance.random() < share else word for word in words)


def _accented(text: str, chance: random.Random) -> str:
    return "".join(char + chance.choice("\u0301\u0300\u0308") if char in "aeiou" else char for char in text)


def _typo(text: str, chance: random.Random) -> str:
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = chance.choice(places)
    kind = chance.choice(("drop", "swap", "double", "change"))
    if kind == "drop":
        return text[:at] + text[at + 1 :]
    if kind == "swap":
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == "double":
        return text[:at] + text[at] + text[at:]
    return text[:at] + chance.choice("abcdefghijklmnopqrstuvwxyz") + text[at + 1 :]


_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_CYRILLIC = str.maketrans("aeopcxyisAEOPCX", "аеорсхуіѕАЕОРСХ")
_LEET = str.maketrans("eioast", "310457")

EXACT: dict[str, Callable[[str], str]] = {
    "zero-width": "\u200b".join,
    "full-width": lambda text: text.translate(_FULL_WIDTH),
    "accents added": _seeded(_accented),
    "accents lost": lambda text: "".join(
        char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char)
    ),
    "emoji": lambda text: " 🌻 ".join(text.split(" ")),
    "capitals": str.upper,
    "no apostrophes": lambda text: text.replace("'", "").replace("’", ""),
    "curly apostrophes": lambda text: text.replace("'", "’"),
}
CLOSE: dict[str, Callable[[str], str]] = {
    "look-alikes": lambda text: text.translate(_CYRILLIC),
    "digits": lambda text: text.translate(_LEET),
    "repeats": _seeded(lambda text, chance: _each_word(text, 0.4, chance, lambda word: word + word[-1] * 3)),
    "spaced": _seeded(lambda text, chance: _each_word(text, 0.4, chance, " ".join)),
    "dotted": _seeded(lambda text, chance: _each_word(text, 0.4, chance, ".".join)),
    "all spaced": lambda text: "  ".join(" ".join(word) for word in text.split(" ")),
    "no spaces": lambda text: text.replace(" ", ""),
    "one typo": _seeded(_typo),
}


def disguise(book: PhraseBook, rows: Sequence[Row]) -> list[str]:
    """Return, for each disguise, the share of what is found in plain text that is still found."""
    found = [
        row["text"]
        for row in rows
        if row["label"] == "crisis" and level_of(book, row["text"]) >= Level.SAME_DAY
    ]
    lines = [f"{'disguise':20}{'kept':>7}{'wanted':>8}"]
    for wanted, changes in ((0.95, EXACT), (0.80, CLOSE)):
        for name, change in changes.items():
            kept = sum(level_of(book, change(text)) >= Level.SAME_DAY for text in found)
            lines.append(f"{name:20}{kept / max(1, len(found)):7.3f}{wanted:8.2f}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--misses", action="store_true", help="list the texts judged otherwise than labelled")
    parser.add_argument("--disguise", action="store_true", help="also measure disguised texts")
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    options = parser.parse_args(arguments)
    book, rows = load_book(options.prompts), read_rows(options.files)
    lines = score(book, rows)
    if options.disguise:
        lines += ["", *disguise(book, rows)]
    if options.misses:
        lines += ["", *misses(book, rows), "", _fired(book, rows)]
    print("\n".join(lines))
    return 0


def _fired(book: PhraseBook, rows: Sequence[Row]) -> str:
    counts = Counter(finding.rule_id for row in rows for finding in book.judge(row["text"]))
    return "rules: " + ", ".join(f"{rule} {count}" for rule, count in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())
