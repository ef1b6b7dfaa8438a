"""Every dimension of a ScriptViT, and its two sizes.

Holds: ``ScriptViTDims``, ``PAPER`` and ``TINY``.

Keeps out: networks (``style_encoder``, ``generator``, ``judges``) and training (``recipe``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pipelines.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class ScriptViTDims:
    """Sizes of all networks.

    Attributes:
        height_px: Of a reference picture; ``width_px`` likewise.
        patch_px: Side of a patch, which is a token of the style memory.
        stem_widths: Channels of a convolutional stem that halves the picture at each step; empty
            for the linear patches of the paper.
        width: Of a token, in the style encoder and the decoder alike.
        alone_depth: Blocks in which the patches of one reference attend to each other.
        together_depth: Blocks in which those of all references do.
        style_width: Numbers in a style vector.
        written_height_px: Of what is written, and of the content picture; the width likewise.
        content_patch_px: Side of a patch of the content picture, which is a query. A power of two.
        decoder_depth: Blocks of self-attention, cross-attention and feed-forward.
        synthesis_widths: Channels at each doubling on the way from queries to the picture.
        reader_widths: Channels of the recogniser.
        writer_widths: Channels of the writer classifier.
        discriminator_widths: Channels of the discriminator, which halves at each step.
        max_references: More pictures than this say nothing new and cost memory.
    """

    height_px: int = 48
    width_px: int = 48
    patch_px: int = 8
    stem_widths: tuple[int, ...] = (24, 48, 96)
    width: int = 128
    heads: int = 8
    mlp_ratio: int = 2
    alone_depth: int = 1
    together_depth: int = 1
    style_width: int = 64
    written_height_px: int = 48
    written_width_px: int = 48
    content_patch_px: int = 8
    decoder_depth: int = 3
    synthesis_widths: tuple[int, ...] = (64, 48, 24)
    reader_widths: tuple[int, ...] = (24, 48, 96, 128)
    writer_widths: tuple[int, ...] = (16, 32, 64, 64)
    discriminator_widths: tuple[int, ...] = (24, 48, 96, 96)
    max_references: int = 15

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit each other."""
        if self.width % self.heads:
            raise ModelError(
                f"A width of {self.width} cannot be shared by {self.heads} heads. Choose a "
                f"multiple of the heads."
            )
        sides = (self.height_px, self.width_px)
        if any(side % self.patch_px for side in sides):
            raise ModelError(
                f"References of {sides[0]} by {sides[1]} pixels cannot be cut into patches of "
                f"{self.patch_px}. Choose multiples of the patch."
            )
        if self.stem_widths and 2 ** len(self.stem_widths) != self.patch_px:
            raise ModelError(
                f"A stem of {len(self.stem_widths)} halvings makes patches of "
                f"{2 ** len(self.stem_widths)} pixels, not {self.patch_px}. Choose one of the two."
            )
        written = (self.written_height_px, self.written_width_px)
        if 2 ** len(self.synthesis_widths) != self.content_patch_px or any(
            side % self.content_patch_px for side in written
        ):
            raise ModelError(
                f"Queries of {self.content_patch_px} pixels and {len(self.synthesis_widths)} "
                f"doublings do not give a picture of {written[0]} by {written[1]}. Choose sizes "
                f"that do."
            )

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches of one reference."""
        return self.height_px // self.patch_px, self.width_px // self.patch_px

    @cached_property
    def content_grid(self) -> tuple[int, int]:
        """Rows and columns of queries."""
        patch = self.content_patch_px
        return self.written_height_px // patch, self.written_width_px // patch

    @property
    def tokens(self) -> int:
        """Patches of one reference."""
        return self.grid[0] * self.grid[1]


TINY = ScriptViTDims()
"""Chinese characters on two cores."""

TINY_WORDS = ScriptViTDims(height_px=32, width_px=192, written_height_px=32, written_width_px=192)
"""Words of letters on two cores."""

PAPER = ScriptViTDims(
    height_px=224,
    width_px=224,
    patch_px=16,
    stem_widths=(),
    width=512,
    mlp_ratio=4,
    alone_depth=0,
    together_depth=6,
    style_width=256,
    written_height_px=128,
    written_width_px=128,
    content_patch_px=16,
    synthesis_widths=(256, 128, 64, 32),
    reader_widths=(64, 128, 256, 512),
    writer_widths=(64, 128, 256, 512),
    discriminator_widths=(64, 128, 256, 512, 512),
)
"""Width, heads, decoder and references of 224 pixels are the paper's; patch (the usual 16), depth
of the encoder, and everything of the other networks it leaves open: those are ours. It writes
words 32 pixels high, and this characters of 128."""
