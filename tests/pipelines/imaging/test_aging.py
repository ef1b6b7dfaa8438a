from dataclasses import replace

import numpy as np
import pytest

from pipelines.imaging.aging import AgingParams, Medium, age, wear

UNDAMAGED = AgingParams(
    stroke_blur_px=0.0,
    weight_variation=0.0,
    roughness=0.0,
    effaced=0.0,
    uneven_ink=0.0,
    pits_share=0.0,
    flakes_per_megapixel=0.0,
    cracks=0,
    scratches=0,
    tint=(1.0, 1.0, 1.0),
    gradient=0.0,
    blur_px=0.0,
    noise=0.0,
    jpeg_quality=0,
)


@pytest.fixture
def ink():
    """Eight bars 12 pixels wide."""
    drawn = np.zeros((240, 320), np.uint8)
    for left in range(20, 300, 35):
        drawn[30:210, left : left + 12] = 255
    drawn.flags.writeable = False
    return drawn


def rng(seed=0):
    return np.random.default_rng(seed)


def changed(clean, /, **changes):
    return age(clean, replace(UNDAMAGED, **changes), rng())


def test_without_damage_a_rubbing_has_two_levels(ink):
    aged = age(ink, UNDAMAGED, rng())
    assert np.array_equal(aged.image[..., 0], np.where(ink > 127, 222, 22))
    assert aged.image.shape == (240, 320, 3)
    assert aged.loss.max() == 0


@pytest.mark.parametrize("medium", Medium)
@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_characters_keep_their_polarity_and_most_of_their_ink(ink, medium, amount):
    aged = age(ink, wear(medium, amount, rng(3)), rng(4))
    inside = float(aged.image[ink > 127].mean())
    outside = float(aged.image[ink == 0].mean())
    assert (inside - outside) * (1 if medium is Medium.RUBBING else -1) > 60
    assert float(aged.loss[ink > 127].mean()) / 255 < 0.5
    assert aged.loss[ink == 0].max() == 0


@pytest.mark.parametrize("medium", Medium)
def test_the_same_state_gives_the_same_bytes(ink, medium):
    one = age(ink, wear(medium, 0.7, rng(1)), rng(2))
    other = age(ink, wear(medium, 0.7, rng(1)), rng(2))
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.loss, other.loss)
    third = age(ink, wear(medium, 0.7, rng(1)), rng(3))
    assert not np.array_equal(one.image, third.image)


def test_weight_moves_the_edges(ink):
    def area(weight):
        image = changed(ink, stroke_blur_px=2.0, weight=weight).image
        return int((image[..., 0] > 122).sum())

    assert area(-0.3) < area(0.0) < area(0.3)
    assert abs(area(0.0) / int((ink > 127).sum()) - 1) < 0.05


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_pits_cover_their_share(ink, share):
    image = changed(np.zeros((400, 400), np.uint8), pits_share=share).image
    assert 0.3 * share < float((image[..., 0] > 60).mean()) < 2 * share


def test_flakes_are_counted_as_loss(ink):
    aged = changed(ink, flakes_per_megapixel=80.0, flake_px=20.0)
    whitened = (aged.image[..., 0] > 200) & (ink == 0)
    assert whitened.mean() > 0.02
    assert 0.02 < float(aged.loss[ink > 127].mean()) / 255 < 0.9


def test_cracks_and_seams_are_light_on_a_rubbing(ink):
    blank = np.zeros_like(ink)
    assert (changed(blank, cracks=1).image[..., 0] > 120).sum() > 100
    seamed = changed(blank, seams_x=(160,)).image[..., 0]
    columns = np.flatnonzero((seamed > 60).any(axis=0))
    assert columns.min() >= 155
    assert columns.max() <= 165


def test_a_rubbing_lies_on_paper_and_a_sheet_on_the_dark(ink):
    assert changed(ink, frame_px=12).image[2, :, 0].min() > 200
    sheet = changed(ink, medium=Medium.PAPER, ground=220, ink=30, frame_px=12)
    assert sheet.image[2, :, 0].max() < 60


def test_paper_yellows_dries_and_folds(ink):
    paper = {"medium": Medium.PAPER, "ground": 220, "ink": 30}
    plain = changed(ink, **paper).image.astype(int)
    yellow = changed(ink, **paper, tint=(1.0, 0.9, 0.7)).image.astype(int)
    assert (yellow[..., 2] < plain[..., 2]).mean() > 0.9
    dry = changed(ink, **paper, flying_white=1.0)
    assert dry.image[..., 0][ink > 127].mean() > plain[..., 0][ink > 127].mean() + 3
    assert dry.loss.max() > 0
    marked = changed(ink, **paper, folds=1, stains=2, foxing_per_megapixel=200.0).image
    assert (marked[..., 0] < plain[..., 0] - 8)[ink == 0].mean() > 0.01


def test_jpeg_leaves_its_traces_and_noise_its_deviation(ink):
    blank = np.zeros((200, 200), np.uint8)
    assert 5 < changed(blank, ground=100, noise=8.0).image[..., 0].std() < 9
    packed = changed(ink, jpeg_quality=20).image[..., 0].astype(int)
    assert 0 < np.abs(packed - np.where(ink > 127, 222, 22)).mean() < 15


def test_more_wear_loses_more(ink):
    tall = np.tile(ink, (2, 3))

    def lost(amount):
        losses = [
            age(tall, wear(Medium.RUBBING, amount, rng(s)), rng(s)).loss[tall > 127].mean()
            for s in range(3)
        ]
        return float(np.mean(losses))

    assert lost(0.0) < lost(0.5) < lost(1.0)


def test_a_stroke_on_a_white_ground_is_lost_too(ink):
    clean = changed(ink, pits_share=0.02).loss[ink > 127].mean()
    crowded = changed(ink, pits_share=0.5).loss[ink > 127].mean()
    assert clean < 12
    assert crowded > 90
