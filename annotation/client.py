"""Speaks to Label Studio: the only module that imports its SDK."""

from __future__ import annotations

from typing import Protocol


class LabelStudio(Protocol):
    """What this project needs of Label Studio; see ``connect`` and ``InMemoryLabelStudio``."""


def connect(url: str, token: str, *, timeout_s: float = 30.0) -> LabelStudio:
    """A client of the server at ``url``; ``token`` is a legacy or a personal access token.

    Raises:
        ServiceError: If the server does not answer or refuses the token.
    """
    raise NotImplementedError
