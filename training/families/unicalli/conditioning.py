"""What the model is told beside pictures: style words, and columns made ready as tensors.

Holds: ``ColumnBatch``: image, content and box map of a batch of windows as latents, with the
classes they show and the prompt as word ids.

Chosen here: a word's id is a hash into a table (``training.style_words``); T5 and CLIP of the
released system cannot be had without a download.

Keeps out: the wording of prompts (``pipelines.prompts``) and noise (``objective``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.columns import EMPTY_CELL, UNKNOWN_CELL
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.network import InkCoder
from training.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class ColumnBatch:
    """Columns as the transformer takes them. B columns of C cells.

    Attributes:
        image: (B, Z, C * S, S) latents of the calligraphy.
        content: (B, Z, C * S, S) latents of the standard-font rendering.
        boxes: (B, Z, C * S, S) latents of the box map.
        characters: (B, C) vocabulary ids, -1 where a cell is empty or its character unknown.
        references: (B, C) rows of the reference library.
        style: (B, T) word ids.
        is_labelled: (B, C) whether the content of a cell is known; it is of an empty one.
    """

    image: Tensor
    content: Tensor
    boxes: Tensor
    characters: Tensor
    references: Tensor
    style: Tensor
    is_labelled: Tensor


def library_rows(vocabulary: Vocabulary, library: ReferenceLibrary) -> Tensor:
    """(V + 1,) row of the library for each vocabulary id; the last entry serves id -1.

    A character that the standard font lacks points to the blank reference, like an empty cell.
    """
    blank = len(library.characters) - 1
    places = {character: row for row, character in enumerate(library.characters)}
    rows = [places.get(character, blank) for character in vocabulary.characters]
    return torch.tensor([*rows, blank], device=library.latents.device)


@torch.no_grad()
def encode_columns(
    images: Tensor,
    box_maps: Tensor,
    classes: Tensor,
    style: Tensor,
    autoencoder: InkCoder,
    library: ReferenceLibrary,
    rows: Tensor,
) -> ColumnBatch:
    """Latents of pictures in [-1, 1]; content comes from the library instead of being drawn.

    Args:
        images: (B, 1, C * cell, cell).
        box_maps: The same shape.
        classes: (B, C) vocabulary ids, ``EMPTY_CELL`` or ``UNKNOWN_CELL``.
        style: (B, T).
        autoencoder: Frozen.
        library: References, whose latents are the content image's cell by cell.
        rows: From :func:`library_rows`.
    """
    cells = classes.shape[1]
    characters = classes.clamp(min=EMPTY_CELL)
    references = rows[characters]
    content = library.latents[references]
    side = content.shape[-1]
    # Cells of a column stand below one another.
    stacked = content.permute(0, 2, 1, 3, 4).reshape(len(images), -1, cells * side, side)
    return ColumnBatch(
        image=_encode_cells(images, cells, autoencoder),
        content=stacked,
        boxes=_encode_cells(box_maps, cells, autoencoder),
        characters=characters,
        references=references,
        style=style,
        is_labelled=classes != UNKNOWN_CELL,
    )


def _encode_cells(pictures: Tensor, cells: int, autoencoder: InkCoder) -> Tensor:
    """Encode cell by cell, as the stem and the library do, so that no seam differs from a rim."""
    count, _, height, width = pictures.shape
    split = pictures.reshape(count * cells, 1, height // cells, width)
    latents = autoencoder.encode(split.contiguous(memory_format=torch.channels_last))
    side = latents.shape[-1]
    return latents.reshape(count, cells, -1, side, side).permute(0, 2, 1, 3, 4).reshape(
        count, -1, cells * side, side
    )  # fmt: skip
