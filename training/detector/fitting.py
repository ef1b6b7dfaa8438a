"""The detector learns: from drawn pages and given ones to weights.

Holds: :func:`train_detector`. At every line of the curve the averaged weights go to the working
folder; a run that was stopped goes on from there.

Keeps out: what a step teaches (``objective``), where pages come from (``pages``, ``reviewed``,
``scanned``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines.finding.detector import decoded
from training.detector.crops import batches
from training.detector.glyphs import Hand
from training.detector.network import MULTIPLE, Detector
from training.detector.objective import loss
from training.detector.pages import TrainingPage, draw_page
from training.detector.recipe import DetectorRecipe
from training.loop import Fitted, fit
from training.metrics.detection import Found, compare
from training.slices import Slice


def train_detector(
    recipe: DetectorRecipe,
    hands: Sequence[Hand],
    judged: Sequence[Hand],
    given: Sequence[Sequence[TrainingPage]],
    working: Path,
    parent: nn.Module | None = None,
) -> tuple[Detector, Fitted]:
    """Train from nothing, or go on where a run in the same folder stopped.

    Args:
        recipe: Every number of the run.
        hands: What pages are drawn in.
        judged: What the judged pages are drawn in.
        given: Kinds of pages with boxes, mixed in; may be none.
        working: Folder for the curve and for what a resumed run needs.
        parent: A detector of the same sizes to begin from.
    """
    working.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    model = Detector(recipe.dims)
    if parent is not None:
        model.load_state_dict(parent.state_dict())
    spent_s = _resumed(model, working)
    # Measured on one core: channels last trains a third faster.
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # A resumed run sees pages that the first part has not seen.
    source = batches(hands, given, recipe.crops, recipe.seed + round(spent_s))
    pages = [
        draw_page(judged, np.random.default_rng((recipe.seed, 10**6 + index)))
        for index in range(recipe.judged_pages)
    ]

    def step(_: Slice) -> tuple[Tensor, dict[str, float]]:
        ink, heat, distances, weight = next(source)
        answer = model(_input(ink))
        return loss(answer, heat, distances, weight)

    def judge() -> dict[str, float]:
        model.eval()
        counts = sum((judged_page(model, page) for page in pages), Found())
        _keep(model, working)
        model.train()
        return {"f1": round(counts.f1, 4)}

    model.train()
    fitted = fit(
        model, step, recipe.loop, log=working / "curve.jsonl", judge=judge, spent_s=spent_s
    )
    _settle(model, [next(source)[0] for _ in range(recipe.settled_batches)])
    return model.eval(), fitted


def judged_page(model: nn.Module, page: TrainingPage, least: float = 0.3) -> Found:
    """What the network by itself finds on a page of its own size."""
    height, width = page.ink.shape
    bottom, right = -height % MULTIPLE, -width % MULTIPLE
    ink = torch.from_numpy(np.pad(page.ink, ((0, bottom), (0, right))))[None, None]
    with torch.no_grad():
        maps = model(_input(ink))[0].numpy()
    boxes, _ = decoded(maps, least)
    return compare(boxes.tolist(), page.boxes.tolist())


def _input(ink: Tensor) -> Tensor:
    return (ink.float() / 255).contiguous(memory_format=torch.channels_last)


def _settle(model: nn.Module, inks: Sequence[Tensor]) -> None:
    """Measure the norms again: the averaged weights never ran on the statistics kept so far."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for ink in inks:
            model(_input(ink))


def _keep(model: nn.Module, working: Path) -> None:
    """Weights first, then the curve's line that says how far they have come."""
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    temporary = working / ".weights.partial"
    save_file(tensors, temporary)
    os.replace(temporary, working / "weights.safetensors")


def _resumed(model: nn.Module, working: Path) -> float:
    """Load what a stopped run has kept; returns the seconds it had spent, 0 if there was none."""
    weights, curve = working / "weights.safetensors", working / "curve.jsonl"
    if not weights.is_file() or not curve.is_file():
        return 0.0
    lines = curve.read_text(encoding="utf-8").splitlines()
    model.load_state_dict(load_file(weights))
    return float(json.loads(lines[-1])["seconds"])
