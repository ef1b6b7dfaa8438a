"""The stages of training, each a function that leaves its networks trained.

Holds: ``train_autoencoder``, ``train_eye``, ``train_columns``. The last serves both a model from
nothing and one that learns from approved samples: only the batches differ.

Keeps out: single batches and losses (``pretraining``, ``objective``), files (``weights``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from training.augment import AugmentParams
from training.columns import ColumnPictures
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.conditioning import (
    ColumnBatch,
    encode_columns,
    library_rows,
    style_ids,
)
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import UniCalli, UniCalliDims
from training.families.unicalli.objective import Mode, ObjectiveParams, column_loss
from training.families.unicalli.pretraining import (
    SingleReader,
    autoencoder_losses,
    characters,
)
from training.families.unicalli.stem import Stem
from training.families.unicalli.weights import lay_out_channels_last
from training.glyph_bank import GlyphBank
from training.loop import Fitted, LoopParams, fit
from training.vocabulary import Vocabulary

SCALE_SAMPLE = 2048
"""Characters from which the latents' scale is measured."""

STYLELESS_READING_SHARE = 0.7
"""Share of reading steps without a style prompt: whoever reads rarely knows the calligrapher."""


def train_autoencoder(
    bank: GlyphBank, cell_px: int, size: int, loop: LoopParams, seed: int, log: Path | None
) -> Autoencoder:
    """An autoencoder for characters of all hands, with its latents' scale measured."""
    torch.manual_seed(seed)
    model = Autoencoder()
    lay_out_channels_last(model)
    generator = torch.Generator().manual_seed(seed)
    batches = characters(bank, size, cell_px, AugmentParams(), seed)
    losses = autoencoder_losses(model, batches, generator)
    fit(model, lambda: _named("reconstruction", next(losses)), loop, log=log)
    pictures = torch.cat([next(batches)[0] for _ in range(max(1, SCALE_SAMPLE // size))])
    model.measure_scale(pictures)
    model.eval().requires_grad_(False)
    return model


def train_eye(
    reader: SingleReader,
    bank: GlyphBank,
    autoencoder: Autoencoder,
    library: ReferenceLibrary,
    rows: Tensor,
    cell_px: int,
    size: int,
    loop: LoopParams,
    seed: int,
    log: Path | None,
) -> Fitted:
    """Teach the stem to see single characters, before it ever sees a column.

    Args:
        reader: The stem with its read-out; trained in place.
        bank: Characters whose classes are vocabulary ids.
        autoencoder: Frozen.
        library: References.
        rows: Row of the library for each vocabulary id.
        cell_px: Side of a cell.
        size: Characters in a batch.
        loop: How long and how fast.
        seed: Of the data.
        log: Where losses go.
    """
    batches = characters(bank, size, cell_px, AugmentParams(), seed)

    def step() -> tuple[Tensor, dict[str, float]]:
        images, classes = next(batches)
        with torch.no_grad():
            latents = autoencoder.encode(images.contiguous(memory_format=torch.channels_last))
        return _named("retrieval", reader.loss(latents, rows[classes], library))

    return fit(reader, step, loop, log=log)


def single_reader(dims: UniCalliDims) -> SingleReader:
    """A fresh eye of the right sizes."""
    reader = SingleReader(
        Stem(dims.width, dims.time_width), dims.width, dims.token_features, dims.time_width
    )
    lay_out_channels_last(reader)
    return reader


def start_from_eye(dims: UniCalliDims, vocabulary_size: int, reader: SingleReader) -> UniCalli:
    """A transformer whose eye and content read-out are those of the single reader."""
    model = UniCalli(dims, vocabulary_size)
    model.eye.load_state_dict(reader.stem.state_dict())
    model.content_out.load_state_dict(reader.read_out.state_dict())
    with torch.no_grad():
        model.log_temperature.copy_(reader.log_temperature)
        # The eye already says what a patch shows; the linear path only adds what noise hides.
        nn.init.zeros_(model.image_in.weight)
        nn.init.zeros_(model.content_in.weight)
        nn.init.zeros_(model.content_in.bias)
    lay_out_channels_last(model)
    return model


def train_columns(
    model: UniCalli,
    reading: Iterator[ColumnPictures],
    writing: Iterator[ColumnPictures],
    autoencoder: Autoencoder,
    vocabulary: Vocabulary,
    library: ReferenceLibrary,
    objective: ObjectiveParams,
    loop: LoopParams,
    seed: int,
    log: Path | None,
    judge: Callable[[], dict[str, float]] | None = None,
) -> Fitted:
    """Train the transformer on columns, reading and writing in turn as the objective says.

    What does not require a gradient stays as it is: a model from nothing keeps the eye it was
    given, because the first steps of young blocks would blind it.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = library_rows(vocabulary, library)

    def step() -> tuple[Tensor, dict[str, float]]:
        reads = torch.rand((), generator=generator).item() < objective.read_share
        mode: Mode = "read" if reads else "write"
        batch = _to_batch(
            next(reading if reads else writing), model, autoencoder, library, rows, generator, mode
        )
        return column_loss(model, batch, library, objective, mode, generator)

    model.train()
    fitted = fit(model, step, loop, log=log, judge=judge)
    model.eval()
    return fitted


def _to_batch(
    pictures: ColumnPictures,
    model: UniCalli,
    autoencoder: Autoencoder,
    library: ReferenceLibrary,
    rows: Tensor,
    generator: torch.Generator,
    mode: Mode,
) -> ColumnBatch:
    dims = model.dims
    style = style_ids(pictures.prompts, dims.style_words, dims.style_tokens)
    if mode == "read":
        told = torch.rand((len(style), 1), generator=generator) >= STYLELESS_READING_SHARE
        style = style * told.long()
    return encode_columns(
        pictures.images,
        pictures.box_maps,
        pictures.classes,
        style,
        torch.ones(len(style), dtype=torch.bool),
        autoencoder,
        library,
        rows,
    )


def _named(name: str, loss: Tensor) -> tuple[Tensor, dict[str, float]]:
    return loss, {name: float(loss.detach())}
