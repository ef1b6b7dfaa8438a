"""Where a command finds what it needs: the home, fonts, the cache, and a checkpoint opened.

Keeps out: what commands do (``training.commands``, ``training.learning``).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch

from pipelines.errors import ModelError
from training.families.unicalli.library import ReferenceLibrary, cached_library
from training.families.unicalli.weights import Bundle, load_bundle
from training.hands import content_face

ROOT = Path(__file__).resolve().parents[1]


def home() -> Path:
    """``BEITIE_HOME``, or ``.beitie`` in the checkout."""
    return Path(os.environ.get("BEITIE_HOME") or ROOT / ".beitie").resolve()


def fonts_of(arguments: argparse.Namespace) -> Path:
    """The font folder."""
    folder: Path = arguments.fonts or home() / "fonts"
    return folder


def cache() -> Path:
    """Where drawn glyphs and reference libraries are kept."""
    return home() / "cache"


def begin(arguments: argparse.Namespace) -> None:
    """Take the threads that were asked for."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)


def require_gpu(recipe: str) -> None:
    """Refuse what would take a CPU months.

    Raises:
        ModelError: If torch sees no GPU.
    """
    if not torch.cuda.is_available():
        raise ModelError(
            f"{recipe} needs a GPU, and torch {torch.__version__} sees none. Run it on a machine "
            f"with one and a build of torch for it, with CUDA_VISIBLE_DEVICES unset or naming "
            f"it; on a CPU train unicalli.tiny."
        )


def opened(arguments: argparse.Namespace, folder: Path) -> tuple[Bundle, ReferenceLibrary]:
    """A checkpoint with the references of its standard font."""
    bundle = load_bundle(folder)
    face = content_face(fonts_of(arguments), bundle.recipe["content_font"])
    library = cached_library(
        bundle.vocabulary, face, bundle.autoencoder, bundle.dims.cell_px, cache()
    )
    return bundle, library


def drawing_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What ``write`` was told of steps and guidance; a family's own numbers stand for the rest."""
    told = {name: getattr(arguments, name) for name in ("steps", "guidance")}
    return {name: value for name, value in told.items() if value is not None}
