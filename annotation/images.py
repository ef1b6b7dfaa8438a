"""Pictures for Label Studio's browser: derivatives of bounded size in a folder it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """The folder Label Studio serves pictures from.

    ``document_root`` is what the server runs with as ``LOCAL_FILES_DOCUMENT_ROOT``;
    ``folder`` the child of it that projects may read (never the root itself).
    """

    document_root: Path
    folder: str = "images"
