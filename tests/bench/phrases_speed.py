"""How long judging takes, in processor time: messages of 200 characters and texts of 100,000.

Calm messages are ordinary ones; crisis messages hold one grave sentence beside an ordinary one; grave
messages hold nothing else, about eighteen patterns each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from statistics import median
from time import process_time

from bot.care.phrases import PhraseBook
from tests.bench.score_text import load_book

MEASURES = (
    "phrases_message",
    "phrases_message_to_reading",
    "phrases_crisis_message",
    "phrases_grave_message",
    "phrases_long_text",
    "phrases_long_grave_text",
)
LENGTH = 200
LONG = 100_000
Work = Callable[[], float]
ROUNDS = 7
CALM = (
    "slept about six hours, woke twice, the second time from a dream about the old house but it passed",
    "my sister came over with soup and we watched the game, I laughed more than I have in weeks honestly",
    "work was long and the bus was late again, but the walk home by the river helped my head a little",
    "a bit queasy after the session, toast stayed down, no headache today and the dog got his walk",
    "hoy dormí mejor, soñé con mi abuela y desperté tranquila, luego fui al mercado y cociné para todos",
    "feeling low and lonely tonight, nobody called, the flat is too quiet and I keep over old arguments",
)
GRAVE = (
    "I can't see a reason to stay alive and I keep thinking about ending my life, all would be better off",
    "no quiero seguir viviendo así, pienso en quitarme la vida cuando todos duermen y ya no puedo más",
)


def messages(texts: tuple[str, ...]) -> list[str]:
    """Return messages of LENGTH characters, each a different cut of the texts."""
    whole = " ".join(texts) * 4
    return [whole[at : at + LENGTH] for at in range(0, len(whole) - LENGTH, 37)]


def microseconds(book: PhraseBook, texts: list[str]) -> float:
    begin = process_time()
    for text in texts:
        book.judge(text)
    return (process_time() - begin) / len(texts) * 1e6


def measure(name: str, work: Work, limit: float, against: float, unit: str, scale: float = 1) -> bool:
    """Print what the work costs against what it may."""
    work()
    ours = median(work() for _ in range(ROUNDS)) * scale
    line = {"name": name, "ours": round(ours, 1), "against": against, "ratio": round(ours / against, 2)}
    print(json.dumps({**line, "limit": limit, "unit": unit}))
    return ours <= limit * against


def to_reading(book: PhraseBook, texts: list[str]) -> Work:
    """Judging as a multiple of reading the same words: the same on a slow or busy machine."""

    def work() -> float:
        begin = process_time()
        for text in texts:
            book.reader.read(text)
        reading = (process_time() - begin) / len(texts) * 1e6
        return microseconds(book, texts) / reading

    return work


def main() -> int:
    book = load_book()
    calm, crisis, grave = messages(CALM), messages((CALM[5], GRAVE[0], CALM[4], GRAVE[1])), messages(GRAVE)
    calm_text, grave_text = ((" ".join(each) + ". ") * 1000 for each in (CALM, CALM + GRAVE))
    inside = [
        measure("phrases_message", lambda: microseconds(book, calm), 1, 100, "us"),
        measure("phrases_message_to_reading", to_reading(book, calm), 1, 6.25, "times"),
        measure("phrases_crisis_message", lambda: microseconds(book, crisis), 1, 100, "us"),
        measure("phrases_grave_message", lambda: microseconds(book, grave), 1, 100, "us"),
        measure("phrases_long_text", lambda: microseconds(book, [calm_text[:LONG]]), 1, 50, "ms", 1e-3),
        measure(
            "phrases_long_grave_text", lambda: microseconds(book, [grave_text[:LONG]]), 1, 50, "ms", 1e-3
        ),
    ]
    return 0 if all(inside) else 1


if __name__ == "__main__":
    sys.exit(main())
