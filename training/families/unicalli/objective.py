"""What UniCalli is trained for: one step that reads or writes.

Holds: ``ObjectiveParams`` with the presets ``PAPER`` and ``TINY``, and ``column_loss``. Writing:
content clean, image and box map noised together. Reading: image and box map clean, content
noised. The main term belongs to what is noised, the side term is weighted with lambda (paper,
section 3.1); content is replaced by noise now and then (3.3) and always where a column has no
label (3.4).

Ours: beside the flow loss of reading, the cross-entropy over the cosine to every reference,
because it is what reading is judged by and learns faster by far (measured, see ``stem``).

Keeps out: the loop (``training.loop``), data (``conditioning``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from training.families.unicalli.conditioning import ColumnBatch
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import Streams, TextCondition, UniCalli
from training.processes.flow import SMALLEST_TIME, lay_noise

Mode = Literal["read", "write"]


@dataclass(frozen=True, kw_only=True)
class ObjectiveParams:
    """Numbers of the training objective; defaults are the paper's.

    Attributes:
        side_weight: Lambda, of the stream that is given rather than asked for.
        content_dropout: Share of writing steps whose content is pure noise.
        read_share: Share of steps that read.
        retrieval_weight: Weight of the cross-entropy; the paper has none.
        reading_flow_weight: Weight of the flow loss of the content in reading; the paper's is 1.
        full_noise_share: Share of reading steps at content time 1, where reading in one step
            starts; the paper draws evenly from [0, 1].
        boxes_absent_share: Share of reading steps without a box map, so that it may be missing.
        largest_weight: Bound on what an error in the data counts as an error of the velocity,
            which is 1 / time squared: without it the last breath of noise drowns all else. The
            paper has no bound; 5 is what Min-SNR (Hang et al. 2023) found best.
    """

    side_weight: float = 0.02
    content_dropout: float = 0.05
    read_share: float = 0.5
    retrieval_weight: float = 0.0
    reading_flow_weight: float = 1.0
    full_noise_share: float = 0.0
    boxes_absent_share: float = 0.0
    largest_weight: float = 400.0


PAPER = ObjectiveParams()
TINY = ObjectiveParams(
    read_share=0.65,
    retrieval_weight=1.0,
    reading_flow_weight=0.1,
    full_noise_share=0.6,
    boxes_absent_share=0.7,
    largest_weight=5.0,
)


def column_loss(
    model: UniCalli,
    batch: ColumnBatch,
    library: ReferenceLibrary,
    params: ObjectiveParams,
    mode: Mode,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """One step's loss, and its parts by name for the log."""
    count = len(batch.image)
    if mode == "read":
        image_time = torch.zeros(count)
        content_time = _uniform(count, generator)
        full = _uniform(count, generator) < params.full_noise_share
        content_time = torch.where(full, torch.ones(count), content_time)
    else:
        image_time = _uniform(count, generator)
        dropped = _uniform(count, generator) < params.content_dropout
        content_time = dropped.float()
    content_time = torch.where(batch.is_labelled, content_time, torch.ones(count))
    without_boxes = mode == "read" and _uniform(1, generator).item() < params.boxes_absent_share

    embedded = model.embed_characters(batch.characters)
    noised = Streams(
        image=lay_noise(batch.image, _noise(batch.image, generator), image_time),
        content=lay_noise(batch.content, _noise(batch.content, generator), content_time),
        boxes=None
        if without_boxes
        else lay_noise(batch.boxes, _noise(batch.boxes, generator), image_time),
    )
    text = TextCondition(
        style=batch.style,
        characters=lay_noise(embedded, _noise(embedded, generator), content_time),
    )
    clean = model(noised, text, image_time, content_time)

    labelled = batch.is_labelled.float()
    bound = params.largest_weight
    image_loss = _flow_loss(clean.image, batch.image, image_time, bound).mean()
    content_errors = _flow_loss(clean.content, batch.content, content_time, bound)
    content_loss = (content_errors * labelled).sum() / labelled.sum().clamp(min=1)
    parts = {"image": image_loss, "content": content_loss}
    if noised.boxes is not None and clean.boxes is not None:
        boxes_errors = _flow_loss(clean.boxes, batch.boxes, image_time, bound)
        parts["boxes"] = boxes_errors.mean()
    drawn = image_loss + parts.get("boxes", image_loss.new_zeros(()))
    if mode == "write":
        loss = drawn + params.side_weight * content_loss
    else:
        loss = params.reading_flow_weight * content_loss + params.side_weight * drawn
        if params.retrieval_weight:
            parts["retrieval"] = retrieval_loss(model, clean.content, batch, library)
            loss = loss + params.retrieval_weight * parts["retrieval"]
    return loss, {f"{mode}_{name}": float(value.detach()) for name, value in parts.items()}


def retrieval_loss(
    model: UniCalli, content: Tensor, batch: ColumnBatch, library: ReferenceLibrary
) -> Tensor:
    """Cross-entropy of every labelled cell over the scaled cosine to all references."""
    scores = cell_similarities(content, library)
    wanted = rearrange(batch.references, "B C -> (B C)")
    known = batch.is_labelled[:, None].expand_as(batch.references).reshape(-1)
    scaled = scores * model.log_temperature.clamp(max=4.6).exp()
    return F.cross_entropy(scaled[known], wanted[known]) if known.any() else scaled.sum() * 0


def cell_similarities(content: Tensor, library: ReferenceLibrary) -> Tensor:
    """Similarity of each cell of (B, Z, C * S, S) to each reference: (B * C, V + 1)."""
    cells = rearrange(content, "B Z (C S) side -> (B C) Z S side", S=content.shape[-1])
    return library.similarity(cells)


def _flow_loss(predicted: Tensor, data: Tensor, time: Tensor, bound: float) -> Tensor:
    """(B,) mean squared error of the velocity, which is that of the data over time squared."""
    weight = (1 / time.clamp(min=SMALLEST_TIME).square()).clamp(max=bound)
    return (predicted - data).square().flatten(1).mean(dim=1) * weight


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator)


def _uniform(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand((count,), generator=generator)
