"""The loop you can read in one sitting: batches in, updates out, stopped by steps or seconds.

Holds: ``fit``, the learning-rate curve, the running average of the weights, and the log. It
knows nothing of models: a step is a function that returns a loss and its parts.

Keeps out: data and objectives (the families), files (``training.checkpoints``).
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.errors import ModelError

logger = logging.getLogger(__name__)

Step = Callable[[], tuple[Tensor, dict[str, float]]]


@dataclass(frozen=True, kw_only=True)
class LoopParams:
    """How long and how fast.

    Attributes:
        seconds: Wall-clock budget; the learning rate falls to its floor at the end of it.
        steps: Upper bound of updates, reached or not.
        learning_rate: Highest value, after ``warmup_steps``.
        floor: Lowest learning rate as a part of the highest.
        average_decay: Of the running average of the weights that is kept in the end.
    """

    seconds: float
    steps: int = 10**9
    learning_rate: float = 1e-3
    floor: float = 0.02
    warmup_steps: int = 100
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    average_decay: float = 0.998
    log_every_s: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a run came to: updates, seconds, and the last averages of the loss parts."""

    steps: int
    seconds: float
    parts: dict[str, float]


def fit(
    model: nn.Module,
    step: Step,
    params: LoopParams,
    *,
    log: Path | None = None,
    judge: Callable[[], dict[str, float]] | None = None,
    spent_s: float = 0.0,
) -> Fitted:
    """Train ``model`` in place and leave the running average of its weights in it.

    Args:
        model: Its parameters that require a gradient are trained.
        step: Computes one loss.
        params: How long and how fast.
        log: A file that gets one JSON line now and then.
        judge: Called at each log line; its figures are written beside the losses.
        spent_s: Seconds of the budget that an interrupted run has used; the learning rate goes
            on from there.

    Raises:
        ModelError: If a loss is not a number; the weights of the last log line are kept.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=params.learning_rate, betas=params.betas, weight_decay=params.weight_decay
    )
    average = [p.detach().clone() for p in trained]
    parts: dict[str, float] = {}
    started, logged, count = time.monotonic() - spent_s, spent_s, 0
    while count < params.steps and (spent := time.monotonic() - started) < params.seconds:
        progress = max(spent / params.seconds, count / params.steps)
        rate = params.learning_rate * _curve(progress, count, params)
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss, values = step()
        if not torch.isfinite(loss):
            _restore(trained, average)
            raise ModelError(
                f"The loss became {loss.item()} at step {count} (parts: {values}). The averaged "
                f"weights from before are kept. Lower the learning rate ({rate:.2g} here)."
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, params.clip_norm)
        optimiser.step()
        count += 1
        decay = min(params.average_decay, (1 + count) / (10 + count))
        with torch.no_grad():
            torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - decay)
        for name, value in values.items():
            parts[name] = 0.95 * parts.get(name, value) + 0.05 * value
        if spent - logged > params.log_every_s:
            logged = spent
            line: dict[str, object] = {
                "seconds": round(spent),
                "step": count,
                "rate": rate,
                **_rounded(parts),
            }
            if judge is not None:
                kept = [p.detach().clone() for p in trained]
                _restore(trained, average)
                line |= judge()
                _restore(trained, kept)
            _write(line, log)
    _restore(trained, average)
    return Fitted(steps=count, seconds=time.monotonic() - started, parts=_rounded(parts))


def _curve(progress: float, count: int, params: LoopParams) -> float:
    """Warm up, then half a cosine down to the floor."""
    warm = min(1.0, (count + 1) / params.warmup_steps)
    return warm * max(params.floor, 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def _restore(parameters: list[nn.Parameter], values: list[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in parts.items()}


def _write(line: dict[str, object], log: Path | None) -> None:
    text = json.dumps(line)
    logger.info(text)
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
