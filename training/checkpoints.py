"""Checkpoint folders: written whole under their name or not at all, read strictly.

A folder holds ``recipe.json``, which names its family and format version, and safetensors files
whose every tensor is wanted; pickles are refused.

Holds: :func:`new_checkpoint`, :func:`read_recipe`, :func:`family_of`, :func:`read_tensors` and
:func:`require_fit`.

Keeps out: what lies in it (``training.detector.files``, ``weights.py`` of each family).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pipelines.errors import ModelError

RECIPE_FILE = "recipe.json"


@contextmanager
def new_checkpoint(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes its name when all is written.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    if folder.exists():
        raise ModelError(
            f"There is already something at {folder}; a checkpoint is never overwritten. "
            f"Choose another folder or delete that one."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    yield staging
    os.chmod(staging, 0o755)
    os.replace(staging, folder)


def read_recipe(folder: Path, family: str, version: int) -> dict[str, Any]:
    """``recipe.json`` of a checkpoint, of this family and format version.

    Raises:
        ModelError: If there is none, or it is of another family or version.
    """
    path = folder / RECIPE_FILE
    if not path.is_file():
        raise ModelError(
            f"There is no checkpoint at {folder}: {RECIPE_FILE} is missing. Give the folder that "
            f"holds it beside the weights."
        )
    try:
        recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ModelError(f"{path} is not JSON ({error}). Restore it.") from error
    found = recipe.get("family"), recipe.get("format_version")
    if found != (family, version):
        raise ModelError(
            f"{folder} holds family {found[0]!r} in format {found[1]!r}; expected "
            f"{family!r} in format {version}. Use the version that wrote it, or the command for "
            f"that family."
        )
    return recipe


def family_of(folder: Path) -> str:
    """The family that a checkpoint's recipe names; empty where there is none to read.

    Whoever opens the checkpoint says what is wrong with it.
    """
    try:
        said = json.loads((folder / RECIPE_FILE).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return ""
    return str(said.get("family", ""))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file.

    Raises:
        ModelError: If it is missing, broken or something else.
    """
    if not path.is_file():
        raise ModelError(f"There are no weights at {path}; expected a safetensors file.")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ModelError(
            f"{path} is no whole safetensors file ({error}); pickled or truncated weights are "
            f"refused. Restore the file."
        ) from error


def require_fit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights unless every one is there, in its shape, and no other.

    Raises:
        ModelError: If a tensor is missing, extra or of another shape.
    """
    both = set(wanted) & set(found)
    wrong = sorted(
        set(wanted) ^ set(found) | {k for k in both if wanted[k].shape != found[k].shape}
    )
    if wrong:
        raise ModelError(
            f"{path} does not fit its recipe: {len(wrong)} tensors are missing, extra or of "
            f"another shape ({', '.join(wrong[:3])}...). It belongs to another version; train "
            f"again or restore the folder."
        )
