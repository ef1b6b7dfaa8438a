"""A trained detector as files.

Holds: :func:`save_detector`, which writes the checkpoint folder

    detector.safetensors  weights as trained, half precision
    curve.jsonl, card.md  how it was trained, and how good it is

and :func:`load_detector`; :func:`write_folder` writes any checkpoint of the package.

Keeps out: the same weights as a network for OpenCV (``pipelines.finding.network``).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipelines.errors import ModelError
from pipelines.finding.network import WEIGHTS_FILE
from training.checkpoints import new_checkpoint
from training.detector.network import Detector, DetectorDims


def save_detector(model: Detector, folder: Path, card: str, curve: Path) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    tensors = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype)
        for name, value in model.state_dict().items()
    }
    write_folder(
        folder, WEIGHTS_FILE, tensors, {"dims": json.dumps(asdict(model.dims))}, card, curve
    )


def write_folder(
    folder: Path,
    weights_file: str,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    card: str,
    curve: Path,
) -> None:
    """Write weights, card and curve as a folder that appears whole or not at all.

    Args:
        folder: The checkpoint; must not exist yet.
        weights_file: Name of the safetensors file in it.
        tensors: By name.
        metadata: Kept in the head of that file.
        card: Markdown.
        curve: The run's log, copied.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    whole = {name: value.contiguous() for name, value in tensors.items()}
    with new_checkpoint(folder) as staging:
        save_file(whole, staging / weights_file, metadata=dict(metadata))
        (staging / "card.md").write_text(card, encoding="utf-8")
        shutil.copy(curve, staging / "curve.jsonl")


def load_detector(folder: Path) -> Detector:
    """Read the weights, for further training.

    Raises:
        ModelError: If the file is missing, is no safetensors, or does not fit its dimensions.
    """
    file = folder / WEIGHTS_FILE
    try:
        with safe_open(file, "pt") as stored:
            sizes = json.loads((stored.metadata() or {})["dims"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        model = Detector(DetectorDims(**{**sizes, "widths": tuple(sizes["widths"])}))
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{file} holds no detector ({error}). Give the folder that `python -m training train "
            f"--recipe detector.tiny` has written."
        ) from error
    return model.eval()
