"""Starts and stops a real Label Studio on this machine, out of its own virtual environment.

Signatures are final; see the functions for what each promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from annotation.images import ImageFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerParams:
    """How the server runs. ``port`` 0 takes a free one (or the one the data folder had last)."""

    port: int = 0
    username: str = "beitie@localhost.localdomain"
    start_deadline_s: float = 240.0
    stop_deadline_s: float = 10.0


def find_venv(root: Path, environment: Mapping[str, str]) -> Path:
    """``BEITIE_LABEL_STUDIO_VENV`` out of ``environment``, else ``<root>/.venv-label-studio``."""
    raise NotImplementedError


class LabelStudioServer:
    """One Label Studio on 127.0.0.1 with its data, database and secrets in one folder.

    Usable as a context manager. ``start`` reuses a server that already runs on the folder (then
    ``is_owned`` is False and ``stop`` leaves it running).

    Attributes after ``start``: ``url``, ``token``, ``username``, ``password`` (both kept in
    ``<data_dir>/secrets.json``, mode 0600), ``process_id``, ``start_seconds``, ``is_owned``;
    ``images`` may be used before it.
    """

    def __init__(
        self, data_dir: Path, *, venv: Path, params: ServerParams = ServerParams()
    ) -> None:
        raise NotImplementedError

    url: str
    token: str
    username: str
    password: str
    process_id: int
    start_seconds: float
    is_owned: bool
    images: ImageFolder

    def start(self) -> None:
        """Start, or attach to the one that runs; return when it answers.

        Raises:
            ServiceError: If it is not installed, does not come up in time (with the end of its
                log), or refuses the stored token.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """End the process this object started, and wait until it is gone."""
        raise NotImplementedError

    def __enter__(self) -> LabelStudioServer:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError
