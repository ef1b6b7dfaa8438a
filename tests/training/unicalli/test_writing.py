"""Writing with a model that knows nothing: mechanics, not skill."""

import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from tests.training.examples import CHARACTERS, bundle, library
from training.families.unicalli.stages import single_reader, single_writer, start_from_singles
from training.families.unicalli.writing import UniCalliWriter, WritingParams

FEW = WritingParams(steps=2)


@pytest.fixture
def made(tmp_path):
    torch.manual_seed(3)
    whole = bundle()
    for parameter in whole.model.brush.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return whole, library(tmp_path, whole.autoencoder)


@pytest.mark.parametrize("length", [1, 5, 7, 30])
def test_one_cell_a_character_and_one_box(made, length):
    text = (CHARACTERS * 4)[:length]
    column = UniCalliWriter(*made, FEW).write_column(text, "a prompt")
    assert column.text == text
    assert column.ink.shape == column.box_map.shape == (48 * length, 48)
    assert len(column.boxes) == length
    assert all(48 * k <= box.top < box.bottom <= 48 * k + 48 for k, box in enumerate(column.boxes))


def test_a_seed_writes_the_same_and_another_something_else(made):
    writer = UniCalliWriter(*made, FEW)
    first, again, other = (writer.write_column(CHARACTERS, "a prompt", seed) for seed in (1, 1, 2))
    assert np.array_equal(first.ink, again.ink)
    assert not np.array_equal(first.ink, other.ink)


def test_rewriting_leaves_the_others_pixel_by_pixel(made):
    writer = UniCalliWriter(*made, FEW)
    column = writer.write_column(CHARACTERS, "a prompt")
    changed = writer.rewrite(column, [2, 6], "a prompt", seed=9)
    differs = [
        not np.array_equal(changed.ink[top : top + 48], column.ink[top : top + 48])
        for top in range(0, len(column.ink), 48)
    ]
    assert [place for place, is_other in enumerate(differs) if is_other] == [2, 6]
    assert changed.text == column.text


def test_what_stands_before_a_window_is_given_to_it(made, monkeypatch):
    writer = UniCalliWriter(*made, WritingParams(steps=1, guidance=1, overlap=2))
    seen = []
    forward = made[0].model.forward

    def noticed(streams, text, times):
        seen.append(times.image[0].tolist())
        return forward(streams, text, times)

    monkeypatch.setattr(made[0].model, "forward", noticed)
    writer.write_column(CHARACTERS, "a prompt")
    assert seen == [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]]


def test_guidance_looks_at_what_would_be_written_without_text(made):
    plain, guided = (
        UniCalliWriter(*made, WritingParams(steps=2, guidance=guidance)).write_column("一七三", "x")
        for guidance in (1.0, 3.0)
    )
    assert not np.array_equal(plain.ink, guided.ink)


@pytest.mark.parametrize("text", ["", "鬱", "A", "一🙂"])
def test_text_it_cannot_write_is_refused_by_name(made, text):
    with pytest.raises(ModelError, match="Cannot write"):
        UniCalliWriter(*made).write_column(text, "a prompt")


def test_a_place_outside_the_column_is_refused(made):
    writer = UniCalliWriter(*made, FEW)
    column = writer.write_column("一七", "a prompt")
    with pytest.raises(ModelError, match="2 characters; there is no place 2"):
        writer.rewrite(column, [0, 2], "a prompt", seed=1)


@pytest.mark.parametrize("overlap", [-1, 5])
def test_windows_cannot_overlap_wholly(made, overlap):
    with pytest.raises(ModelError, match="cannot overlap"):
        UniCalliWriter(*made, WritingParams(overlap=overlap))


def test_a_model_that_starts_from_its_brush_draws_what_the_brush_draws(made):
    whole, references = made
    torch.manual_seed(5)
    brush = single_writer(whole.dims)
    for parameter in brush.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    torch.nn.init.zeros_(brush.brush.told.weight)
    torch.nn.init.zeros_(brush.brush.told.bias)
    model = start_from_singles(whole.dims, len(CHARACTERS), single_reader(whole.dims), brush).eval()
    from training.families.unicalli.network import Streams, TextCondition, Times

    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(5, 4, 12, 12, generator=generator)
    content, style = references.latents[:5], torch.tensor([[7, 9, 0, 0]])

    def stacked(cells):
        return cells.permute(1, 0, 2, 3).reshape(1, 4, 60, 12)

    drawn = model(
        Streams(image=stacked(noise), content=stacked(content), boxes=None),
        TextCondition(style=style, characters=torch.zeros(1, 5, whole.dims.character_width)),
        Times.even(5, image=torch.full((1,), 0.7), content=torch.zeros(1)),
    ).image
    alone = brush(noise, content, style.expand(5, -1), torch.full((5,), 0.7))
    assert torch.allclose(drawn, stacked(alone), atol=1e-4)
