"""What UniCalli is trained for: one step that reads, writes or locates.

Holds: ``ObjectiveParams`` with the presets ``PAPER``, ``RELEASED`` and ``TINY``, and
``column_loss``. Writing: content clean, image and box map noised together. Reading: image and box
map clean, content noised. The main term belongs to what is noised, the side term is weighted with
lambda (paper, section 3.1); content is replaced by noise now and then (3.3) and always where a
column has no label (3.4). Locating: the image of a raw column clean, content and box map noised,
each with a time of its own: the network finds and reads the characters at once.

Ours: some cells of what is asked for may be given, so that the same network completes a column
and writes on from what stands there; and beside the flow loss of reading, the cross-entropy over
the cosine to every reference, because it is what reading is judged by and learns faster by far
(measured, see ``stem``).

Keeps out: the loop (``training.loop``), data (``conditioning``).

Legend: B batch, C cells, Z latent channels, S side of a cell in latents, V references.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from training.families.unicalli.conditioning import ColumnBatch
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.network import (
    ColumnNetwork,
    Streams,
    TextCondition,
    Times,
    at_latents,
)
from training.processes.flow import SMALLEST_TIME, data_from_velocity, lay_noise

Mode = Literal["read", "write", "locate"]
_ALL = ("image", "content", "boxes")


@dataclass(frozen=True, kw_only=True)
class ObjectiveParams:
    """Numbers of the training objective; defaults are the paper's.

    Attributes:
        side_weight: Lambda in writing, of the content, which is given.
        reading_side_weight: Lambda in reading, of image and box map, which are given; at 0 they
            are not predicted at all, which saves the brush.
        reading_flow_weight: Weight of the content in reading.
        content_dropout: Share of writing steps whose content is noise.
        dropped_time: How much noise that is.
        style_dropout: Share of writing steps without a prompt, for guidance.
        time_law: How times are drawn: ``uniform``, or ``logit_normal``, the sigmoid of a normal.
        is_alternating: Whether writing and reading take turns instead of being drawn.
        read_share: Share of steps that read, where they are drawn.
        locate_share: Share of steps that locate; the rest writes.
        has_boxes: Whether there is a box map at all.
        boxes_absent_share: Share of reading steps without it, so that it may be missing.
        retrieval_weight: Weight of the cross-entropy; the paper has none.
        full_noise_share: Share of reading and locating steps at content time 1, in locating at
            box time 1 too, where reading and locating in one step start.
        given_share: Share of steps in which each cell of what is asked for is given with an
            even chance: completing a column, writing on from what stands there.
        largest_weight: Bound on what an error in the data counts as an error of the velocity,
            which is 1 / time squared: without it the last breath of noise drowns all else. 400
            is none; 5 is what Min-SNR (Hang et al. 2023) found best.
    """

    side_weight: float = 0.02
    reading_side_weight: float = 0.02
    reading_flow_weight: float = 1.0
    content_dropout: float = 0.05
    dropped_time: float = 1.0
    style_dropout: float = 0.0
    time_law: Literal["uniform", "logit_normal"] = "uniform"
    is_alternating: bool = False
    read_share: float = 0.5
    locate_share: float = 0.0
    has_boxes: bool = True
    boxes_absent_share: float = 0.0
    retrieval_weight: float = 0.0
    full_noise_share: float = 0.0
    given_share: float = 0.0
    largest_weight: float = 1 / SMALLEST_TIME**2


PAPER = ObjectiveParams()
RELEASED = ObjectiveParams(
    side_weight=0.01,
    reading_side_weight=0.01,
    reading_flow_weight=0.2,
    content_dropout=0.02,
    dropped_time=0.9,
    time_law="logit_normal",
    is_alternating=True,
    has_boxes=False,
)
"""The training code that the authors published for a time, without its defects."""
TINY = ObjectiveParams(
    read_share=0.65,
    reading_side_weight=0.0,
    reading_flow_weight=0.1,
    style_dropout=0.1,
    boxes_absent_share=0.7,
    retrieval_weight=1.0,
    full_noise_share=0.6,
    given_share=0.2,
    largest_weight=5.0,
)


def mode_of(params: ObjectiveParams, step: int, seed: int) -> Mode:
    """Whether a step reads, writes or locates; the same for all its slices."""
    if params.is_alternating:
        return "read" if step % 2 else "write"
    drawn = np.random.default_rng((seed, step)).random()
    if drawn < params.read_share:
        return "read"
    return "locate" if drawn < params.read_share + params.locate_share else "write"


def column_loss(
    model: ColumnNetwork,
    batch: ColumnBatch,
    library: ReferenceLibrary,
    params: ObjectiveParams,
    mode: Mode,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """One step's loss, and its parts by name for the log."""
    times = _times(batch, params, mode, generator)
    absent = mode == "read" and _uniform((), generator).item() < params.boxes_absent_share
    side, cells = batch.image.shape[-1], batch.characters.shape[1]
    embedded = model.embed_characters(batch.characters)
    noise = Streams(
        image=_noise(batch.image, generator),
        content=_noise(batch.content, generator),
        boxes=None if absent or not params.has_boxes else _noise(batch.boxes, generator),
    )
    noised = Streams(
        image=lay_noise(batch.image, noise.image, at_latents(times.image, side)),
        content=lay_noise(batch.content, noise.content, at_latents(times.content, side)),
        boxes=None
        if noise.boxes is None
        else lay_noise(batch.boxes, noise.boxes, at_latents(times.boxes, side)),
    )
    text = TextCondition(
        style=batch.style,
        characters=lay_noise(embedded, _noise(embedded, generator), times.content[..., None]),
    )
    is_drawn = mode == "write" or (mode == "read" and params.reading_side_weight > 0)
    counted = {"write": _ALL, "read": _ALL if is_drawn else ("content",), "locate": _ALL[1:]}
    if model.predicts == "velocity":
        answer = model.velocity(noised, text, times)
        at = at_latents(times.content, side)
        clean_content = data_from_velocity(noised.content, answer.content, at)
    elif mode == "locate":
        clean_content, boxes = model.locate(noised, text, times)
        answer = Streams(image=noised.image, content=clean_content, boxes=boxes)
    elif is_drawn:
        answer = model(noised, text, times)
        clean_content = answer.content
    else:
        clean_content = model.read(noised, text, times)
        answer = Streams(image=noised.image, content=clean_content, boxes=None)

    given = params.side_weight if mode == "write" else params.reading_side_weight
    labelled = batch.is_labelled.float()
    is_asked = {"image": mode == "write", "content": mode != "write", "boxes": mode != "read"}
    parts: dict[str, Tensor] = {}
    loss = batch.image.new_zeros(())
    for name in counted[mode]:
        predicted: Tensor | None = getattr(answer, name)
        if predicted is None:
            continue
        time: Tensor = getattr(times, name)
        data: Tensor = getattr(batch, name)
        if model.predicts == "velocity":
            errors = cell_means((predicted - (getattr(noise, name) - data)).square(), cells)
        else:
            errors = flow_errors(predicted, data, time, params.largest_weight)
        weight = labelled if name == "content" else torch.ones_like(errors)
        # A given cell of what is asked for counts as what is given.
        weights = torch.where((time > 0) & is_asked[name], 1.0, given) * weight
        parts[name] = (errors * weight).sum() / weight.sum().clamp(min=1)
        share = params.reading_flow_weight if name == "content" and mode != "write" else 1.0
        loss = loss + share * (errors * weights).sum() / weight.sum().clamp(min=1)
    if mode != "write" and params.retrieval_weight:
        parts["retrieval"] = retrieval_loss(model, clean_content, batch, times.content, library)
        loss = loss + params.retrieval_weight * parts["retrieval"]
    return loss, {f"{mode}_{name}": float(value.detach()) for name, value in parts.items()}


