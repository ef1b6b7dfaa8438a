"""Small networks and hands drawn from strokes that tests of this family share."""

import cv2
import numpy as np
import torch

from training.families.scriptvit.adversary import Adversary, AdversaryParams, Networks
from training.families.scriptvit.attribution import Enrolled, unit
from training.families.scriptvit.conditioning import Material
from training.families.scriptvit.dims import ScriptViTDims
from training.families.scriptvit.generator import Generator
from training.families.scriptvit.judges import Discriminator, Letters, reader_for
from training.families.scriptvit.style_encoder import StyleEncoder
from training.families.scriptvit.weights import Bundle
from training.hand_classifier import HandClassifier

DIMS = ScriptViTDims(
    height_px=32, width_px=32, written_height_px=32, written_width_px=32,
    stem_widths=(8, 8, 8), width=32, heads=8, style_width=16, decoder_depth=2,
    synthesis_widths=(16, 8, 8), reader_widths=(8, 16), writer_widths=(8, 8),
    discriminator_widths=(8, 8),
)  # fmt: skip

TEXTS = "一七三上下不中人大小"
SLANTS = {"upright": (0, 2), "leaning": (10, 2), "bold": (0, 6)}
"""Hands: how far strokes lean, and how thick they are."""


def draw(text, hand, rng, side=32):
    """A "character": strokes set by the text, leaning and thick as the hand is."""
    lean, thick = SLANTS[hand]
    shape = np.random.default_rng(ord(text))
    ink = np.zeros((side, side), np.uint8)
    for x in shape.integers(6, side - 12, 2):
        x = int(x + rng.integers(-1, 2))
        cv2.line(ink, (x + lean // 2, 4), (x - lean // 2, side - 5), 255, thick, cv2.LINE_AA)
    y = int(shape.integers(8, side - 8) + rng.integers(-1, 2))
    cv2.line(ink, (4, y), (side - 5, y - lean // 4), 255, thick, cv2.LINE_AA)
    return ink


def material(copies=4):
    rng = np.random.default_rng(0)
    rows = [
        (draw(text, hand, rng), h, t)
        for h, hand in enumerate(SLANTS)
        for t, text in enumerate(TEXTS)
        for _ in range(copies)
    ]
    pictures, hands, texts = zip(*rows, strict=True)
    contents = np.stack([draw(text, "upright", np.random.default_rng(1)) for text in TEXTS])
    return Material(
        np.stack(pictures), np.stack(pictures), np.asarray(hands), np.asarray(texts),
        tuple(SLANTS), tuple(TEXTS), contents,
    )  # fmt: skip


def networks(seed=0, letters=None):
    torch.manual_seed(seed)
    letters = letters or Letters.of_texts(TEXTS)
    return Networks(
        StyleEncoder(DIMS), Generator(DIMS), Discriminator(DIMS),
        reader_for(DIMS, letters, is_of_words=False),
        HandClassifier(len(SLANTS), DIMS.writer_widths),
    )  # fmt: skip


def adversary(params=None):
    return Adversary(
        networks(), material(), Letters.of_texts(TEXTS),
        params or AdversaryParams(pictures_at_once=4, set_sizes=(2,)), seed=0,
    )  # fmt: skip


def bundle(**changed):
    own = networks()
    rng = np.random.default_rng(2)
    prototypes = np.stack([unit(rng.standard_normal(DIMS.style_width)) for _ in SLANTS])
    facts = {
        "dims": DIMS, "encoder": own.encoder.eval(), "generator": own.generator.eval(),
        "reader": own.reader.eval(), "letters": Letters.of_texts(TEXTS),
        "enrolled": Enrolled(tuple(SLANTS), prototypes, {1: 0.5, 5: 0.3}, 0.2),
        "recipe": {"name": "scriptvit.test", "content_font": "drawn", "is_of_words": False},
    }  # fmt: skip
    return Bundle(**{**facts, **changed})
