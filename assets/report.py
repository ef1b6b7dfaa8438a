"""A report for people: one HTML file with tables, a chart and pictures, readable without a network.

Holds: the parts of a report (``Table``, ``Chart``, ``Gallery``, ``Text``) and how they become
HTML. Pictures are written into the page itself, so that the file can be sent on its own.

Keeps out: which figures and pictures a report shows (``assets.demo``, ``assets.report_pictures``).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).with_name("report.html")

_BAR_PX, _LABEL_PX, _ROW_PX, _VALUE_PX = 330, 270, 40, 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A heading and sentences under it."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; a column whose every cell begins with a digit or a sign is set to the right."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a chart with its 95 % interval; ``is_emphasized`` sets the one that matters."""

    label: str
    value: float
    low: float
    high: float
    is_emphasized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Horizontal bars on one scale from zero; fewer is better."""

    title: str
    unit: str
    bars: tuple[Bar, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture (JPEG or PNG bytes); ``alternative`` stands in where none shows."""

    data: bytes
    caption: str
    alternative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Pictures beside each other, or (``is_wide``) one below the other."""

    title: str
    pictures: tuple[Picture, ...]
    note: str = ""
    is_wide: bool = False


Part = Text | Table | Chart | Gallery


def render(heading: str, parts: Sequence[Part], footer: str) -> str:
    """The whole page as HTML."""
    body = "\n".join(_render_part(part) for part in parts)
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(heading=escape(heading), body=body, footer=escape(footer))


def write_report(path: Path, heading: str, parts: Sequence[Part], footer: str) -> Path:
    """Write the page, whole or not at all, and return where it lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(render(heading, parts, footer), encoding="utf-8")
    os.replace(temporary, path)
    return path


def _render_part(part: Part) -> str:
    match part:
        case Text():
            inner = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in part.paragraphs)
        case Table():
            inner = _table(part) + _note(part.note)
        case Chart():
            inner = _chart(part) + _note(part.note)
        case Gallery():
            inner = _note(part.note) + _gallery(part)
    return f"<h2>{escape(part.title)}</h2>\n{inner}"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


def _table(table: Table) -> str:
    is_number = [
        all(row[index][:1].isdigit() or row[index][:1] in "+-−<" for row in table.rows)
        for index in range(len(table.header))
    ]

    def cells(row: tuple[str, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=number' if right else ''}>{escape(cell)}</{tag}>"
            for cell, right in zip(row, is_number, strict=True)
        )

    head = f"<tr>{cells(table.header, 'th')}</tr>"
    rows = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    return f'<div class="scroll"><table>{head}\n{rows}</table></div>'


def _chart(chart: Chart) -> str:
    top = max((bar.high for bar in chart.bars), default=0) or 1
    width = _LABEL_PX + _BAR_PX + _VALUE_PX
    rows = []
    for index, bar in enumerate(chart.bars):
        y, scale = index * _ROW_PX, _BAR_PX / top
        colour = "#a5281b" if bar.is_emphasized else "#8d8575"
        low, high = _LABEL_PX + bar.low * scale, _LABEL_PX + bar.high * scale
        middle = y + _ROW_PX / 2
        rows.append(
            f'<text x="0" y="{middle + 5}">{escape(bar.label)}</text>'
            f'<rect x="{_LABEL_PX}" y="{y + 9}" width="{max(1.0, bar.value * scale):.1f}" '
            f'height="{_ROW_PX - 18}" fill="{colour}"/>'
            f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 6}v12'
            f'M{high:.1f} {middle - 6}v12" stroke="#1d1b18" stroke-width="1.5" fill="none"/>'
            f'<text x="{_LABEL_PX + _BAR_PX + 12}" y="{middle + 5}">{bar.value:.1f} '
            f"({bar.low:.1f} to {bar.high:.1f})</text>"
        )
    title = escape(f"{chart.title}: {chart.unit}")
    return (
        f'<svg viewBox="0 0 {width} {len(chart.bars) * _ROW_PX}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{''.join(rows)}</svg>"
    )


def _gallery(gallery: Gallery) -> str:
    figures = "\n".join(
        f'<figure><img src="{_inline(picture.data)}" alt="{escape(picture.alternative)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        for picture in gallery.pictures
    )
    kind = "wide" if gallery.is_wide else "pages"
    return f'<div class="gallery {kind}">{figures}</div>'


def _inline(data: bytes) -> str:
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
