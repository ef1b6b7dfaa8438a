"""The stages of training, each a function that leaves its networks trained.

Holds: ``train_autoencoder``, ``train_eye``, ``train_brush``, ``train_columns``. The last serves
both a model from nothing and one that learns from approved samples: only the batches differ.

Batches are drawn on the CPU and follow the networks to their device.

Keeps out: single batches and losses (``pretraining``, ``objective``), files (``weights``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.errors import ModelError
from training.augment import AugmentParams
from training.columns import CLEAN, ColumnPictures, Columns, columns_from_bank
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.conditioning import (
    ColumnBatch,
    encode_columns,
    library_rows,
)
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import UniCalli, UniCalliDims
from training.families.unicalli.network import ColumnDims, ColumnNetwork, InkCoder
from training.families.unicalli.objective import Mode, ObjectiveParams, column_loss, mode_of
from training.families.unicalli.pretraining import (
    SingleReader,
    SingleWriter,
    autoencoder_loss,
    characters,
)
from training.families.unicalli.stem import Stem
from training.families.unicalli.weights import lay_out_channels_last
from training.glyph_bank import GlyphBank
from training.loop import Fitted, LoopParams, fit
from training.slices import Slice, ahead
from training.style_words import style_ids, without_parts
from training.vocabulary import Vocabulary

SCALE_SAMPLE = 2048
"""Characters from which the latents' scale is measured."""

STYLELESS_READING_SHARE = 0.7
"""Share of reading steps without a style prompt: whoever reads rarely knows the calligrapher."""

PART_DROPOUT = 0.3
"""Chance of each part of a writing prompt to be left out: who asks for a script alone, or for a
calligrapher the model has never met, still asks for something it knows."""


