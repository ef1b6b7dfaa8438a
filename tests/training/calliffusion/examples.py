"""A miniature: drawn hands, the debug recipe's network, and what it is told."""

from dataclasses import replace

import torch

from pipelines.glyphs.fonts import FontFace
from tests.pipelines.glyphs.drawn_fonts import draw_font
from training.families.calliffusion.conditioning import WordPrompts
from training.families.calliffusion.material import material_of_hands, standard_skeletons
from training.families.calliffusion.network import Calliffusion
from training.families.calliffusion.weights import Bundle
from training.recipes.calliffusion import debug

CHARACTERS = "一七三上下不中人"
DIMS = replace(debug().dims, characters=len(CHARACTERS))
HANDS = {
    "broad": "synthetic; font Broad; kai shu, regular script",
    "narrow": "synthetic; font Narrow; xing shu, running script",
}
PROMPTS = WordPrompts(DIMS)


def face(folder, name="standard", characters=CHARACTERS):
    return FontFace([draw_font(folder / f"{name}.ttf", characters)])


def material(folder):
    faces = {name: face(folder, name) for name in HANDS}
    return material_of_hands(faces, HANDS, CHARACTERS, face(folder), DIMS.cell_px)


def standard(folder):
    return standard_skeletons(CHARACTERS, face(folder), DIMS.cell_px)


def model(seed=0):
    """One that says something: a fresh network is silent."""
    torch.manual_seed(seed)
    made = Calliffusion(DIMS)
    torch.nn.init.normal_(made.unet.conv_out.weight, std=0.1)
    return made.eval()


def bundle(seed=0):
    return Bundle(
        model=model(seed),
        characters=tuple(CHARACTERS),
        prompts=PROMPTS,
        recipe={"name": "test", "content_font": "lxgw-wenkai-tc", "hands": HANDS},
        fingerprint="0123456789abcdef",
    )
