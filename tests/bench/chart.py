"""A patient's chart: the time of one picture in a running program, and of the first in a new one."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from bot.content import load_content
from bot.export.chart import course_chart
from bot.export.course import AlertMark, CourseData, Line, TreatmentMark, Usual
from tests.bench.export_data import ROUNDS, say, seconds

MEASURES = ("chart", "chart_first")
LIMIT = 1.0
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


def first_one() -> float:
    """Return the seconds of the first chart of a new process, loading the plotting library included."""
    command = [sys.executable, "-m", "tests.bench.chart", "--child"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> int:
    drawn = course()
    if sys.argv[1:] == ["--child"]:
        print(seconds(lambda: course_chart(drawn)))
        return 0
    first = sorted(first_one() for _ in range(ROUNDS))[ROUNDS // 2]
    course_chart(drawn)
    warm = sorted(seconds(lambda: course_chart(drawn)) for _ in range(ROUNDS))[ROUNDS // 2]
    say(name="chart", ours=warm, against=LIMIT, ratio=warm / LIMIT, limit=1.0, unit="s")
    say(name="chart_first", ours=first, against=LIMIT, ratio=first / LIMIT, limit=None, unit="s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