def train_autoencoder(
    bank: GlyphBank,
    cell_px: int,
    size: int,
    loop: LoopParams,
    seed: int,
    log: Path | None,
    device: torch.device,
) -> Autoencoder:
    """An autoencoder for characters of all hands, with its latents' scale measured."""
    torch.manual_seed(seed)
    model = Autoencoder().to(device)
    lay_out_channels_last(model)
    batch = ahead(characters(bank, size, cell_px, AugmentParams(), seed))

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        loss = autoencoder_loss(model, batch(part).images.to(device), part.torch_seeded(seed + 1))
        return _named("reconstruction", loss)

    fit(model, step, loop, log=log)
    count = max(1, SCALE_SAMPLE // size)
    model.measure_scale(torch.cat([batch(Slice(number=k)).images for k in range(count)]).to(device))
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
    damage: AugmentParams | None = None,
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
        damage: What is done to the characters, as a rule what time does to them.
    """
    batches = ahead(characters(bank, size, cell_px, damage or AugmentParams(), seed))
    device = reader.log_temperature.device

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        batch = batches(part).to(device)
        latents = _encode(autoencoder, batch.images)
        return _named("retrieval", reader.loss(latents, rows[batch.classes], library))

    return fit(reader, step, loop, log=log)


def train_brush(
    writer: SingleWriter,
    bank: GlyphBank,
    prompts: Mapping[str, str],
    autoencoder: Autoencoder,
    library: ReferenceLibrary,
    rows: Tensor,
    size: int,
    objective: ObjectiveParams,
    loop: LoopParams,
    seed: int,
    log: Path | None,
) -> Fitted:
    """Teach the brush to draw single characters, before it ever draws a column.

    Arguments are those of :func:`train_eye`; characters are deformed as a brush does it, not
    damaged, and ``prompts`` says in whose hand each is.
    """
    dims = writer.dims
    batches = ahead(characters(bank, size, dims.cell_px, CLEAN, seed))
    styles = style_ids(
        [prompts[name] for name in bank.hand_names], dims.style_words, dims.style_tokens
    )
    device = library.latents.device
    styles = styles.to(device)

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        batch = batches(part).to(device)
        loss = writer.loss(
            _encode(autoencoder, batch.images),
            library.latents[rows[batch.classes]],
            styles[batch.hands],
            content_dropout=objective.content_dropout,
            style_dropout=objective.style_dropout,
            largest_weight=objective.largest_weight,
            generator=part.torch_seeded(seed + 1),
        )
        return _named("drawn", loss)

    return fit(writer, step, loop, log=log)


def single_reader(dims: UniCalliDims) -> SingleReader:
    """A fresh eye of the right sizes."""
    reader = SingleReader(
        Stem(dims.width, dims.time_width), dims.width, dims.token_features, dims.time_width
    )
    lay_out_channels_last(reader)
    return reader


def single_writer(dims: UniCalliDims) -> SingleWriter:
    """A fresh brush of the right sizes."""
    writer = SingleWriter(dims)
    lay_out_channels_last(writer)
    return writer


def start_from_singles(
    dims: UniCalliDims, vocabulary_size: int, reader: SingleReader, writer: SingleWriter
) -> UniCalli:
    """A transformer that sees and draws single characters as the two already do."""
    model = UniCalli(dims, vocabulary_size)
    for name in ("brush", "style_table", "style_in", "time_in"):
        getattr(model, name).load_state_dict(getattr(writer, name).state_dict())
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


def columns_of_hands(
    bank: GlyphBank,
    prompts: Mapping[str, str],
    dims: ColumnDims,
    size: int,
    seed: int,
    hand_weights: Mapping[str, float] | None = None,
) -> tuple[Columns, Columns]:
    """Synthetic columns to read, aged, and to write, clean, each made ahead of need."""
    reading, writing = (
        ahead(
            columns_from_bank(
                bank,
                prompts,
                size=size,
                cells=dims.cells,
                cell_px=dims.cell_px,
                is_aged=is_aged,
                seed=seed + int(is_aged),
                hand_weights=hand_weights,
            )
        )
        for is_aged in (True, False)
    )
    return reading, writing


def train_columns(
    model: ColumnNetwork,
    reading: Columns,
    writing: Columns,
    autoencoder: InkCoder,
    vocabulary: Vocabulary,
    library: ReferenceLibrary,
    objective: ObjectiveParams,
    loop: LoopParams,
    seed: int,
    log: Path | None,
    judge: Callable[[], dict[str, float]] | None = None,
    kept: Path | None = None,
    locating: Columns | None = None,
) -> Fitted:
    """Train the transformer on columns, in the modes that the objective has shares for.

    What does not require a gradient stays as it is: a model from nothing keeps the eye it was
    given, because the first steps of young blocks would blind it.

    Raises:
        ModelError: If it is to locate and ``locating``, raw columns, is missing.
    """
    rows = library_rows(vocabulary, library)
    library = library.to(model.log_temperature.device)
    sources = {"read": reading, "write": writing}
    if locating is not None:
        sources["locate"] = locating
    elif objective.locate_share:
        raise ModelError("There are no raw columns to learn to locate in; give `locating`.")

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        mode = mode_of(objective, part.number, seed)
        generator = part.torch_seeded(seed)
        pictures = sources[mode](part)
        batch = _to_batch(pictures, model, autoencoder, library, rows, generator, mode, objective)
        return column_loss(model, batch, library, objective, mode, generator)

    model.train()
    fitted = fit(model, step, loop, log=log, judge=judge, kept=kept)
    model.eval()
    return fitted


def _to_batch(
    pictures: ColumnPictures,
    model: ColumnNetwork,
    autoencoder: InkCoder,
    library: ReferenceLibrary,
    rows: Tensor,
    generator: torch.Generator,
    mode: Mode,
    objective: ObjectiveParams,
) -> ColumnBatch:
    prompts = pictures.prompts
    if mode == "write":
        prompts = tuple(without_parts(p, PART_DROPOUT, generator) for p in prompts)
    style = model.style_ids(prompts)
    silent_share = objective.style_dropout if mode == "write" else STYLELESS_READING_SHARE
    told = torch.rand((len(style), 1), generator=generator) >= silent_share
    style = style * told.long()
    device = library.latents.device
    return encode_columns(
        pictures.images.to(device),
        pictures.box_maps.to(device),
        pictures.classes.to(device),
        style.to(device),
        autoencoder,
        library,
        rows,
    )


@torch.no_grad()
def _encode(autoencoder: Autoencoder, images: Tensor) -> Tensor:
    return autoencoder.encode(images.contiguous(memory_format=torch.channels_last))


def _named(name: str, loss: Tensor) -> tuple[Tensor, dict[str, float]]:
    return loss, {name: float(loss.detach())}
