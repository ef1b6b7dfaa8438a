"""Learning curves as SVG: what a run logged, one panel a stage, over minutes of training.

A log holds several sittings one after the other; each starts its clock anew. Their minutes are
joined, and a grey line marks where a sitting began.

Holds: ``read_curve`` and ``curve_svg``.

Keeps out: logging (``training.loop``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from pipelines.errors import ModelError

CLOCKS = ("seconds", "s")
COUNTERS = frozenset({*CLOCKS, "stage", "step", "i", "crops", "rate", "temp"})
"""What a line says beside its figures."""
COLOURS = ("#1b6ca8", "#c8443c", "#2e8b57", "#8a5fb0", "#c98a1b", "#4a4a4a", "#3aa6a6")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 780, 250, 62, 220, 34, 44
"""Of a panel and its margins, in units of the picture."""

Line = Mapping[str, float | str]


@dataclass
class Stage:
    """What was logged of one stage.

    Attributes:
        points: Minutes and value, by figure.
        sittings: Minutes at which a sitting began, the first left out.
    """

    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    sittings: list[float] = field(default_factory=list)

    @property
    def is_share(self) -> bool:
        """Whether all figures lie between 0 and 1; if not they are losses, on a log scale."""
        return all(0 <= value <= 1 for points in self.points.values() for _, value in points)


def read_curve(path: Path) -> list[Line]:
    """Lines of a ``curve.jsonl``.

    Raises:
        ModelError: If it is missing, empty, or a line is no JSON object with a clock.
    """
    if not path.is_file():
        raise ModelError(f"There is no log at {path}; expected the curve.jsonl of a checkpoint.")
    lines: list[Line] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"Line {number} of {path} is not JSON ({error}). Mend it.") from error
        if not isinstance(line, dict) or not any(clock in line for clock in CLOCKS):
            raise ModelError(
                f"Line {number} of {path} has no {' or '.join(CLOCKS)}; expected an object with "
                f"the time of its figures."
            )
        lines.append(line)
    if not lines:
        raise ModelError(f"{path} is empty; there is no curve to draw.")
    return lines


def stages(lines: Sequence[Line]) -> dict[str, Stage]:
    """Lines by stage, sittings joined; what follows a comma in its name is a variety of it."""
    found: dict[str, Stage] = {}
    ended: dict[str, float] = {}
    before: dict[str, float] = {}
    for line in lines:
        name = str(line.get("stage", "training")).split(",")[0]
        stage = found.setdefault(name, Stage())
        minutes = float(next(line[clock] for clock in CLOCKS if clock in line)) / 60
        if minutes < before.get(name, 0.0):
            ended[name] = ended.get(name, 0.0) + before[name]
            stage.sittings.append(ended[name])
        before[name] = minutes
        now = ended.get(name, 0.0) + minutes
        for key, value in line.items():
            if key not in COUNTERS and isinstance(value, int | float):
                stage.points.setdefault(key, []).append((now, float(value)))
    for stage in found.values():
        # Where it was measured how much is right, the loss says less.
        if "loss" in stage.points and len(stage.points) > 1:
            del stage.points["loss"]
    return found


def curve_svg(lines: Sequence[Line]) -> str:
    """Panels below one another, axes labelled, legend at the right."""
    found = stages(lines)
    panels = [
        f'<g transform="translate(0 {place * HEIGHT})">{"".join(_panel(name, stage))}</g>'
        for place, (name, stage) in enumerate(found.items())
    ]
    tall = HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" width="{WIDTH}" '
        f'height="{tall}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{tall}" fill="#ffffff"/>\n'
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def _panel(name: str, stage: Stage) -> Iterator[str]:
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    last = max(minutes for points in stage.points.values() for minutes, _ in points)
    values = [value for points in stage.points.values() for _, value in points]
    low, high = (0.0, 1.0) if stage.is_share else _decades(values)

    def x(minutes: float) -> float:
        return LEFT + wide * minutes / max(last, 1e-9)

    def y(value: float) -> float:
        if stage.is_share:
            return TOP + tall * (1 - value)
        return TOP + tall * (1 - (math.log10(max(value, 10**low)) - low) / (high - low))

    said = "share right" if stage.is_share else "loss"
    yield f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold">{escape(name)}</text>'
    for value in _levels(stage.is_share, low, high):
        yield _line(LEFT, y(value), LEFT + wide, y(value), "#dddddd")
        label = f"{value:.0%}" if stage.is_share else f"{value:g}"
        yield f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{label}</text>'
    for began in stage.sittings:
        yield _line(x(began), TOP, x(began), TOP + tall, "#aaaaaa", ' stroke-dasharray="2 3"')
    for minutes in _ticks(last):
        yield _line(x(minutes), TOP + tall, x(minutes), TOP + tall + 4, "#333333")
        yield (
            f'<text x="{x(minutes):.1f}" y="{TOP + tall + 17}" text-anchor="middle">'
            f"{minutes:g}</text>"
        )
    yield _line(LEFT, TOP + tall, LEFT + wide, TOP + tall, "#333333")
    yield _line(LEFT, TOP, LEFT, TOP + tall, "#333333")
    yield (
        f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 8}" text-anchor="middle">minutes of training; '
        f"dotted: a new sitting</text>"
    )
    yield (
        f'<text transform="translate(14 {TOP + tall / 2}) rotate(-90)" text-anchor="middle">'
        f"{said}</text>"
    )
    for place, (key, points) in enumerate(stage.points.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x(minutes):.1f},{y(value):.1f}" for minutes, value in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        top = TOP + 10 + 18 * place
        left = WIDTH - RIGHT + 16
        yield _line(left, top, left + 18, top, colour, ' stroke-width="3"')
        said = f"{key.replace('_', ' ')}: {points[-1][1]:.3g} at last"
        yield f'<text x="{left + 24}" y="{top + 4}">{escape(said)}</text>'


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around all positive values, in half steps."""
    positive = [value for value in values if value > 0] or [1.0]
    low = math.floor(2 * math.log10(min(positive))) / 2
    return low, max(low + 0.5, math.ceil(2 * math.log10(max(positive))) / 2)


def _levels(is_share: bool, low: float, high: float) -> list[float]:
    if is_share:
        return [0, 0.25, 0.5, 0.75, 1]
    steps = range(math.floor(low), math.ceil(high) + 1)
    levels = [factor * 10.0**step for step in steps for factor in (1, 2, 5)]
    return [level for level in levels if 10**low <= level * 1.0001 and level <= 10**high * 1.0001]


def _ticks(last: float) -> list[float]:
    """Round minutes from 0, at most ten."""
    step = next(s for s in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 6000, 1e9) if last / s <= 9)
    return [step * k for k in range(int(last / step) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{more}/>'
    )
