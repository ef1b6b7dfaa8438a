"""The reference library: every known character as the latent of its standard-font rendering.

Holds: building it, and looking a predicted content latent up in it (paper, appendix E.1). Adding
a character means rendering one more glyph; nothing is trained again.

Chosen where the paper is silent: similarity is the cosine *about the library's mean*, because
glyphs share their white ground and plain cosines all lie close to one; an empty cell is a
reference of its own, so that a blank crop is not forced to be a character.

Legend: V characters, F numbers in one cell's latent, N cells.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from pipelines.glyphs.content import content_cell
from pipelines.glyphs.fonts import FontFace
from training.families.unicalli.network import InkCoder
from training.vocabulary import Vocabulary

BLANK = ""
"""What stands in the library for an empty cell."""


@dataclass(frozen=True)
class ReferenceLibrary:
    """Latents of all characters and, last, of an empty cell.

    Attributes:
        characters: V canonical characters, then ``BLANK``.
        latents: (V + 1, Z, S, S) content latents as the model predicts them.
    """

    characters: tuple[str, ...]
    latents: Tensor
    mean: Tensor
    directions: Tensor

    @classmethod
    def from_latents(cls, characters: tuple[str, ...], latents: Tensor) -> ReferenceLibrary:
        """Wrap rendered latents (V + 1, Z, S, S)."""
        flat = latents.flatten(1)
        mean = flat.mean(dim=0)
        return cls(characters, latents, mean, F.normalize(flat - mean, dim=1))

    def to(self, device: torch.device) -> ReferenceLibrary:
        """The same on another device."""
        return ReferenceLibrary(
            self.characters,
            self.latents.to(device),
            self.mean.to(device),
            self.directions.to(device),
        )

    def similarity(self, predicted: Tensor) -> Tensor:
        """Cosine about the mean of (N, Z, S, S) to every reference: (N, V + 1)."""
        return F.normalize(predicted.flatten(1) - self.mean, dim=1) @ self.directions.T


@torch.no_grad()
def build_library(
    vocabulary: Vocabulary, face: FontFace, autoencoder: InkCoder, cell_px: int
) -> ReferenceLibrary:
    """Render and encode the whole character table.

    A character that the standard font lacks gets no reference and cannot be read; the caller
    finds it missing in ``characters``.
    """
    known = tuple(face.covered(vocabulary.characters))
    cells = np.stack([content_cell(c, face, cell_px) for c in (*known, BLANK)])
    images = torch.from_numpy(cells)[:, None].float() / 127.5 - 1
    device = next(autoencoder.parameters()).device
    parts = torch.split(images, 256)
    latents = torch.cat([autoencoder.encode(part.to(device)) for part in parts])
    return ReferenceLibrary.from_latents((*known, BLANK), latents)


def cached_library(
    vocabulary: Vocabulary,
    face: FontFace,
    autoencoder: InkCoder,
    cell_px: int,
    cache: Path | None,
) -> ReferenceLibrary:
    """:func:`build_library`, kept in a file named after all that it depends on."""
    if cache is None:
        return build_library(vocabulary, face, autoencoder, cell_px)
    digest = hashlib.sha256(f"{vocabulary.fingerprint}:{cell_px}".encode())
    for file in face.files:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
    for tensor in autoencoder.state_dict().values():
        digest.update(tensor.contiguous().numpy().tobytes())
    path = cache / f"library-{digest.hexdigest()[:16]}.safetensors"
    if path.is_file():
        stored = load_file(path)
        places = stored["places"].tolist()
        known = tuple(vocabulary.characters[place] for place in places)
        return ReferenceLibrary.from_latents((*known, BLANK), stored["latents"].float())
    library = build_library(vocabulary, face, autoencoder, cell_px)
    cache.mkdir(parents=True, exist_ok=True)
    places = [vocabulary.index[character] for character in library.characters[:-1]]
    temporary = path.with_suffix(f".{uuid.uuid4().hex[:8]}.partial")
    save_file({"latents": library.latents.contiguous(), "places": torch.tensor(places)}, temporary)
    os.replace(temporary, path)
    return library
