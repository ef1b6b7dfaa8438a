"""Two hands drawn from plain shapes: no fonts, no files."""

import numpy as np

from tests.drawing import draw_character
from training.detector.glyphs import EM_PX, Hand


def drawn_hands():
    rng = np.random.default_rng(7)
    pictures = tuple(draw_character(rng, EM_PX - 8) for _ in range(12))
    tall = tuple(picture[:, : EM_PX // 2] for picture in pictures)
    return [
        Hand(name="plain", han=pictures, kana=(), connects=0.1),
        Hand(name="joined", han=pictures, kana=tall, connects=0.9),
    ]
