"""The loop you can read in one sitting: slices of batches in, updates out.

Holds: ``fit``, the learning-rate curve, the running average of the weights, and the log. It
knows nothing of models: a step is a function of a slice (``training.slices``) that returns a loss
and its parts.

Keeps out: data and objectives (the families), what a stopped run leaves (``training.progress``).
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from pipelines.errors import ModelError
from training.progress import Progress, keep_progress, resume_progress
from training.slices import Slice, Team

logger = logging.getLogger(__name__)

Step = Callable[[Slice], tuple[Tensor, dict[str, float]]]


@dataclass(frozen=True, kw_only=True)
class LoopParams:
    """How long and how fast.

    Attributes:
        seconds: Wall-clock budget; the learning rate falls to its floor at the end of it. Without
            one (infinity) a run depends on nothing but its seed.
        steps: Upper bound of updates, reached or not.
        learning_rate: Highest value, after ``warmup_steps``.
        floor: Lowest learning rate as a part of the highest.
        average_decay: Of the running average of the weights that is kept in the end.
        accumulate: Slices that each process computes one after the other for an update.
        precision: Of the computation; weights and averages are always float32.
        compiles: Whether the blocks that repeat are compiled first (``torch.compile``): a
            minute or more at the start, for faster steps. Needs a C++ compiler.
        keep_every_s: How often a run that is given a file keeps its progress in it.
    """

    seconds: float = math.inf
    steps: int = 10**9
    learning_rate: float = 1e-3
    floor: float = 0.02
    warmup_steps: int = 100
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.98)
    clip_norm: float = 1.0
    average_decay: float = 0.998
    accumulate: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    compiles: bool = False
    log_every_s: float = 20.0
    keep_every_s: float = 300.0


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
    kept: Path | None = None,
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
        kept: Where progress is kept; a run that finds it there goes on from it. It stays when the
            run is done, so that a longer run may go on.

    Raises:
        ModelError: If a loss or gradient is not a number, with the averaged weights kept; if
            memory is too short even for half of what was asked; or if there is no compiler.
    """
    if params.compiles:
        compile_repeated(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=params.learning_rate, betas=params.betas, weight_decay=params.weight_decay
    )
    average = [p.detach().clone() for p in trained]
    team = Team.gathered()
    found = resume_progress(kept, trained, average, optimiser) if kept is not None else None
    done = found or Progress(count=0, spent_s=spent_s, parts={})
    count, parts = done.count, dict(done.parts)
    started, logged, last_kept = time.monotonic() - done.spent_s, done.spent_s, done.spent_s
    while count < params.steps:
        spent = time.monotonic() - started
        if team.agree(spent >= params.seconds, trained[0]):
            break
        rate = params.learning_rate * _curve(
            max(spent / params.seconds, count / params.steps), count, params
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        try:
            values, params = _gradients(step, optimiser, count, params, team)
            team.average_gradients(trained)
            norm = torch.nn.utils.clip_grad_norm_(trained, params.clip_norm)
            if not torch.isfinite(norm):
                raise _NotANumber(f"The gradient became {norm.item()}", values)
        except _NotANumber as error:
            _restore(trained, average)
            raise ModelError(
                f"{error} at step {count} (parts: {error.parts}). The averaged weights from "
                f"before are kept. Lower the learning rate ({rate:.2g} here)."
            ) from error
        optimiser.step()
        count += 1
        decay = min(params.average_decay, (1 + count) / (10 + count))
        with torch.no_grad():
            torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - decay)
        for name, value in values.items():
            parts[name] = 0.95 * parts.get(name, value) + 0.05 * value
        if team.is_first and spent - logged > params.log_every_s:
            logged = spent
            line: dict[str, object] = {
                "seconds": round(spent),
                "step": count,
                "rate": rate,
                **_rounded(parts),
            }
            if judge is not None:
                last = [p.detach().clone() for p in trained]
                _restore(trained, average)
                line |= judge()
                _restore(trained, last)
            _write(line, log)
        if kept is not None and team.is_first and spent - last_kept > params.keep_every_s:
            last_kept = spent
            now = Progress(count=count, spent_s=time.monotonic() - started, parts=parts)
            keep_progress(kept, now, trained, average, optimiser)
    seconds = time.monotonic() - started
    if kept is not None and team.is_first:
        done = Progress(count=count, spent_s=seconds, parts=parts)
        keep_progress(kept, done, trained, average, optimiser)
    _restore(trained, average)
    return Fitted(steps=count, seconds=seconds, parts=_rounded(parts))


def compile_repeated(model: nn.Module) -> int:
    """Compile each module of the outermost lists of ``model``, in place; returns how many.

    What stands in a list repeats, so one compilation serves many; and what a model does around
    its lists, whichever of its methods is called, stays as it is. Names of weights do not change.

    Raises:
        ModelError: If this machine has no C++ compiler, which the compiled code is built with.
    """
    if shutil.which(os.environ.get("CXX", "c++")) is None:
        raise ModelError(
            "The recipe compiles its network, and there is no C++ compiler here. Install one "
            "(g++), name it in CXX, or set `compiles` to False in the recipe."
        )
    lists = [name for name, module in model.named_modules() if isinstance(module, nn.ModuleList)]
    outermost = [n for n in lists if not any(n.startswith(f"{other}.") for other in lists)]
    repeated = [part for name in outermost for part in model.get_submodule(name).children()]
    for part in repeated:
        part.compile()
    return len(repeated)


class _NotANumber(Exception):
    """A loss or a gradient that is none, with the parts of the loss."""

    def __init__(self, said: str, parts: dict[str, float]) -> None:
        super().__init__(said)
        self.parts = parts


def _gradients(
    step: Step, optimiser: torch.optim.Optimizer, count: int, params: LoopParams, team: Team
) -> tuple[dict[str, float], LoopParams]:
    """Gradients of one batch, slice by slice; in twice as many slices if memory runs out once."""
    try:
        return _accumulated(step, optimiser, count, params, team), params
    except torch.OutOfMemoryError as error:
        if team.size > 1:
            raise ModelError(_too_large(params)) from error
    halved = replace(params, accumulate=2 * params.accumulate)
    logger.warning(
        "out of memory: each batch is now computed in %d slices instead of %d",
        halved.accumulate, params.accumulate,
    )  # fmt: skip
    try:
        return _accumulated(step, optimiser, count, halved, team), halved
    except torch.OutOfMemoryError as error:
        raise ModelError(_too_large(halved)) from error


def _accumulated(
    step: Step, optimiser: torch.optim.Optimizer, count: int, params: LoopParams, team: Team
) -> dict[str, float]:
    optimiser.zero_grad(set_to_none=True)
    sums: dict[str, float] = {}
    for part in team.slices(count, params.accumulate):
        device = optimiser.param_groups[0]["params"][0].device.type
        loss, values = _computed(step, part, params, device)
        if not torch.isfinite(loss):
            raise _NotANumber(f"The loss became {loss.item()}", values)
        (loss / params.accumulate).backward()  # type: ignore[no-untyped-call]
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value / params.accumulate
    return sums


def _computed(
    step: Step, part: Slice, params: LoopParams, device: str
) -> tuple[Tensor, dict[str, float]]:
    if params.precision == "float32":
        return step(part)
    with torch.autocast(device, dtype=torch.bfloat16):
        return step(part)


def _too_large(params: LoopParams) -> str:
    return (
        f"There is too little memory for a batch in {params.accumulate} slices. Set "
        f"`accumulate` higher or the batch smaller in the recipe, or let the model recompute its "
        f"activations."
    )


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
