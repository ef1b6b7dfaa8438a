"""How a checkpoint folder comes to be: whole under its name, or not at all.

Holds: :func:`new_checkpoint`.

Keeps out: what lies in it (``training.detector.files``, ``training.families.unicalli.weights``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import ModelError


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
