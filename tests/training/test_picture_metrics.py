"""Pixel distances and distances of features against values known from elsewhere."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import structural_similarity

from training.metrics.features import frechet_distance, level_distances
from training.metrics.pictures import l1, rmse, ssim

PICTURES = arrays(np.uint8, (16, 16))
BLACK, WHITE = np.zeros((16, 16), np.uint8), np.full((16, 16), 255, np.uint8)


def test_black_against_white_is_as_far_as_it_goes():
    assert l1(BLACK, WHITE) == rmse(BLACK, WHITE) == 1
    assert ssim(BLACK, WHITE) == pytest.approx(0, abs=1e-3)


def test_a_quarter_of_the_pixels_by_hand():
    quarter = BLACK.copy()
    quarter[:8, :8] = 255
    assert l1(BLACK, quarter) == pytest.approx(0.25)
    assert rmse(BLACK, quarter) == pytest.approx(0.5)


def test_a_shifted_stroke_is_like_itself_to_nobody():
    stroke, shifted = BLACK.copy(), BLACK.copy()
    stroke[:, 4:6], shifted[:, 9:11] = 255, 255
    assert ssim(stroke, shifted) < 0.3
    assert ssim(stroke, stroke) == pytest.approx(1)


@given(PICTURES)
def test_a_picture_is_itself(picture):
    assert l1(picture, picture) == rmse(picture, picture) == 0
    assert ssim(picture, picture) == pytest.approx(1)


@given(PICTURES, PICTURES)
def test_neither_side_is_special(one, other):
    for measure in (l1, rmse, ssim):
        assert measure(one, other) == pytest.approx(measure(other, one))
    assert 0 <= l1(one, other) <= rmse(one, other) + 1e-12 <= 1 + 1e-9


def test_ssim_is_the_library_s_on_levels_from_0_to_255(rng):
    one, other = rng.integers(0, 256, (2, 24, 24), dtype=np.uint8)
    wanted = structural_similarity(
        one, other, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(one, other) == pytest.approx(wanted, abs=1e-6)


def test_the_frechet_distance_of_known_spreads():
    # Means 3 apart; variances 1 and 4 along the line, so (2 - 1)^2 more.
    one = np.array([[-1.0], [1.0]]) / np.sqrt(2)
    other = 3 + 2 * one
    assert frechet_distance(one, other) == pytest.approx(9 + 1)


def test_the_frechet_distance_is_that_of_the_formula(rng):
    one, other = rng.normal(size=(40, 5)), rng.normal(1, 2, size=(50, 5))
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    # The root of a product of two spreads by its (real, positive) eigenvalues.
    shared = np.sqrt(np.linalg.eigvals(first @ second).real).sum()
    wanted = np.square(one.mean(0) - other.mean(0)).sum() + np.trace(first + second) - 2 * shared
    assert frechet_distance(one, other) == pytest.approx(wanted)


@given(st.integers(0, 1000))
def test_the_frechet_distance_is_symmetric_and_nothing_from_itself(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(6, 8)), rng.normal(size=(9, 8))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one))


def test_one_picture_has_no_spread():
    with pytest.raises(ValueError, match="at least two pictures"):
        frechet_distance(np.zeros((1, 3)), np.zeros((4, 3)))


def test_level_distances_by_hand():
    along, across = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 5.0])
    one = [along.reshape(1, 2, 1, 1).expand(3, 2, 1, 2)]
    half = torch.stack([along, across], dim=-1).reshape(1, 2, 1, 2)
    other = [torch.cat([one[0][:1], across.reshape(1, 2, 1, 1).expand(1, 2, 1, 2), half])]
    # Unit vectors at right angles are 2 apart, squared; the third pair differs at one place of two.
    assert level_distances(one, other) == pytest.approx([0, 2, 1])
    assert level_distances(one * 2, other * 2) == pytest.approx([0, 4, 2])
