"""`make bench`: run every measure, print its JSON lines, and fail when a ratio is past its limit.

Each module beside this one that defines `MEASURES` is one bench: run as `python -m tests.bench.NAME` it
prints one JSON line a measure: {"name", "ours", "against", "ratio", "limit", "unit"}. A measure whose better
is more (recall, resources a second) says so by a limit named "at_least".
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def benches() -> list[str]:
    return sorted(
        path.stem
        for path in HERE.glob("*.py")
        if not path.stem.startswith("_") and "MEASURES" in path.read_text()
    )


def past_its_limit(line: dict[str, object]) -> bool:
    ratio, limit, floor = line.get("ratio"), line.get("limit"), line.get("at_least")
    if isinstance(floor, int | float):
        return not isinstance(ratio, int | float) or ratio < floor
    return isinstance(limit, int | float) and (not isinstance(ratio, int | float) or ratio > limit)


def run(name: str) -> bool:
    """Run one bench; return whether it finished with every measure inside its limit."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{name}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parent.parent,
    )
    assert process.stdout is not None
    lines = []
    for text in process.stdout:
        if text.startswith("{"):
            lines.append(json.loads(text))
            print(text, end="", flush=True)
    process.wait()
    if process.returncode or not lines:
        print(f"{name}: ended with {process.returncode} after {len(lines)} measures", file=sys.stderr)
        return False
    late = [line["name"] for line in lines if past_its_limit(line)]
    for each in late:
        print(f"{each}: past its limit", file=sys.stderr)
    return not late


def main() -> int:
    known = benches()
    wanted = sys.argv[1:] or known
    if unknown := [name for name in wanted if name not in known]:
        print(f"no bench named {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    return 0 if all(list(map(run, wanted))) else 1


if __name__ == "__main__":
    sys.exit(main())
