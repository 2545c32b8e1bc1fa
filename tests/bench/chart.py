"""A patient's chart: one picture in a running program, the first after it started, and in a new process.

The program warms up when it starts; a command that draws one picture and ends does not. Each is a
picture a person waits for, and each has the same limit.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from bot.content import load_content
from bot.export.chart import course_chart, warm_up
from bot.export.course import AlertMark, CourseData, Line, TreatmentMark, Usual
from tests.bench.export_data import ROUNDS, say, seconds

MEASURES = ("chart", "chart_after_start", "chart_first")
LIMIT = 1.0
WARM, COLD = "--warmed-up", "--cold"
BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 56


def course() -> CourseData:
    """Return eight weeks of a course: five ratings a day, six treatments, some alerts."""
    points = tuple((BEGAN + timedelta(days=day), float((day * 7) % 11)) for day in range(DAYS))
    lines = tuple(
        Line(f"item{n}", f"Rating {n}", 0, 10, "worse", points=points, usual=Usual(3, 5, 7)) for n in range(5)
    )
    return CourseData(
        code="K-0001",
        zone="Europe/Madrid",
        start=BEGAN,
        end=BEGAN + timedelta(days=DAYS),
        lines=lines,
        say=load_content().wording("en").say,
        treatments=tuple(TreatmentMark(BEGAN + timedelta(days=4 * n), n + 1) for n in range(6)),
        alerts=tuple(AlertMark(BEGAN + timedelta(days=9 * n), "urgent") for n in range(4)),
        levels={"urgent": "urgent"},
    )


def first_one(how: str) -> float:
    """Return the seconds of the first chart of a new process: warmed up before, or everything included."""
    command = [sys.executable, "-m", "tests.bench.chart", how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> int:
    drawn = course()
    if sys.argv[1:] in ([WARM], [COLD]):
        if sys.argv[1:] == [WARM]:
            warm_up()
        print(seconds(lambda: course_chart(drawn)))
        return 0
    course_chart(drawn)
    rounds = [(seconds(lambda: course_chart(drawn)), first_one(WARM), first_one(COLD)) for _ in range(ROUNDS)]
    for name, taken in zip(MEASURES, zip(*rounds, strict=True), strict=True):
        ours = sorted(taken)[ROUNDS // 2]
        say(name=name, ours=ours, against=LIMIT, ratio=ours / LIMIT, limit=1.0, unit="s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
