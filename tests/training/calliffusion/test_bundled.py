"""The bundled checkpoint: whole, small, and it writes what can be told apart."""

import numpy as np
import pytest

from tests.conftest import ROOT
from training.families.calliffusion.weights import load_bundle
from training.families.calliffusion.writing import CalliffusionWriter, WritingParams
from training.hands import content_face
from training.metrics.pictures import ssim

TINY = ROOT / "training/families/calliffusion/checkpoints/tiny"


def test_it_is_whole_and_small():
    bundle = load_bundle(TINY)
    assert len(bundle.characters) == bundle.dims.characters == 1000
    assert {"yuji-boku", "ma-shan-zheng"} <= set(bundle.recipe["hands"])
    assert not {"zhi-mang-xing", "aoyagi-soseki"} & set(bundle.recipe["hands"])
    assert sum(file.stat().st_size for file in TINY.iterdir()) < 15e6


@pytest.mark.parametrize("mode", ["pro", "base"])
def test_what_is_written_looks_like_what_was_asked_for(material, mode):
    """In another hand and from other noise, the same character is the most similar."""
    bundle = load_bundle(TINY)
    face = content_face(material / "fonts", bundle.recipe["content_font"])
    text = "人山月雨石"
    writer = CalliffusionWriter(bundle, face, WritingParams(mode=mode))
    cells = writer.write_column(text, bundle.prompt_of("yuji-boku")).ink.reshape(-1, 48, 48)
    printed = CalliffusionWriter(bundle, face, WritingParams(mode=mode)).write_column(
        text, bundle.prompt_of("cwtex-kai"), seed=1
    )
    others = printed.ink.reshape(-1, 48, 48)
    nearest = [int(np.argmax([ssim(cell, other) for other in others])) for cell in cells]
    assert nearest == list(range(len(text)))
