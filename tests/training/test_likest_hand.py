"""Which known hand a new one starts from: the one whose writing looks most like it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from pipelines.geometry import Box
from tests.training.calliffusion.examples import CHARACTERS, HANDS, bundle, face
from tests.training.scriptvit.examples import bundle as knowing
from training import likest_hand as module
from training.likest_hand import likest_hand
from training.roles import WrittenColumn


class InkOfPrompt:
    """Writes bold under one prompt and thin under the other; a double of the writer."""

    def __init__(self, bundle, face, params):
        self.params = params

    def write_column(self, text, prompt, seed):
        column = bars(len(text), 14 if "Broad" in prompt else 2)
        return replace(column, text=text)


def bars(count, thick):
    ink = np.zeros((count * 48, 48), np.uint8)
    boxes = []
    for k in range(count):
        cv2.line(ink, (24, 48 * k + 4), (24, 48 * k + 43), 255, thick)
        boxes.append(Box(0, 48 * k, 48, 48 * k + 48))
    return WrittenColumn(text="", ink=ink, box_map=ink, boxes=tuple(boxes))


@pytest.mark.parametrize(("thick", "near"), [(14, "broad"), (2, "narrow")])
def test_the_hand_whose_writing_looks_like_the_given_characters(tmp_path, monkeypatch, thick, near):
    monkeypatch.setattr(module, "CalliffusionWriter", InkOfPrompt)
    given = bars(3, thick)
    pictures = [
        (CHARACTERS[k], given.ink[b.top : b.bottom, b.left : b.right])
        for k, b in enumerate(given.boxes)
    ]
    found, far = likest_hand(bundle(), knowing(), pictures, face(tmp_path))
    assert (found, round(far, 3)) == (near, 0)


def test_the_real_writer_is_asked_in_every_known_hand(tmp_path):
    pictures = [(c, face(tmp_path).draw(c, 40)) for c in CHARACTERS[:2]]
    found, far = likest_hand(bundle(), knowing(), pictures, face(tmp_path))
    assert found in HANDS
    assert 0 <= far <= 2


def test_a_model_that_writes_nothing_is_like_nobody(tmp_path):
    silent = bundle()
    with torch.no_grad():
        silent.model.unet.conv_out.weight.zero_()
        silent.model.unet.conv_out.bias.fill_(-9)
    pictures = [(c, face(tmp_path).draw(c, 40)) for c in CHARACTERS[:2]]
    assert likest_hand(silent, knowing(), pictures, face(tmp_path)) == ("", 2.0)
