"""What each part of the recipe is worth: the same short training without it, side by side.

After table 4 of the paper, on the columns' stage alone: every variant starts from the eye and the
brush of a given checkpoint (unless that is what it goes without) with a transformer from nothing,
trains as many steps as the others on the same batches, and is judged on a hand that none has seen.

Holds: the variants, and ``ablate``.

Keeps out: training itself (``stages``), fonts (``training.hands``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from pipelines.geometry import Box
from training.columns import columns_from_bank
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import UniCalli
from training.families.unicalli.network import Modality
from training.families.unicalli.objective import PAPER, TINY, ObjectiveParams
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.stages import columns_of_hands, train_columns
from training.families.unicalli.weights import Bundle, lay_out_channels_last
from training.families.unicalli.writing import UniCalliWriter, WritingParams
from training.gate import written_right
from training.glyph_bank import GlyphBank
from training.loop import LoopParams
from training.metrics.recognition import Share, accuracy
from training.roles import ColumnInk
from training.slices import Slice

SINGLES = ("eye", "brush", "content_out", "style_table", "style_in", "time_in")
"""Parts that were trained on single characters, by their names in the model."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One row of the table: what is other than in the whole recipe."""

    name: str
    objective: ObjectiveParams = TINY
    modality: Modality = "stream"
    fresh: tuple[str, ...] = ()


VARIANTS = (
    Variant(name="as it is"),
    Variant(name="the paper's objective", objective=PAPER),
    Variant(name="reads only", objective=replace(TINY, read_share=1.0)),
    Variant(name="writes only", objective=replace(TINY, read_share=0.0)),
    Variant(name="no box map", objective=replace(TINY, has_boxes=False)),
    Variant(
        name="no cross-entropy",
        objective=replace(TINY, retrieval_weight=0.0, reading_flow_weight=1.0),
    ),
    Variant(name="streams told apart by angles", modality="rotation"),
    Variant(name="streams told apart place by place", modality="place"),
    Variant(name="no eye beforehand", fresh=("eye", "content_out")),
    Variant(name="no brush beforehand", fresh=("brush",)),
)


@dataclass(frozen=True, kw_only=True)
class AblationParams:
    """How long and on what every variant trains and is judged.

    Steps are the same for all, not seconds: other work on the machine would decide who wins.
    """

    loop: LoopParams = LoopParams(steps=150, learning_rate=8e-4, warmup_steps=20)
    columns_at_once: int = 32
    judged_columns: int = 120
    written_columns: int = 16
    seed: int = 0
    variants: Sequence[Variant] = field(default=VARIANTS)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Characters read right, and characters that read back as asked; intervals over columns."""

    variant: str
    steps: int
    seconds: float
    read_right: Share
    written_right: Share


def ablate(
    parent: Bundle,
    library: ReferenceLibrary,
    bank: GlyphBank,
    prompts: Mapping[str, str],
    unseen: GlyphBank,
    params: AblationParams,
) -> Iterator[Row]:
    """Train and judge every variant.

    Args:
        parent: Its eye and brush are what variants start from, its reader judges what is
            written: one that is ablated cannot judge itself.
        library: References.
        bank: Hands to learn from.
        prompts: Style prompt of each.
        unseen: One hand to read.
        params: How long.
    """
    judge = UniCalliReader(parent, library, ReadingParams(context_weight=0))
    for variant in params.variants:
        torch.manual_seed(params.seed)
        bundle = replace(parent, model=_started(parent, variant), context=None)
        reading, writing = columns_of_hands(
            bank, prompts, parent.dims, params.columns_at_once, params.seed
        )
        fitted = train_columns(
            bundle.model, reading, writing, parent.autoencoder, parent.vocabulary, library,
            variant.objective, params.loop, params.seed, None,
        )  # fmt: skip
        yield Row(
            variant=variant.name,
            steps=fitted.steps,
            seconds=fitted.seconds,
            read_right=_read_right(bundle, library, unseen, params),
            written_right=_written_right(bundle, library, judge, bank, prompts, params),
        )


def _started(parent: Bundle, variant: Variant) -> UniCalli:
    dims = replace(parent.dims, modality=variant.modality)
    model = UniCalli(dims, len(parent.vocabulary))
    for name in SINGLES:
        if name not in variant.fresh:
            getattr(model, name).load_state_dict(getattr(parent.model, name).state_dict())
    with torch.no_grad():
        model.log_temperature.copy_(parent.model.log_temperature)
        # As in `start_from_singles`: the eye already says what a patch shows.
        for layer in (model.image_in.weight, model.content_in.weight, model.brush.told.weight):
            layer.zero_()
    for name in ("eye", "content_out"):
        if name not in variant.fresh:
            getattr(model, name).requires_grad_(False)
    lay_out_channels_last(model)
    return model


def _read_right(
    bundle: Bundle, library: ReferenceLibrary, unseen: GlyphBank, params: AblationParams
) -> Share:
    dims = bundle.dims
    drawn = columns_from_bank(
        unseen, dict.fromkeys(unseen.hand_names, ""), size=params.judged_columns,
        cells=dims.cells, cell_px=dims.cell_px, is_aged=False, seed=params.seed + 7,
        empty_share=0.0,
    )(Slice(number=0))  # fmt: skip
    boxes = tuple(
        Box(0, dims.cell_px * k, dims.cell_px, dims.cell_px * (k + 1)) for k in range(dims.cells)
    )
    inks = [
        ColumnInk(((picture[0] + 1) * 127.5).round().byte().numpy(), boxes)
        for picture in drawn.images
    ]
    reader = UniCalliReader(bundle, library, ReadingParams(context_weight=0))
    right = [
        bundle.vocabulary.id_of(proposal.text) == wanted if proposal.text else False
        for proposals, row in zip(reader.read_columns(inks), drawn.classes.tolist(), strict=True)
        for proposal, wanted in zip(proposals, row, strict=True)
    ]
    columns = [str(place // dims.cells) for place in range(len(right))]
    return accuracy(right, columns, np.random.default_rng(params.seed))


def _written_right(
    bundle: Bundle,
    library: ReferenceLibrary,
    judge: UniCalliReader,
    bank: GlyphBank,
    prompts: Mapping[str, str],
    params: AblationParams,
) -> Share:
    known = set(library.characters)
    asked = columns_from_bank(
        bank, prompts, size=params.written_columns, cells=bundle.dims.cells,
        cell_px=bundle.dims.cell_px, is_aged=False, seed=params.seed + 8, empty_share=0.0,
    )(Slice(number=0))  # fmt: skip
    writer = UniCalliWriter(bundle, library, WritingParams(steps=12))
    right: list[bool] = []
    columns: list[str] = []
    rows = zip(asked.classes.tolist(), asked.prompts, strict=True)
    for column, (row, prompt) in enumerate(rows):
        characters = (bundle.vocabulary.characters[place] for place in row)
        text = "".join(character for character in characters if character in known)
        checked = written_right(writer, judge, text, prompt, tries=1)
        right += [place not in checked.wrong for place in range(len(text))]
        columns += [str(column)] * len(text)
    return accuracy(right, columns, np.random.default_rng(params.seed))