def retrieval_loss(
    model: ColumnNetwork,
    content: Tensor,
    batch: ColumnBatch,
    content_time: Tensor,
    library: ReferenceLibrary,
) -> Tensor:
    """Cross-entropy over the scaled cosine to all references, of labelled cells that are asked."""
    scores = cell_similarities(content, library)
    wanted = rearrange(batch.references, "B C -> (B C)")
    known = rearrange(batch.is_labelled & (content_time > 0), "B C -> (B C)")
    scaled = scores * model.log_temperature.clamp(max=4.6).exp()
    return F.cross_entropy(scaled[known], wanted[known]) if known.any() else scaled.sum() * 0


def cell_similarities(content: Tensor, library: ReferenceLibrary) -> Tensor:
    """Similarity of each cell of (B, Z, C * S, S) to each reference: (B * C, V + 1)."""
    cells = rearrange(content, "B Z (C S) side -> (B C) Z S side", S=content.shape[-1])
    return library.similarity(cells)


def _times(
    batch: ColumnBatch, params: ObjectiveParams, mode: Mode, generator: torch.Generator
) -> Times:
    count, cells = batch.characters.shape
    zeros, ones = torch.zeros(count), torch.ones(count)
    drawn = _uniform((count,), generator)
    if params.time_law == "logit_normal":
        drawn = torch.sigmoid(torch.randn((count,), generator=generator))
    boxes = None
    if mode != "write":
        is_full = _uniform((count,), generator) < params.full_noise_share
        image, content = zeros, torch.where(is_full, ones, drawn)
        if mode == "locate":
            boxes = torch.where(is_full, ones, _uniform((count,), generator))
    else:
        is_dropped = _uniform((count,), generator) < params.content_dropout
        image, content = drawn, is_dropped * params.dropped_time
    times = Times.even(cells, image=image, content=content, boxes=boxes)
    # What nobody knows is noise: such a cell is only drawn (the paper's unlabelled data).
    is_labelled = batch.is_labelled.cpu()
    times = replace(times, content=torch.where(is_labelled, times.content, 1.0))
    if _uniform((), generator).item() < params.given_share:
        is_open = (_uniform((count, cells), generator) < 0.5).float()
        if mode != "write":
            content = times.content * torch.where(is_labelled, is_open, 1.0)
            times = replace(times, content=content)
        else:
            given = times.image * is_open
            times = Times(image=given, content=times.content, boxes=given)
    device = batch.image.device
    return Times(
        image=times.image.to(device),
        content=times.content.to(device),
        boxes=times.boxes.to(device),
    )


def flow_errors(predicted: Tensor, data: Tensor, times: Tensor, bound: float) -> Tensor:
    """(B, C) mean squared error of the velocity: that of the data over time squared, bounded."""
    weight = (1 / times.clamp(min=SMALLEST_TIME).square()).clamp(max=bound)
    return cell_means((predicted - data).square(), times.shape[1]) * weight


def cell_means(squares: Tensor, cells: int) -> Tensor:
    """Means of (B, Z, C * S, S) over each cell: (B, C)."""
    return rearrange(squares, "B Z (C S) side -> B C (Z S side)", C=cells).mean(dim=-1)


def _noise(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator).to(like.device)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator)
