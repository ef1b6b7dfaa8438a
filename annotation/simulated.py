"""A *simulated* annotator: corrects drafts from known truth through Label Studio's own API.

Signatures are final; see the functions for what each promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotation.client import LabelStudio
from pipelines.geometry import Box
from pipelines.tables import Tables

SIMULATED_ANNOTATOR = "simulated-annotator"
"""Name of the user in Label Studio and value of ``Review.annotator``; never a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCharacter:
    """One character that is known to stand on a page; ``box`` in pixels of the page.

    ``column`` is the true column (0 rightmost); characters of a column stand in reading order.
    """

    box: Box
    written: str
    canonical: str
    column: int
    is_damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationParams:
    """How the simulated annotator works; seconds are invented and say so in every output."""

    min_overlap: float = 0.3
    seconds_per_column: float = 4.0
    seconds_per_correction: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    """What it did; ``unreached`` counts true characters that stand in no task's crop."""

    batch: str
    tasks: int
    annotated: int
    found_annotated: int
    without_truth: int
    approved: int
    rejected: int
    texts_corrected: int
    boxes_removed: int
    boxes_added: int
    unreached: int
    seconds: float


def annotate_batch(
    tables: Tables,
    batch: str,
    client: LabelStudio,
    truth: Mapping[str, Sequence[TrueCharacter]],
    *,
    params: SimulationParams = SimulationParams(),
) -> SimulationReport:
    """Annotate every open task of a pushed batch whose page has truth (``truth`` by page id).

    Resumable: a task that has an annotation is left alone. Pages that ``truth`` does not name
    are left to people and counted in ``without_truth``.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
        TableError: If the batch was never pushed.
    """
    raise NotImplementedError
