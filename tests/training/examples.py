"""Small vocabularies, fonts and models that training tests share."""

import numpy as np
import torch

from pipelines.glyphs.fonts import FontFace
from pipelines.records import Script, Work
from tests.pipelines.glyphs.drawn_fonts import draw_font
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.library import build_library
from training.families.unicalli.model import UniCalli, UniCalliDims
from training.families.unicalli.weights import Bundle
from training.glyph_bank import bank_from_fonts
from training.vocabulary import Vocabulary

CHARACTERS = "一七三上下不中人"

WORK = Work(
    work_id="w", title="drawn", calligrapher="nobody", script=Script.REGULAR,
    rights="CC0-1.0", source="test",
)  # fmt: skip

DIMS = UniCalliDims(width=32, heads=2, depth=1, rope_axes=(8, 8), time_width=16, style_tokens=4)


def vocabulary():
    return Vocabulary(tuple(CHARACTERS))


def face(folder):
    return FontFace([draw_font(folder / "drawn.ttf", CHARACTERS)])


def bank(folder):
    return bank_from_fonts({"drawn": face(folder)}, vocabulary())


def bundle():
    torch.manual_seed(0)
    model = UniCalli(DIMS, len(CHARACTERS)).eval()
    return Bundle(
        model=model,
        autoencoder=Autoencoder().eval().requires_grad_(False),
        vocabulary=vocabulary(),
        recipe={"name": "test", "content_font": "drawn", "hands": []},
    )


def library(folder, autoencoder):
    return build_library(vocabulary(), face(folder), autoencoder, DIMS.cell_px)


def drawn_column(count, side=40):
    """Ink with ``count`` different rectangles, and nothing else."""
    ink = np.zeros((count * (side + 8), side + 16), np.uint8)
    for index in range(count):
        top = index * (side + 8) + 4
        ink[top : top + side - 2 * index, 8 : 8 + side - index] = 255
    return ink
