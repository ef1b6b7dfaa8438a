"""Writing: a column as single characters below one another, each from its skeleton or its index.

Holds: ``CalliffusionWriter``. Characters know nothing of their neighbours: a column is as many of
them, and any may be written again without the others.

Keeps out: sampling (``sampling``), pictures of what was written (``training.sheets``), reading it
back (``training.gate``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.errors import ModelError
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.windows import box_map, ink_extent
from training.families.calliffusion.conditioning import OWN, STANDARD, as_pictures, base, pro
from training.families.calliffusion.material import DRAWN_PX
from training.families.calliffusion.network import Condition
from training.families.calliffusion.sampling import SamplingParams, sample
from training.families.calliffusion.skeletons import skeleton_cell
from training.families.calliffusion.weights import Bundle
from training.roles import WrittenColumn

Ink = npt.NDArray[np.uint8]
Mode = Literal["pro", "base"]


@dataclass(frozen=True, kw_only=True)
class WritingParams:
    """How a column is written.

    Attributes:
        mode: ``pro`` from the standard font's skeleton, ``base`` from the index table alone.
        sampling: Steps and guidance.
        follows: Whether the skeleton of a font is to be followed as a picture is, instead of
            being bent into the hand; for characters that no hand was ever learned with.
    """

    mode: Mode = "pro"
    sampling: SamplingParams = SamplingParams()
    follows: bool = False


class CalliffusionWriter:
    """Writes with one model and one standard font."""

    def __init__(
        self,
        bundle: Bundle,
        face: FontFace,
        params: WritingParams | None = None,
        *,
        pictures: Sequence[Ink] | None = None,
        mix: Mapping[str, float] | None = None,
    ) -> None:
        """Ready to write.

        Args:
            bundle: The model.
            face: Says what characters without a picture look like.
            params: How.
            pictures: One a character of every text that is to be written, white ink on black,
                whose skeletons are followed; None takes the font's.
            mix: Other prompts with their weights, beside the prompt asked for, whose weight is
                what they leave of 1.

        Raises:
            ModelError: If the weights are negative or leave less than nothing.
        """
        self.bundle, self.face = bundle, face
        self.params = params or WritingParams()
        self.pictures, self.mix = pictures, dict(mix or {})
        if any(weight < 0 for weight in self.mix.values()) or sum(self.mix.values()) > 1:
            found = ", ".join(map(str, self.mix.values()))
            raise ModelError(
                f"The weights of mixed hands are {found}; expected numbers from 0 that sum to 1 at "
                f"most. The hand asked for gets the rest."
            )

    def write_column(self, text: str, prompt: str, seed: int = 0) -> WrittenColumn:
        """A column from nothing.

        Args:
            text: In base mode, characters of the index table; otherwise whatever the font has, or
                whatever the pictures show.
            prompt: Style prompt in the wording of training.
            seed: The same seed writes the same column.

        Raises:
            ModelError: If the text is empty, cannot be said, or differs in length from the
                pictures.
            UnreadableImage: If a picture has no ink.
        """
        cells = self._cells(text, range(len(text)), prompt, seed)
        return _column(text, cells)

    def rewrite(
        self, column: WrittenColumn, places: Collection[int], prompt: str, seed: int
    ) -> WrittenColumn:
        """The same column with the characters at ``places`` written again; the others stay.

        Raises:
            ModelError: If a place is not in the column.
        """
        wrong = sorted(set(places) - set(range(len(column.text))))
        if wrong:
            raise ModelError(
                f"The column has {len(column.text)} characters; there is no place {wrong[0]}."
            )
        side = self.bundle.dims.cell_px
        cells = column.ink.reshape(-1, side, side).copy()
        chosen = sorted(places)
        cells[chosen] = self._cells(column.text, chosen, prompt, seed)
        return _column(column.text, cells)

    def _cells(self, text: str, places: Sequence[int], prompt: str, seed: int) -> Ink:
        """(len(places), S, S) ink of those characters of the text."""
        condition = self._condition(text, places)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(condition.pictures.shape, generator=generator)
        said = self.bundle.prompts.encode([prompt, *self.mix])
        rest = 1 - sum(self.mix.values())
        weights = [rest, *self.mix.values()]
        mixed = {said[k : k + 1]: weight for k, weight in enumerate(weights) if weight > 0}
        sampling = self.params.sampling
        ink = sample(self.bundle.model, condition, mixed, sampling, noise, generator)
        grey = ((ink[:, 0] + 1) * 127.5).round().byte().numpy()
        return np.asarray(grey, np.uint8)

    def _condition(self, text: str, places: Sequence[int]) -> Condition:
        if not text:
            raise ModelError("Cannot write nothing: the text is empty. Give characters.")
        if self.pictures is not None and len(self.pictures) != len(text):
            raise ModelError(
                f"{len(text)} characters were asked for with {len(self.pictures)} pictures of "
                f"skeletons. Give one picture a character."
            )
        characters = [text[place] for place in places]
        unsaid = torch.zeros(len(places), dtype=torch.long)
        prompt = self.bundle.prompts.encode([""]).expand(
            len(places), *self.bundle.prompts.encode([""]).shape[1:]
        )
        if self.params.mode == "base" and self.pictures is None:
            index = self._index(characters)
            side = self.bundle.dims.cell_px
            blank = torch.zeros(len(places), 1, side, side)
            return base(index, pro(blank, unsaid, prompt))
        kind = OWN if self.params.follows or self.pictures is not None else STANDARD
        return pro(self._skeletons(text, places), torch.full_like(unsaid, kind), prompt)

    def _index(self, characters: Sequence[str]) -> Tensor:
        table = {character: place for place, character in enumerate(self.bundle.characters, 1)}
        strange = sorted({c for c in characters if c not in table})
        if strange:
            raise ModelError(
                f"The index table of {len(table)} characters lacks {'、'.join(strange)}. Write in "
                f"pro mode, which takes whatever the standard font has."
            )
        return torch.tensor([table[character] for character in characters])

    def _skeletons(self, text: str, places: Sequence[int]) -> Tensor:
        side = self.bundle.dims.cell_px
        found = []
        for place in places:
            if self.pictures is not None:
                ink, name = self.pictures[place], f"the picture of {text[place]!r}"
            else:
                ink, name = self.face.draw(text[place], DRAWN_PX), f"the glyph of {text[place]!r}"
            found.append(skeleton_cell(ink, side, name))
        return as_pictures(np.stack(found))


def _column(text: str, cells: Ink) -> WrittenColumn:
    """Cells (N, S, S) below one another, with the extent of their ink as boxes."""
    side = cells.shape[1]
    boxes = tuple(
        (ink_extent(cell) or Box(0, 0, side, side)).moved(0, place * side)
        for place, cell in enumerate(cells)
    )
    ink = cells.reshape(-1, side)
    return WrittenColumn(text=text, ink=ink, box_map=box_map(boxes, side, len(ink)), boxes=boxes)
