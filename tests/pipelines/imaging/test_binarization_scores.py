"""The DIBCO measures: small cases counted by hand, and doxapy's where it is installed."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from pipelines.imaging.binarization_scores import binarization_scores, lost_strokes


def page(*boxes, shape=(32, 32)):
    ink = np.zeros(shape, np.uint8)
    for left, top, right, bottom in boxes:
        ink[top:bottom, left:right] = 255
    return ink


def test_a_perfect_mask():
    truth = page((4, 4, 8, 28))
    scores = binarization_scores(truth, truth)
    assert (scores.f_measure, scores.pseudo_f_measure) == (100, 100)
    assert (scores.psnr, scores.drd) == (math.inf, 0)


def test_precision_recall_and_noise_counted_by_hand():
    truth = page((4, 4, 8, 24))  # 80 pixels
    found = page((4, 4, 8, 14), (20, 4, 24, 9))  # 40 of them and 20 others
    scores = binarization_scores(found, truth)
    precision, recall = 40 / 60, 40 / 80
    assert scores.f_measure == pytest.approx(200 * precision * recall / (precision + recall))
    assert scores.psnr == pytest.approx(10 * math.log10(32 * 32 / 60))


def test_a_thinner_stroke_keeps_its_pseudo_recall():
    truth = page((8, 4, 13, 28))
    scores = binarization_scores(page((9, 4, 12, 28)), truth)
    assert scores.f_measure == pytest.approx(100 * 2 * 0.6 / 1.6)
    assert scores.pseudo_f_measure == pytest.approx(100)


def test_distortion_counts_what_the_truth_around_a_wrong_pixel_is_not():
    truth = page((3, 0, 6, 32))  # four of sixteen blocks of 8 pixels are mixed
    alone = truth.copy()
    alone[12, 20] = 255  # nothing near it is ink
    assert binarization_scores(alone, truth).drd == pytest.approx(1 / 4)
    beside = truth.copy()
    beside[12, 6] = 255  # the two columns to its left are ink
    steps = np.arange(-2, 3)
    away = np.hypot(steps[:, None], steps[None])
    weights = np.where(away > 0, 1 / np.maximum(away, 1), 0)
    weights /= weights.sum()
    assert binarization_scores(beside, truth).drd == pytest.approx(weights[:, 2:].sum() / 4)


def test_an_empty_mask_scores_nothing_and_fails_nowhere():
    truth = page((4, 4, 8, 24))
    scores = binarization_scores(np.zeros_like(truth), truth)
    assert (scores.f_measure, scores.pseudo_f_measure) == (0, 0)
    blank = binarization_scores(truth, np.zeros_like(truth))
    assert blank.f_measure == 0
    assert blank.drd == math.inf


def test_lost_strokes_are_those_that_were_there():
    truth = page((4, 4, 8, 24))
    before = page((4, 4, 8, 14), (20, 4, 24, 9))
    after = page((4, 6, 8, 14))
    assert lost_strokes(before, after, truth) == pytest.approx(8 / 40)


def test_masks_of_different_pages_are_refused():
    with pytest.raises(ValueError, match="same page"):
        binarization_scores(page(), page(shape=(8, 8)))


def test_the_measures_agree_with_doxapy(rng):
    doxapy = pytest.importorskip("doxapy", reason="doxapy is not installed")
    truth = np.zeros((160, 240), np.uint8)
    for x1, y1, x2, y2 in rng.integers(20, 140, (12, 4)):
        cv2.line(truth, (int(x1), int(y1)), (int(x2), int(y2)), 255, int(rng.integers(2, 9)))
    masks = []
    for share in (0.01, 0.03):
        wrong = rng.random(truth.shape) < share
        masks.append(np.where(wrong, 255 - truth, truth).astype(np.uint8))
    theirs = [doxapy.calculate_performance(255 - truth, 255 - mask) for mask in masks]
    ours = [binarization_scores(mask, truth) for mask in masks]
    for our, their in zip(ours, theirs, strict=True):
        assert our.f_measure == pytest.approx(their["fm"])
        assert our.psnr == pytest.approx(their["psnr"])
    # doxapy looks at seven pixels of a block's eight, so its number of mixed blocks is another.
    ratios = [our.drd / their["drdm"] for our, their in zip(ours, theirs, strict=True)]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-4)
    assert 0.75 < ratios[0] <= 1
