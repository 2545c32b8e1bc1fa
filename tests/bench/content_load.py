"""How much processor time loading and checking all content takes, with the cases of every rule and phrase."""

from __future__ import annotations

import json
import sys
from statistics import median
from time import process_time

from bot.content import load_content

MEASURES = ("content_load",)
LIMIT_MS = 300
RUNS = 7


def load_ms() -> float:
    begin = process_time()
    content = load_content()
    took = process_time() - begin
    del content  # what it costs to forget it again is nobody's wait
    return took * 1000


def main() -> int:
    load_ms()  # imports and readers are made once in a process
    ours = median(load_ms() for _ in range(RUNS))
    line = {
        "name": "content_load",
        "ours": round(ours, 1),
        "against": LIMIT_MS,
        "ratio": round(ours / LIMIT_MS, 2),
        "limit": 1.0,
        "unit": "ms",
    }
    print(json.dumps(line))
    return 0 if ours <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
