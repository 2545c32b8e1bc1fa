"""The picture of a backtest: alerts per patient-week, before and after."""

from __future__ import annotations

import io

from bot.care.burden import Burden

BEFORE, AFTER = "#9aa5ab", "#0b5c57"  # told apart in grey, too
WIDE = 0.38


def burden_picture(burden: Burden) -> bytes:
    """Return a PNG: two bars a level, with their numbers on them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for shift, name, color, hits in (
        (-WIDE / 2, "before", BEFORE, burden.before),
        (WIDE / 2, "after", AFTER, burden.after),
    ):
        rates = burden.a_week(hits)
        places = [place + shift for place in range(len(rates))]
        bars = axes.bar(places, list(rates.values()), WIDE, label=name, color=color)
        axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.set_xticks(range(len(rates)), [level.key.replace("_", " ") for level in rates])
    axes.set_ylabel("alerts per patient-week")
    axes.set_title(f"{burden.patients} patients, {burden.weeks:.1f} patient-weeks")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()
