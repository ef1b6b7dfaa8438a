"""Columns in the hand of a few characters, as soon as they are shown: ScriptViT as a writer.

Nothing is learned of the hand. The model looks at up to five of the characters at once, as it did
in training; who asks for a character again has others shown, and so gets it written otherwise.

Holds: ``ImitatingWriter``, which the wrong-character gate (``training.gate``) can ask again.

Keeps out: the model (``training.families.scriptvit``), what is written and why
(``training.augmenting``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from pipelines.glyphs.fonts import FontFace
from training.families.scriptvit.attribution import TOGETHER
from training.families.scriptvit.conditioning import reference_set
from training.families.scriptvit.weights import Bundle
from training.families.scriptvit.writing import ScriptViTWriter
from training.gate import with_cells
from training.roles import WrittenColumn

Ink = npt.NDArray[np.uint8]


class ImitatingWriter:
    """Writes columns in the hand of reference characters.

    Args:
        bundle: The model; it must have learned to write characters.
        face: Its content font.
        pictures: Characters of the hand, white on black; one at least.

    Raises:
        ModelError: If the model does not write, there is no picture, or one is blank.
    """

    def __init__(self, bundle: Bundle, face: FontFace, pictures: Sequence[Ink]) -> None:
        bundle.require_writing()
        self.bundle, self.face = bundle, face
        self.cells = np.concatenate([reference_set([ink], bundle.dims) for ink in pictures])

    def write_column(self, text: str, prompt: str, seed: int = 0) -> WrittenColumn:
        """A column after references that the seed chooses; the prompt says nothing here."""
        return self._shown(seed).write_column(text)

    def rewrite(
        self, column: WrittenColumn, places: Collection[int], prompt: str, seed: int
    ) -> WrittenColumn:
        """The same column with some characters written after other references."""
        return with_cells(column, self._shown(seed).write_column(column.text), places)

    def _shown(self, seed: int) -> ScriptViTWriter:
        rng = np.random.default_rng(seed)
        count = min(TOGETHER, len(self.cells))
        chosen = self.cells[rng.choice(len(self.cells), count, replace=False)]
        return ScriptViTWriter(self.bundle, self.face, chosen)
