"""Whether ink looks as a text would be written: mechanics on a double, sense on the real model."""

import numpy as np
import pytest

from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from pipelines.windows import fit_cell
from tests.conftest import ROOT
from tests.training.examples import CHARACTERS, bundle, drawn_column, library
from training.families.unicalli.library import cached_library
from training.families.unicalli.resynthesis import Resynthesis, ResynthesisParams
from training.families.unicalli.weights import load_bundle
from training.roles import ColumnInk


def column(count):
    boxes = tuple(Box(8, 4 + 48 * i, 48, 44 + 48 * i) for i in range(count))
    return ColumnInk(drawn_column(count), boxes)


@pytest.fixture
def made(tmp_path):
    whole = bundle()
    return whole, library(tmp_path, whole.autoencoder)


def test_one_number_a_character_whatever_the_length(made):
    columns = [column(count) for count in (1, 7, 5)]
    texts = [CHARACTERS[0], CHARACTERS[:7], "天地□" + CHARACTERS[:2]]
    found = Resynthesis(*made).misfits(columns, texts)
    assert [len(row) for row in found] == [1, 7, 5]
    assert np.isfinite(np.concatenate(found)).all()


def test_a_writer_that_draws_what_it_is_told_tells_right_from_wrong(made, monkeypatch):
    """The double draws the content it was given; untold it draws noise."""
    whole, references = made
    content = references.latents[:2]
    cells = whole.autoencoder.decode(content).clamp(-1, 1)
    picture = ((cells + 1) * 127.5).round().byte().reshape(96, 48).numpy()
    boxes = (Box(0, 0, 48, 48), Box(0, 48, 48, 96))
    monkeypatch.setattr(
        type(whole.model), "forward",
        lambda self, streams, text, times: type(streams)(
            image=streams.content, content=streams.content, boxes=None
        ),
    )  # fmt: skip
    monkeypatch.setattr(
        type(whole.autoencoder), "encode",
        lambda self, cells: content[:1].expand(len(cells), -1, -1, -1).clone(),
    )  # fmt: skip
    ((right, wrong),) = Resynthesis(*made, ResynthesisParams(times=(0.5,))).misfits(
        [ColumnInk(picture, boxes)], [references.characters[0] + references.characters[1]]
    )
    assert right < -10, "what it was told is just what stands there"
    assert wrong > right + 5


@pytest.mark.slow
def test_the_bundled_model_finds_the_right_text_a_better_fit(material):
    """In a hand it has learned, whole characters, against the same text moved by one."""
    whole = load_bundle(ROOT / "training" / "families" / "unicalli" / "checkpoints" / "tiny")
    fonts = load_fonts(None, material / "fonts")
    face = FontFace(require_font(fonts, whole.recipe["content_font"]).files)
    references = cached_library(
        whole.vocabulary, face, whole.autoencoder, whole.dims.cell_px, material / "cache"
    )
    hand = FontFace(require_font(fonts, "ma-shan-zheng").files)
    text = "天地玄宇宙洪荒日月上下中人大小山水火木"
    cells = [fit_cell(hand.draw(character, 48), 48) for character in text]
    boxes = tuple(Box(0, 48 * k, 48, 48 * k + 48) for k in range(len(text)))
    ink = ColumnInk(np.concatenate(cells), boxes)
    right, moved = Resynthesis(whole, references).misfits([ink, ink], [text, text[1:] + text[0]])
    assert np.mean(right) < np.mean(moved)
