"""Which checkpoint of a model family is used: the bundled one, or the one a project brought.

The reader has its releases; the other families have no gate to pass, because nothing that they
make counts as material. A project that trained its own puts it into ``HOME/families/NAME``.

Keeps out: releases of the reader (``assets.release_pointer``).
"""

from __future__ import annotations

from pathlib import Path

from assets.release_pointer import WEIGHTS
from assets.resources import ROOT, Project
from pipelines.errors import ModelError


def family_checkpoint(project: Project, family: str) -> Path:
    """The folder of a family's weights.

    Raises:
        ModelError: If there is none.
    """
    own = project.home / "families" / family
    bundled = ROOT / "training" / "families" / family / "checkpoints" / "tiny"
    for folder in (own, bundled):
        if (folder / WEIGHTS).is_file():
            return folder
    raise ModelError(
        f"There are no weights of {family}: neither {own} nor {bundled} holds {WEIGHTS}. Train "
        f"one (`python -m training train --recipe {family}.tiny --out {own}`)."
    )
