"""The visit summary: two pages as PDF, the same as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from bot.export.guard import clean

MARGIN, LINE, SMALL_LINE = 14.0, 5.0, 4.2  # mm
SIZE, SMALL, HEAD = 9.0, 7.5, 12.0  # points
NOT_IN_FONT = "□"


@dataclass(frozen=True)
class Part:
    """One titled part: a table with a note under it. Without rows, `empty` is shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    empty: str = ""
    widths: tuple[float, ...] = ()  # shares of the width; equal when empty


@dataclass(frozen=True)
class VisitSummary:
    """Everything on the two pages, in finished words. The picture opens the second page."""

    title: str
    subtitle: str
    footer: str
    language: str
    first: tuple[Part, ...]
    picture_title: str
    picture: bytes
    picture_words: str
    second: tuple[Part, ...] = field(default=())


def as_html(summary: VisitSummary) -> str:
    """Return one HTML page; nothing in it is loaded from elsewhere."""
    picture = base64.b64encode(summary.picture).decode()
    parts = "".join(_html_part(each) for each in summary.first)
    more = "".join(_html_part(each) for each in summary.second)
    return f"""<!doctype html>
<html lang="{escape(summary.language)}"><head><meta charset="utf-8"><title>{_html(summary.title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 58em; margin: 2em auto;
padding: 0 1em }}
h1 {{ font-size: 1.5em; margin-bottom: .1em }} h2 {{ font-size: 1.1em; margin: 1.5em 0 .4em }}
table {{ border-collapse: collapse; width: 100% }} th, td {{ text-align: left; padding: .25em .6em .25em 0;
vertical-align: top; border-bottom: 1px solid #ccc; overflow-wrap: anywhere }} th {{ font-weight: 600 }}
img {{ max-width: 100%; height: auto }} p.note, footer {{ color: #444; font-size: .85em }}
@media print {{ body {{ margin: 0 }} section.second {{ break-before: page }} }}
</style></head><body><main>
<h1>{_html(summary.title)}</h1><p>{_html(summary.subtitle)}</p>
{parts}
<section class="second"><h2>{_html(summary.picture_title)}</h2>
<img src="data:image/png;base64,{picture}" alt="{_html(summary.picture_words)}">
{more}</section></main>
<footer>{_html(summary.footer)}</footer></body></html>
"""


def _html(text: str) -> str:
    return escape(clean(text))


def _html_part(part: Part) -> str:
    title = f"<h2>{_html(part.title)}</h2>"
    if not part.rows:
        return f"{title}<p>{_html(part.empty)}</p>"
    head = "".join(f'<th scope="col">{_html(each)}</th>' for each in part.columns)
    rows = "".join(f"<tr>{_html_cells(row)}</tr>" for row in part.rows)
    note = f'<p class="note">{_html(part.note)}</p>' if part.note else ""
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}"


def _html_cells(row: tuple[str, ...]) -> str:
    return "".join(f'<td dir="auto">{_html(each)}</td>' for each in row)


def as_pdf(summary: VisitSummary) -> bytes:
    """Return the two pages as PDF, with the picture's words as its alternative text."""
    from fpdf import FPDF

    for name in ("fpdf", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)  # their warnings quote the text
    pdf = FPDF(format="A4")
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_auto_page_break(False)
    pdf.set_title(_shown(summary.title))
    pdf.set_lang(summary.language)
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        pdf.add_font("DejaVu", style, _fonts() / file)
    pdf.add_page()
    _heading(pdf, summary.title, HEAD + 3)
    _paragraph(pdf, summary.subtitle)
    for part in summary.first:
        _pdf_part(pdf, part)
    _footer(pdf, summary.footer, 1)
    pdf.add_page()
    _heading(pdf, summary.picture_title, HEAD)
    height = pdf.epw * _proportion(summary.picture)
    pdf.image(
        io.BytesIO(summary.picture), w=pdf.epw, h=min(height, 170), keep_aspect_ratio=True,
        alt_text=summary.picture_words,
    )  # fmt: skip
    for part in summary.second:
        _pdf_part(pdf, part)
    _footer(pdf, summary.footer, 2)
    return bytes(pdf.output())


def _proportion(png: bytes) -> float:
    """Return height over width, as the file's header says."""
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    return height / width


@lru_cache(maxsize=1)
def _fonts() -> Path:
    """Return where matplotlib keeps the DejaVu fonts it ships."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@lru_cache(maxsize=1)
def _known_characters() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    return frozenset(TTFont(_fonts() / "DejaVuSans.ttf").getBestCmap())


def _shown(text: str) -> str:
    """Return `text` with a box for every character the font does not have."""
    known = _known_characters()
    return "".join(each if each == "\n" or ord(each) in known else NOT_IN_FONT for each in clean(text))


def _heading(pdf: Any, text: str, size: float) -> None:
    pdf.set_font("DejaVu", "B", size)
    pdf.multi_cell(0, size * 0.55, _shown(text), new_x="LMARGIN", new_y="NEXT")


def _paragraph(pdf: Any, text: str, size: float = SIZE) -> None:
    pdf.set_font("DejaVu", "", size)
    pdf.multi_cell(0, LINE if size == SIZE else SMALL_LINE, _shown(text), new_x="LMARGIN", new_y="NEXT")


def _pdf_part(pdf: Any, part: Part) -> None:
    pdf.ln(2.5)
    _heading(pdf, part.title, HEAD - 1.5)
    if not part.rows:
        _paragraph(pdf, part.empty)
        return
    shown = _rows_that_fit(pdf, part)
    pdf.set_font("DejaVu", "", SMALL)
    with pdf.table(
        line_height=SMALL_LINE, col_widths=part.widths or None, text_align="LEFT", padding=0.6,
        borders_layout="HORIZONTAL_LINES",
    ) as table:  # fmt: skip
        for row in (part.columns, *shown):
            table.row([_shown(each) for each in row])
    left_out = len(part.rows) - len(shown)
    note = " ".join(filter(None, [part.note, f"(+{left_out})" if left_out else ""]))
    if note:
        _paragraph(pdf, note, SMALL)


def _rows_that_fit(pdf: Any, part: Part) -> Sequence[tuple[str, ...]]:
    """Return as many rows as the page has room for; how many are left out is said under the table."""
    shares = part.widths or (1.0,) * len(part.columns)
    widths = [pdf.epw * share / sum(shares) - 3 for share in shares]
    pdf.set_font("DejaVu", "", SMALL)
    room = pdf.h - MARGIN - 12 - pdf.get_y()
    shown = []
    for row in (part.columns, *part.rows):
        lines = max(_lines(pdf, text, width) for text, width in zip(row, widths, strict=True))
        room -= lines * SMALL_LINE + 1.6
        if room < 0:
            break
        shown.append(row)
    return shown[1:]


def _lines(pdf: Any, text: str, width: float) -> int:
    """Return how many lines a text takes in a cell, rather one too many than one too few."""
    return sum(1 + int(pdf.get_string_width(_shown(line)) * 1.1 / width) for line in text.split("\n"))


def _footer(pdf: Any, text: str, page: int) -> None:
    pdf.set_y(-MARGIN - 2)
    _paragraph(pdf, f"{text}  {page} / 2", SMALL)
