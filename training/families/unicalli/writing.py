"""Writing: content clean, image and box map from noise.

Holds: ``write_column``. Text longer than one window is written in slices, each with the seed
after the last, and set below one another.

Keeps out: reading back what was written (``training.writing``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pipelines.errors import ModelError
from training.families.unicalli.conditioning import library_rows, style_ids
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import Streams, TextCondition
from training.families.unicalli.weights import Bundle
from training.processes.flow import euler_step, velocity_from_data

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class WritingParams:
    """How a column is written: Euler steps, and the seed of the first slice."""

    steps: int = 24
    seed: int = 0


@torch.inference_mode()
def write_column(
    text: str, prompt: str, bundle: Bundle, library: ReferenceLibrary, params: WritingParams
) -> tuple[Ink, Ink]:
    """A column of ink and the box map the model drew for it.

    Args:
        text: Characters of the model's table.
        prompt: Style prompt in the wording of training.
        bundle: The model.
        library: Its reference library.
        params: Steps and seed.

    Returns:
        Ink (cell * len(text), cell), white on black, and its box map of the same size.

    Raises:
        ModelError: If the text is empty or holds a character the model does not know.
    """
    dims = bundle.dims
    known = set(library.characters)
    ids = [bundle.vocabulary.id_of(character) for character in text]
    strange = sorted(
        {
            character
            for character, place in zip(text, ids, strict=True)
            if place is None or bundle.vocabulary.characters[place] not in known
        }
    )
    if not text or strange:
        raise ModelError(
            f"Cannot write {text!r}: "
            + (f"the model does not know {'、'.join(strange)}" if text else "the text is empty")
            + f". It writes the {len(known) - 1} characters of its table."
        )
    rows = library_rows(bundle.vocabulary, library)
    style = style_ids([prompt], dims.style_words, dims.style_tokens)
    inks, maps = [], []
    for index, start in enumerate(range(0, len(ids), dims.cells)):
        part = [i for i in ids[start : start + dims.cells] if i is not None]
        slice_ids = torch.tensor([part + [-1] * (dims.cells - len(part))])
        image, boxes = _write_slice(slice_ids, style, bundle, library, rows, params, index)
        height = len(part) * dims.cell_px
        inks.append(image[:height])
        maps.append(boxes[:height])
    return np.concatenate(inks), np.concatenate(maps)


def _write_slice(
    ids: torch.Tensor,
    style: torch.Tensor,
    bundle: Bundle,
    library: ReferenceLibrary,
    rows: torch.Tensor,
    params: WritingParams,
    index: int,
) -> tuple[Ink, Ink]:
    generator = torch.Generator().manual_seed(params.seed + index)
    side = bundle.dims.latent_side
    content = library.latents[rows[ids]].permute(0, 2, 1, 3, 4)
    content = content.reshape(1, -1, bundle.dims.cells * side, side)
    image = torch.randn(content.shape, generator=generator)
    boxes = torch.randn(content.shape, generator=generator)
    text = TextCondition(style=style, characters=bundle.model.embed_characters(ids))
    times = torch.linspace(1, 0, params.steps + 1)
    for now, later in zip(times[:-1], times[1:], strict=True):
        time, after = now[None], later[None]
        streams = Streams(image=image, content=content, boxes=boxes)
        clean = bundle.model(streams, text, time, torch.zeros(1))
        image = euler_step(image, velocity_from_data(image, clean.image, time), time, after)
        if clean.boxes is not None:
            boxes = euler_step(boxes, velocity_from_data(boxes, clean.boxes, time), time, after)
    cells = bundle.dims.cells
    pictures = torch.cat([image, boxes]).reshape(2, -1, cells, side, side).transpose(1, 2)
    decoded = bundle.autoencoder.decode(pictures.reshape(2 * cells, -1, side, side))
    grey = ((decoded.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    ink, drawn = grey.reshape(2, cells * bundle.dims.cell_px, bundle.dims.cell_px)
    return ink, drawn
