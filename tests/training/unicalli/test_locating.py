"""Locating: windows go down a column whole, and the network's own map says where characters stand.

An oracle that sees rows of ink stands in for a trained network where the way down is tested; the
network itself, untrained, is asked beside it, and the bundled autoencoder carries maps.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from pipelines.geometry import Box, intersection_over_union
from pipelines.raw_windows import boxes_of_cores, core_map
from tests.training.examples import DIMS, bundle, drawn_column, library
from training.families.unicalli import locating
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.learning_to_locate import with_finder
from training.families.unicalli.locating import LocatingParams, encode_windows, locate_characters
from training.families.unicalli.network import Streams, TextCondition, Times
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.weights import load_bundle

BUNDLED = Path(locating.__file__).parent / "checkpoints" / "tiny"


def true_boxes(ink):
    """Runs of inked rows, as boxes around their ink."""
    inked = np.concatenate([[False], (ink > 64).any(axis=1), [False]])
    edges = np.flatnonzero(np.diff(inked.astype(int))).reshape(-1, 2)
    boxes = []
    for top, bottom in edges.tolist():
        columns = np.flatnonzero((ink[top:bottom] > 64).any(axis=0))
        boxes.append(Box(int(columns[0]), top, int(columns[-1]) + 1, bottom))
    return boxes


def oracle(whole, windows, params):
    """Maps of what is whole in each window; the k-th content latent is all k."""
    cells, side = whole.dims.cells, whole.dims.latent_side
    maps = []
    for window in windows:
        boxes = [box for box in true_boxes(window) if box.bottom < window.shape[0]]
        maps.append(core_map(boxes[:cells], window.shape[1], window.shape[0]))
    contents = torch.arange(cells, dtype=torch.float32)[None, :, None, None, None]
    return np.stack(maps), contents.expand(len(windows), cells, 4, side, side)


@pytest.mark.parametrize("count", [1, 4, 5, 6, 60])
def test_the_windows_pass_over_every_character_once(monkeypatch, count):
    monkeypatch.setattr(locating, "predict", oracle)
    ink = np.concatenate([drawn_column(min(10, count - k)) for k in range(0, count, 10)])
    ink.flags.writeable = False
    (found,) = locate_characters(bundle(), [ink], LocatingParams())
    assert [one.box for one in found] == true_boxes(ink)
    places = [int(one.content.flatten()[0]) for one in found]
    assert places[: min(count, 4)] == list(range(min(count, 4))), "cell k says the k-th character"


def test_columns_of_any_length_go_down_side_by_side(monkeypatch):
    monkeypatch.setattr(locating, "predict", oracle)
    inks = [drawn_column(count) for count in (3, 9, 1)]
    blank = np.zeros((400, 50), np.uint8)
    params = LocatingParams(windows_at_once=2)
    found = locate_characters(bundle(), [inks[0], blank, *inks[1:]], params)
    assert [len(column) for column in found] == [3, 0, 9, 1]
    alone = [locate_characters(bundle(), [ink], params)[0] for ink in inks]
    together = [found[0], *found[2:]]
    assert [[one.box for one in c] for c in alone] == [[one.box for one in c] for c in together]


def test_a_gap_longer_than_a_window_is_passed_over(monkeypatch):
    monkeypatch.setattr(locating, "predict", oracle)
    ink = np.concatenate([drawn_column(2), np.zeros((900, 56), np.uint8), drawn_column(3)])
    (found,) = locate_characters(bundle(), [ink], LocatingParams())
    assert [one.box for one in found] == true_boxes(ink)


def test_a_network_that_sees_nothing_comes_to_the_end_of_the_column(monkeypatch):
    def blind(whole, windows, params):
        return np.zeros_like(windows), oracle(whole, windows, params)[1]

    monkeypatch.setattr(locating, "predict", blind)
    assert locate_characters(bundle(), [drawn_column(30)], LocatingParams()) == [[]]


@pytest.mark.parametrize("is_one_pass", [False, True])
def test_the_network_itself_gives_a_proposal_a_box(tmp_path, is_one_pass):
    whole = with_finder(bundle(), 8, seed=0)
    reader = UniCalliReader(whole, library(tmp_path, whole.autoencoder))
    inks = [drawn_column(7), np.zeros((60, 30), np.uint8), drawn_column(1)]
    located = reader.locate(inks, is_one_pass=is_one_pass)
    assert len(located) == 3
    for column, ink in zip(located, inks, strict=True):
        assert len(column.boxes) == len(column.proposals) == len(column.confidences)
        for box in column.boxes:
            assert box.clipped(ink.shape[1], ink.shape[0]) == box
    assert located[1].boxes == ()


def test_a_model_that_never_learned_it_says_so(tmp_path):
    whole = bundle()
    with pytest.raises(ModelError, match=r"unicalli\.locate"):
        UniCalliReader(whole, library(tmp_path, whole.autoencoder)).locate([drawn_column(1)])


def test_maps_and_content_have_the_promised_shapes_at_any_number_of_steps():
    windows = np.stack([drawn_column(5)[:240, 4:52]] * 2)
    for steps in (1, 3):
        maps, contents = locating.predict(
            with_finder(bundle(), 8, seed=0), windows, LocatingParams(steps=steps)
        )
        assert maps.shape == windows.shape
        assert maps.dtype == np.uint8
        assert contents.shape == (2, DIMS.cells, 4, DIMS.latent_side, DIMS.latent_side)
        assert np.array_equal(maps[0], maps[1]), "the noise is the same for every window"


def test_boxes_survive_the_bundled_autoencoder():
    """Drawn, to latents, and back."""
    autoencoder = load_bundle(BUNDLED).autoencoder
    assert isinstance(autoencoder, Autoencoder)
    boxes = [Box(4, 3, 44, 40), Box(2, 40, 46, 90), Box(10, 88, 30, 130), Box(0, 150, 48, 158)]
    latents = encode_windows(autoencoder, core_map(boxes, 48, 240)[None], 5)
    cells = latents.reshape(4, 5, 12, 12).permute(1, 0, 2, 3)
    grey = (autoencoder.decode(cells).clamp(-1, 1) + 1) * 127.5
    found = boxes_of_cores(grey.reshape(240, 48).round().byte().numpy())
    assert len(found) == len(boxes)
    for (box, confidence), true in zip(found, boxes, strict=True):
        assert intersection_over_union(box, true) > 0.7
        assert confidence > 0.9


def test_a_map_is_handed_the_image_only_where_the_image_is_clearer():
    """Writing and reading, in which both share their times, are what they were before."""
    whole = with_finder(bundle(), 8, seed=0)
    with torch.no_grad():
        whole.model.finder.leave.weight.normal_(std=1.0)
    side = DIMS.latent_side
    latents = [
        torch.randn(1, 4, 5 * side, side, generator=torch.Generator().manual_seed(k))
        for k in range(4)
    ]
    text = TextCondition(
        style=torch.zeros(1, DIMS.style_tokens, dtype=torch.long),
        characters=torch.zeros(1, 5, DIMS.character_width),
    )

    def boxes_for(image, box_time):
        streams = Streams(image=image, content=latents[2], boxes=latents[3])
        zero = torch.zeros(1)
        times = Times.even(5, image=zero, content=zero + 1, boxes=zero + box_time)
        with torch.no_grad():
            return whole.model.locate(streams, text, times)[1]

    # Fresh blocks pass tokens on unchanged: what reaches the map was handed to it directly.
    assert torch.equal(boxes_for(latents[0], 0.0), boxes_for(latents[1], 0.0))
    assert not torch.equal(boxes_for(latents[0], 1.0), boxes_for(latents[1], 1.0))


def test_what_is_the_same_for_all_columns_may_be_given_once():
    whole = with_finder(bundle(), 8, seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in whole.model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    side = DIMS.latent_side
    image, content, boxes = (torch.randn(count, 4, 5 * side, side) for count in (3, 1, 1))
    style = torch.zeros(1, DIMS.style_tokens, dtype=torch.long)
    characters = torch.randn(1, 5, DIMS.character_width)

    def asked(count, answer):
        one = torch.ones(count)
        return answer(
            Streams(
                image=image,
                content=content.expand(count, -1, -1, -1),
                boxes=boxes.expand(count, -1, -1, -1),
            ),
            TextCondition(
                style=style.expand(count, -1), characters=characters.expand(count, -1, -1)
            ),
            Times.even(5, image=0 * one, content=one, boxes=one),
        )

    with torch.no_grad():
        located, everything = asked(1, whole.model.locate), asked(3, whole.model.locate)
    assert torch.allclose(located[0], everything[0], atol=1e-4)
    assert torch.allclose(located[1], everything[1], atol=1e-4)
    assert located[1].std() > 0.01


def test_locating_without_a_box_map_is_refused():
    whole = bundle()
    side = DIMS.latent_side
    latents = torch.zeros(1, 4, 5 * side, side)
    text = TextCondition(
        style=torch.zeros(1, DIMS.style_tokens, dtype=torch.long),
        characters=torch.zeros(1, 5, DIMS.character_width),
    )
    times = Times.even(5, image=torch.zeros(1), content=torch.ones(1))
    with pytest.raises(ValueError, match="box map"):
        whole.model.locate(Streams(image=latents, content=latents, boxes=None), text, times)
