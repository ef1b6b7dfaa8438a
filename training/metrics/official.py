"""Weights that others publish and a figure is named after, from files that users bring.

Holds: opening them safely (nothing that a pickle may hold is run), checking the hash that a file
carries in its name, and fitting them to a network key by key.

Keeps out: the networks (``training.metrics.lpips``, ``training.metrics.fid``). No weights are
shipped or fetched.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.errors import ModelError


def published_tensors(path: Path, *, sha256: str = "", figure: str) -> dict[str, Tensor]:
    """The tensors of a state dict by name.

    Args:
        path: A file of ``torch.save``.
        sha256: How the hash of the file must begin; empty where none is published.
        figure: What may not be called so on other weights.

    Raises:
        ModelError: If the file is missing, another one, or holds more than tensors.
    """
    if not path.is_file():
        raise ModelError(f"There are no weights at {path}; expected a state dict of torch.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(sha256):
        raise ModelError(
            f"{path} has the hash {found[:8]}, expected {sha256[:8]}: these are not the official "
            f"weights, and the figure would not be {figure}. Give the published file."
        )
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ModelError(
            f"{path} holds no plain tensors ({error}). Give the file again."
        ) from error
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ModelError(f"{path} holds {type(loaded).__name__}, expected a dict of tensors.")
    return dict(loaded)


def fit(model: nn.Module, given: Mapping[str, Tensor], figure: str) -> None:
    """Load tensors into a network, which is frozen afterwards.

    Raises:
        ModelError: If one is missing, extra or of another shape. Counters of batches are not
            asked for: old files have none.
    """
    named = {name: value for name, value in given.items() if not name.endswith(COUNTER)}
    expected = {k: v.shape for k, v in model.state_dict().items() if not k.endswith(COUNTER)}
    wrong = sorted(
        set(expected) ^ set(named)
        | {name for name in set(expected) & set(named) if expected[name] != named[name].shape}
    )
    if wrong:
        raise ModelError(
            f"These are not the weights of {figure}: {len(wrong)} tensors are missing, extra or of "
            f"another shape ({', '.join(wrong[:3])}). Give the published files."
        )
    model.load_state_dict(named, strict=False)
    model.eval().requires_grad_(False)


COUNTER = "num_batches_tracked"
