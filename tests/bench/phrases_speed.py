"""How long judging takes: a message of 200 characters, calm and grave, and a text of 100,000 characters."""

from __future__ import annotations

import json
import sys
from statistics import median
from time import process_time

from bot.care.phrases import PhraseBook
from tests.bench.score_text import load_book

MEASURES = ("phrases_message", "phrases_grave_message", "phrases_long_text")
LENGTH = 200
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


def measure(name: str, book: PhraseBook, texts: list[str], limit: float, unit: str, scale: float) -> bool:
    microseconds(book, texts)
    ours = median(microseconds(book, texts) for _ in range(ROUNDS)) * scale
    line = {"name": name, "ours": round(ours, 1), "against": limit, "ratio": round(ours / limit, 2)}
    print(json.dumps({**line, "limit": 1.0, "unit": unit}))
    return ours <= limit


def main() -> int:
    book = load_book()
    long_text = (" ".join(CALM) + ". ") * 200
    inside = [
        measure("phrases_message", book, messages(CALM), 100, "us", 1),
        measure("phrases_grave_message", book, messages(GRAVE), 500, "us", 1),
        measure("phrases_long_text", book, [long_text[:100_000]], 50, "ms", 1e-3),
    ]
    return 0 if all(inside) else 1


if __name__ == "__main__":
    sys.exit(main())
