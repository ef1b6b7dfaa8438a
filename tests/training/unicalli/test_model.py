"""The transformer: shapes, positions, times, and what each stream may know."""

import dataclasses

import pytest
import torch

from tests.training.examples import DIMS
from training.families.unicalli.layers import rotary_angles, rotate
from training.families.unicalli.model import UniCalli, UniCalliDims
from training.families.unicalli.network import Streams, TextCondition, Times

COUNT = 2


@pytest.fixture
def model():
    torch.manual_seed(1)
    made = UniCalli(DIMS, 10)
    # Blocks start closed (adaLN-zero); open them so that attention shows.
    for parameter in made.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return made.eval()


def inputs(seed=0, boxes=True):
    generator = torch.Generator().manual_seed(seed)
    shape = (COUNT, 4, DIMS.cells * DIMS.latent_side, DIMS.latent_side)

    def noise():
        return torch.randn(shape, generator=generator)

    streams = Streams(image=noise(), content=noise(), boxes=noise() if boxes else None)
    text = TextCondition(
        style=torch.tensor([[3, 5, 0, 0], [0, 0, 0, 0]]),
        characters=torch.randn(COUNT, DIMS.cells, DIMS.character_width, generator=generator),
    )
    return streams, text


def times(image, content, cells=DIMS.cells):
    return Times.even(
        cells, image=torch.full((COUNT,), image), content=torch.full((COUNT,), content)
    )


READING, WRITING = times(0.0, 1.0), times(1.0, 0.0)


def test_every_stream_comes_back_in_its_shape(model):
    streams, text = inputs()
    clean = model(streams, text, READING)
    for name in ("image", "content", "boxes"):
        assert getattr(clean, name).shape == getattr(streams, name).shape


def test_the_box_map_may_be_missing(model):
    streams, text = inputs(boxes=False)
    assert model(streams, text, READING).boxes is None


def test_columns_of_other_lengths_need_no_other_model(model):
    streams, text = inputs()
    cut = DIMS.latent_side * 3
    short = Streams(
        image=streams.image[:, :, :cut], content=streams.content[:, :, :cut], boxes=None
    )
    said = TextCondition(style=text.style, characters=text.characters[:, :3])
    assert model(short, said, times(0.0, 1.0, cells=3)).content.shape[2] == cut


def test_reading_depends_on_the_image_and_writing_on_the_content(model):
    streams, text = inputs()
    other, _ = inputs(seed=9)
    read = model(streams, text, READING).content
    of_another = model(dataclasses.replace(streams, image=other.image), text, READING).content
    assert not torch.allclose(read, of_another, atol=1e-4)
    written = model(streams, text, WRITING).image
    said_otherwise = dataclasses.replace(streams, content=other.content)
    assert not torch.allclose(written, model(said_otherwise, text, WRITING).image, atol=1e-5)


def test_each_stream_has_its_own_time(model):
    streams, text = inputs()
    first = model(streams, text, READING)
    later_content = model(streams, text, times(0.0, 0.5))
    later_image = model(streams, text, times(0.5, 1.0))
    assert not torch.allclose(first.content, later_content.content, atol=1e-5)
    assert not torch.allclose(first.image, later_image.image, atol=1e-5)


def test_each_cell_has_its_own_time(model):
    streams, text = inputs()
    given = times(1.0, 0.0).image.clone()
    given[:, 0] = 0.0
    of_one = dataclasses.replace(WRITING, image=given, boxes=given)
    assert not torch.allclose(
        model(streams, text, WRITING).image, model(streams, text, of_one).image, atol=1e-5
    )


def test_reading_alone_is_the_content_of_the_whole(model):
    streams, text = inputs()
    assert torch.equal(model.read(streams, text, READING), model(streams, text, READING).content)


def test_what_all_columns_share_may_be_given_once(model):
    streams, text = inputs(boxes=False)
    once = Streams(image=streams.image, content=streams.content[:1], boxes=None)
    shared = TextCondition(style=text.style[1:], characters=text.characters[:1])
    each = Streams(image=streams.image, content=once.content.expand(COUNT, -1, -1, -1), boxes=None)
    repeated = TextCondition(
        style=shared.style.expand(COUNT, -1), characters=shared.characters.expand(COUNT, -1, -1)
    )
    now = Times.even(DIMS.cells, image=torch.zeros(1), content=torch.ones(1))
    torch.testing.assert_close(
        model.read(once, shared, now), model.read(each, repeated, READING), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("modality", ["stream", "place", "rotation"])
def test_what_tells_streams_apart_is_learned_from_nothing(modality):
    dims = dataclasses.replace(DIMS, modality=modality)
    torch.manual_seed(1)
    model = UniCalli(dims, 10)
    for parameter in model.parameters():
        if not parameter.any() and parameter is not model.modality:
            torch.nn.init.normal_(parameter, std=0.05)
    assert not model.modality.any()
    streams, text = inputs()
    half = times(0.5, 0.5)
    before = model(streams, text, half).content
    before.square().sum().backward()
    # Under a rotation the image's own angle alone shows nothing, the difference does.
    assert model.modality.grad.any()
    with torch.no_grad():
        model.modality[1].normal_()
    assert not torch.allclose(before, model(streams, text, half).content, atol=1e-5)


def test_nothing_is_written_into_the_inputs(model):
    streams, text = inputs()
    before = [t.clone() for t in (streams.image, streams.content, streams.boxes, text.characters)]
    model(streams, text, READING)
    after = (streams.image, streams.content, streams.boxes, text.characters)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_streams_share_their_positions(model):
    tokens = DIMS.cells * DIMS.token_side**2
    angles = model._angles(3, DIMS.cells, 4)[4 + DIMS.cells :]
    image, content, boxes = angles.split(tokens)
    assert torch.equal(image, content)
    assert torch.equal(image, boxes)


def test_rotation_keeps_lengths_and_only_differences_of_place_count():
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 16, generator=generator)
    places = torch.tensor([[0, 0], [3, 1], [7, 2], [10, 3]])
    angles = rotary_angles(places, (8, 8), 10_000.0)

    def score(of_q, of_k):
        turned_q, turned_k = rotate(q, angles[of_q, None]), rotate(k, angles[of_k, None])
        return (turned_q * turned_k).sum()

    assert torch.allclose(rotate(q, angles[2, None]).norm(), q.norm(), atol=1e-5)
    assert torch.allclose(score(0, 1), score(2, 3), atol=1e-4)
    assert not torch.allclose(score(0, 1), score(0, 2), atol=1e-3)


def test_axes_that_do_not_fill_a_head_are_refused():
    with pytest.raises(ValueError, match="must fill a head of 64"):
        UniCalliDims(rope_axes=(32, 16))


def test_gradients_reach_every_part():
    torch.manual_seed(0)
    model = UniCalli(DIMS, 10)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    streams, text = inputs()
    said = TextCondition(
        style=text.style, characters=model.embed_characters(torch.ones(2, 5).long())
    )
    clean = model(streams, said, times(0.5, 0.5))
    (clean.image.sum() + clean.content.square().sum() + clean.boxes.sum()).backward()
    without = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    # The text stream of the last block speaks to nobody; the temperature belongs to the loss.
    assert all("blocks.0.text" in name or name == "log_temperature" for name in without), without
