"""A patient's course as a picture: every scale on its own axis, readable in grey and by the colour-blind.

Shape and position carry the meaning, colour only helps: treatments are dashed lines with a number,
alerts are signs with a letter, what was usual is a grey band, a question left unanswered is a gap with
a small cross.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from bot.export.course import CourseData, Line, alternative, runs

INK, BLUE, VERMILION, GREY, PALE = "#1a1a1a", "#0072b2", "#d55e00", "#8a8a8a", "#dddddd"
SIGNS = {"emergency": "D", "urgent": "^", "same_day": "s", "watch": "o"}
WIDTH, PANEL, EDGES, ALERT_ROW = 9.0, 1.25, 1.15, 0.45  # inches
DPI = 110
MOST_TICKS = 8


def course_chart(course: CourseData) -> tuple[bytes, str]:
    """Return the picture as PNG bytes, and the same in words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = max(1, len(course.lines))
    shows_alerts = bool(course.alerts)
    height = EDGES + PANEL * panels + (ALERT_ROW if shows_alerts else 0)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    heights = [*([ALERT_ROW] if shows_alerts else []), *([PANEL] * panels)]
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    figure.subplots_adjust(left=0.07, right=0.91, top=1 - 0.62 / height, bottom=0.42 / height, hspace=0.42)
    if shows_alerts:
        _draw_alerts(axes[0], course)
    for axis, line in zip(axes[-panels:], course.lines, strict=False):
        _draw_line(axis, course, line)
    _draw_treatments(axes, course)
    _draw_days(axes[-1], course)
    if any(line.gaps for line in course.lines):
        figure.text(0.91, 1 - 0.2 / height, course.say("record.chart.gap"), ha="right", fontsize=8, color=INK)
    figure.suptitle(_title(course), x=0.07, ha="left", fontsize=12, fontweight="bold", color=INK)
    out = io.BytesIO()
    canvas.print_png(out)
    return out.getvalue(), alternative(course)


def warm_up() -> None:
    """Load what the first chart would otherwise wait for: the library, and its list of fonts.

    A machine that has no such list yet takes a second or two to make it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1), dpi=10)
    figure.subplots().set_title("0", fontweight="bold")
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(io.BytesIO())


def _title(course: CourseData) -> str:
    return course.say(
        "record.chart.title" if course.code else "record.chart.title_own",
        code=course.code, start=course.day(course.start), end=course.day(course.end),
    )  # fmt: skip


def _draw_line(axis: Any, course: CourseData, line: Line) -> None:
    _plain(axis)
    margin = (line.highest - line.lowest) * 0.12 or 1
    axis.set_ylim(line.lowest - margin, line.highest + margin)
    middle = (line.lowest + line.highest) / 2
    axis.set_yticks([line.lowest, *([middle] if middle == int(middle) else []), line.highest])
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    unit = f" ({line.unit})" if line.unit else ""
    axis.set_title(f"{line.title}{unit}", loc="left", fontsize=9.5, color=INK, pad=3)
    if line.higher_is:
        axis.set_title(f"↑ {course.direction(line)}", loc="right", fontsize=8.5, color=INK, pad=3)
    if line.usual:
        low, high = line.usual.lowest, line.usual.highest
        axis.axhspan(low - margin / 4, high + margin / 4, color=PALE, zorder=0)
        axis.axhline(line.usual.middle, color=GREY, linewidth=1, linestyle=":", zorder=1)
        axis.text(
            1.006, line.usual.middle, course.say("record.chart.usual"), transform=axis.get_yaxis_transform(),
            fontsize=7, color=INK, va="center", clip_on=False,
        )  # fmt: skip
    for run in runs(line):
        times, values = [course.local(at) for at, _ in run], [value for _, value in run]
        axis.plot(times, values, color=BLUE, linewidth=1.6, marker="o", markersize=4, zorder=3)
    if line.gaps:
        gaps = [course.local(at) for at in line.gaps]
        axis.plot(gaps, [line.lowest - margin / 2] * len(gaps), "x", color=GREY, markersize=4.5, zorder=2)


def _draw_alerts(axis: Any, course: CourseData) -> None:
    _plain(axis)
    axis.set_yticks([])
    axis.set_ylim(0, 1)
    axis.set_title(course.say("record.chart.alerts"), loc="left", fontsize=9.5, color=INK, pad=3)
    for each in course.alerts:
        sign = SIGNS.get(each.level, "o")
        axis.plot(
            [course.local(each.at)], [0.5], sign, color=VERMILION, markeredgecolor=INK, markersize=8, zorder=3
        )
        word = course.levels.get(each.level, each.level)
        axis.annotate(
            word[:1].upper(), (course.local(each.at), 0.5), xytext=(7, 0), textcoords="offset points",
            fontsize=8, va="center", color=INK,
        )  # fmt: skip
    if course.levels:
        present = [level for level in SIGNS if any(each.level == level for each in course.alerts)]
        told = " · ".join(f"{course.levels[level][:1].upper()} = {course.levels[level]}" for level in present)
        axis.set_title(told, loc="right", fontsize=8, color=INK, pad=3)


def _draw_treatments(axes: Any, course: CourseData) -> None:
    for axis in axes:
        for each in course.treatments:
            axis.axvline(course.local(each.at), color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    for each in course.treatments:
        axes[-1].annotate(
            course.say("record.chart.treatment", number=each.number), (course.local(each.at), 0),
            xycoords=("data", "axes fraction"), xytext=(3, 3), textcoords="offset points",
            fontsize=7.5, color=INK, zorder=4,
        )  # fmt: skip


def _draw_days(axis: Any, course: CourseData) -> None:
    first, last = course.local(course.start), course.local(course.end)
    room = max(timedelta(hours=12), (last - first) * 0.02)
    axis.set_xlim(first - room, last + room)
    days = max(1, (last.date() - first.date()).days)
    step = -(-days // MOST_TICKS)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = [midnight + timedelta(days=each) for each in range(0, days + 1, step)]
    months = course.say("record.chart.months").split("|")
    axis.set_xticks(ticks, [f"{each.day} {months[each.month - 1]}" for each in ticks], fontsize=8.5)
    axis.tick_params(axis="x", length=3, colors=INK)


def _plain(axis: Any) -> None:
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", labelsize=8, length=2, colors=INK)
    axis.tick_params(axis="x", length=0)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(GREY)
    axis.grid(axis="y", color="#eeeeee", linewidth=0.8)
