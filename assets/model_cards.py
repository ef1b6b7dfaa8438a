"""Model cards: what became of a checkpoint after its training, told in its ``card.md``.

A training writes the card: parent, recipe, samples, hands. The graph adds a part of its own when
the model was judged and when it was released; made again, a part replaces what it said before.

Keeps out: the training's own words (``training``), and the verdict (``assets.promotion``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from assets.promotion import Verdict
from pipelines.evaluations import Evaluation
from pipelines.records import Release

CARD = "card.md"


def tell_on_card(folder: Path, part: str) -> None:
    """Put a part, which opens with its ``## heading``, onto the card of a checkpoint, once.

    A checkpoint without a card gets one.
    """
    file = folder / CARD
    card = file.read_text(encoding="utf-8") if file.is_file() else f"# {folder.name}\n"
    heading = part.split("\n", 1)[0]
    others = re.split(r"(?m)^(?=## )", card)
    kept = [other for other in others if other.split("\n", 1)[0] != heading]
    text = "".join(kept).rstrip() + "\n\n" + part.rstrip() + "\n"
    if text == card:
        return
    partial = file.with_name(f".{CARD}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, file)


def evaluation_part(rows: Sequence[Evaluation], verdict: Verdict) -> str:
    """What a card says of a model that was judged."""
    outcome = "may be released" if verdict.is_released else "is not released"
    return f"## On the frozen split\n\nIt {outcome}: {verdict.why}.\n\n{figures_table(rows)}\n"


def release_part(release: Release) -> str:
    """What a card says of a model that was released."""
    return (
        f"## Released\n\nAs {release.release_id} at {release.released_at.isoformat()} in place of "
        f"{release.replaces or 'nothing'}: {release.reason}.\n"
    )


def figures_table(rows: Sequence[Evaluation]) -> str:
    """Every figure with its interval, as a table in Markdown."""
    header = ("model", "reader", "metric", "value", "95 % interval", "resampled by", "characters")
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    lines += [
        f"| {row.model_id}{row.against and f' beside {row.against}'} | {row.reader.value} "
        f"| {row.metric.replace('_', ' ')} | {row.value:.2f} | {row.low:.2f} to {row.high:.2f} "
        f"| {row.resampled.value} | {row.character_count} |"
        for row in rows
    ]
    return "\n".join(lines)
