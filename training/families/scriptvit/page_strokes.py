"""Salient strokes of a page, for people to look at: by which pieces of ink a hand was told.

Holds: ``Standing``, a character where it stands on its page, and :func:`strokes_of_page`.

Keeps out: which pieces are salient (``saliency``), tables (``training.whose_hand``), and how people
are shown them (``annotation.page_tasks``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pipelines.geometry import Box
from pipelines.hand_styles import SalientStroke
from pipelines.ids import derive_id
from pipelines.windows import INK_LEVEL
from training.families.scriptvit.conditioning import LEAST_INK, Ink, reference_set
from training.families.scriptvit.pictures import box_in_picture
from training.families.scriptvit.saliency import salient_regions
from training.families.scriptvit.weights import Bundle


@dataclass(frozen=True, kw_only=True)
class StrokeParams:
    """How many strokes people are shown.

    Attributes:
        characters: Of a page that are looked at together, evenly spread over it.
        a_character: Strokes of one character at most, the heaviest; a page full of boxes tells
            nobody anything.
    """

    characters: int = 15
    a_character: int = 2


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A character where it stands: its ink, white on black, and its box in pixels of the page."""

    column_id: str
    work_id: str
    box: Box
    ink: Ink


_DEFAULT = StrokeParams()


@torch.inference_mode()
def strokes_of_page(
    page_id: str,
    characters: Sequence[Standing],
    bundle: Bundle,
    *,
    code_version: str,
    params: StrokeParams = _DEFAULT,
) -> list[SalientStroke]:
    """The strokes of a page that told most of its hand; none if no character has ink."""
    inked = [one for one in characters if (one.ink > INK_LEVEL).mean() >= LEAST_INK]
    if not inked:
        return []
    count = min(params.characters, bundle.dims.max_references, len(inked))
    places = np.linspace(0, len(inked) - 1, count).round().astype(int)
    seen = [inked[place] for place in places]
    references = reference_set([one.ink for one in seen], bundle.dims)
    memory = bundle.encoder(torch.from_numpy(references)[None, :, None].float() / 255)
    shown: Counter[int] = Counter()
    found: dict[str, SalientStroke] = {}
    for region in salient_regions(memory.weights[0].numpy(), references, bundle.dims):
        shown[region.reference] += 1
        if shown[region.reference] > params.a_character:
            continue
        one = seen[region.reference]
        box = box_in_picture(region.box, one.ink, one.box, bundle.dims)
        stroke = SalientStroke(
            stroke_id=derive_id(page_id, "stroke", box.left, box.top, box.right, box.bottom),
            page_id=page_id,
            column_id=one.column_id,
            work_id=one.work_id,
            box=box,
            weight=round(region.weight, 4),
            model_fingerprint=bundle.fingerprint,
            code_version=code_version,
        )
        found.setdefault(stroke.stroke_id, stroke)  # boxes of characters may overlap
    return list(found.values())
