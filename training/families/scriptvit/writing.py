"""Writing in the hand of reference pictures.

Holds: ``ScriptViTWriter``: characters, one a cell, as a column; words as a picture each.

Keeps out: files and references of the user (``training.whose_hand``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from pipelines.errors import ModelError
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.windows import ink_extent
from training.families.scriptvit.conditioning import Ink, content_of
from training.families.scriptvit.judges import read
from training.families.scriptvit.weights import Bundle
from training.roles import WrittenColumn


class ScriptViTWriter:
    """A model with its content font and the references of one hand.

    Args:
        bundle: The model.
        face: Its content font.
        references: (N, height, width) as ``reference_set`` gives them.

    Raises:
        ModelError: If the model has not learned to write.
    """

    def __init__(self, bundle: Bundle, face: FontFace, references: Ink) -> None:
        self.bundle, self.face = bundle, face
        self.generator, self.reader = bundle.require_writing()
        with torch.inference_mode():
            pictures = torch.from_numpy(references)[None, :, None].float() / 255
            self.memory = bundle.encoder(pictures).tokens

    @torch.inference_mode()
    def pictures(self, texts: list[str]) -> Ink:
        """Each text as a picture of its own, (N, height, width)."""
        contents = self._contents(texts)
        made = self.generator(contents, self.memory.expand(len(contents), -1, -1))
        return np.asarray((made[:, 0] * 255).round().to(torch.uint8).numpy())

    @torch.inference_mode()
    def looked(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Where the queries of each text looked: (N, layers, heads, queries, tokens)."""
        contents = self._contents(texts)
        _, weights = self.generator.shown(contents, self.memory.expand(len(contents), -1, -1))
        return np.asarray(weights.numpy())

    def write_column(self, texts: Sequence[str]) -> WrittenColumn:
        """Texts below one another, each in a cell: the characters of a column, or words.

        Raises:
            ModelError: If the model writes words, and there is a letter it never learned.
        """
        if self.bundle.is_of_words:
            known = set(self.bundle.letters.characters)
            strange = sorted({letter for text in texts for letter in text} - known)
            if strange:
                raise ModelError(
                    f"{self.bundle.recipe['name']} has not learned {' '.join(strange)}; it knows "
                    f"{''.join(sorted(known)).strip()}. Leave it out, or use a model of "
                    f"characters, such as scriptvit.tiny."
                )
        cells = self.pictures(list(texts))
        boxes = []
        box_map = np.zeros((len(cells) * cells.shape[1], cells.shape[2]), np.uint8)
        for place, cell in enumerate(cells):
            extent = ink_extent(cell) or Box(0, 0, cells.shape[2], cells.shape[1])
            boxes.append(extent.moved(0, place * cells.shape[1]))
            box = boxes[-1]
            box_map[box.top : box.bottom, box.left : box.right] = 255
        return WrittenColumn(
            text=(" " if self.bundle.is_of_words else "").join(texts),
            ink=np.concatenate(list(cells)),
            box_map=box_map,
            boxes=tuple(boxes),
        )

    def read_back(self, pictures: Ink) -> list[str]:
        """What the family's own recogniser reads in pictures of its size."""
        tensor = torch.from_numpy(pictures)[:, None].float() / 255
        return read(self.reader, tensor, self.bundle.letters)

    def _contents(self, texts: list[str]) -> torch.Tensor:
        dims = self.bundle.dims
        size = (dims.written_height_px, dims.written_width_px)
        drawn = np.stack([content_of(text, self.face, size) for text in texts])
        return torch.from_numpy(drawn)[:, None].float() / 255
