"""How far a training run has come, on disk, so that it goes on as if it had never stopped.

Holds: ``Progress`` and its file: weights, their running average, the optimiser's two moments, and
the counts, as safetensors. With batches that are functions of their number (``training.slices``)
and a budget in steps, a resumed run ends with the same bits as one that was never stopped.

Keeps out: the loop (``training.loop``), finished checkpoints (``training.checkpoints``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines.errors import ModelError

MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Updates done, seconds spent, and the running averages of the loss parts."""

    count: int
    spent_s: float
    parts: dict[str, float]


def keep_progress(
    path: Path,
    progress: Progress,
    trained: Sequence[nn.Parameter],
    average: Sequence[Tensor],
    optimiser: torch.optim.Optimizer,
) -> None:
    """Replace the file; a run that is killed meanwhile finds the old one whole."""
    tensors: dict[str, Tensor] = {}
    for place, (parameter, mean) in enumerate(zip(trained, average, strict=True)):
        tensors[f"weight.{place}"] = parameter.detach()
        tensors[f"average.{place}"] = mean
        for name in MOMENTS:
            if name in optimiser.state[parameter]:
                tensors[f"{name}.{place}"] = optimiser.state[parameter][name]
    said = {
        "count": progress.count,
        "spent_s": progress.spent_s,
        "parts": progress.parts,
        "shapes": _shapes(trained),
    }
    temporary = path.with_name(f".{path.name}.partial")
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        temporary,
        metadata={"progress": json.dumps(said)},
    )
    os.replace(temporary, path)


def resume_progress(
    path: Path,
    trained: Sequence[nn.Parameter],
    average: Sequence[Tensor],
    optimiser: torch.optim.Optimizer,
) -> Progress | None:
    """Put back what :func:`keep_progress` kept; None if there is no file.

    Raises:
        ModelError: If the file is broken or belongs to another network.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as stored:
            said = json.loads(stored.metadata()["progress"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ModelError(
            f"{path} holds no progress of a training run ({error}). Delete it to begin anew."
        ) from error
    if said["shapes"] != _shapes(trained):
        raise ModelError(
            f"{path} belongs to a network of other sizes. Delete it to begin anew, or train into "
            f"another folder."
        )
    with torch.no_grad():
        for place, (parameter, mean) in enumerate(zip(trained, average, strict=True)):
            parameter.copy_(tensors[f"weight.{place}"])
            mean.copy_(tensors[f"average.{place}"])
            if f"{MOMENTS[0]}.{place}" in tensors:
                state = {n: tensors[f"{n}.{place}"].to(parameter.device) for n in MOMENTS}
                optimiser.state[parameter] = {**state, "step": torch.tensor(float(said["count"]))}
    return Progress(count=said["count"], spent_s=said["spent_s"], parts=said["parts"])


def _shapes(trained: Sequence[nn.Parameter]) -> list[list[int]]:
    return [list(parameter.shape) for parameter in trained]
