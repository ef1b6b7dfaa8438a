"""Raw columns to learn to locate in."""

import numpy as np
import torch

from pipelines.geometry import intersection_over_union
from pipelines.raw_windows import boxes_of_cores
from pipelines.windows import ink_extent
from tests.training.examples import bank
from training.raw_columns import SettingParams, raw_columns_from_bank
from training.slices import Slice

FIRST = Slice(number=0)


def make(folder, params=None, **changes):
    options = {"size": 24, "cells": 5, "cell_px": 48, "seed": 3} | changes
    prompts = {"drawn": "a drawn hand"}
    return raw_columns_from_bank(bank(folder), prompts, params=params or SettingParams(), **options)


def maps_of(batch):
    return ((batch.box_maps[:, 0] + 1) * 127.5).round().byte().numpy()


def test_a_batch_has_a_box_for_every_class_from_the_first_cell_on(tmp_path):
    batch = make(tmp_path)(FIRST)
    assert batch.images.shape == batch.box_maps.shape == (24, 1, 240, 48)
    assert batch.images.min() >= -1
    assert batch.images.max() <= 1
    counts = []
    for picture, classes in zip(maps_of(batch), batch.classes, strict=True):
        count = int((classes >= 0).sum())
        assert (classes[:count] >= 0).all(), "empty cells come last"
        assert len(boxes_of_cores(picture)) == count
        counts.append(count)
    assert max(counts) == 5
    assert min(counts) < 5


def test_what_ends_above_or_below_has_no_box(tmp_path):
    """A lone column of large characters: ink reaches both edges, boxes reach neither."""
    params = SettingParams(
        opening_share=0.0, ending_share=0.0, joined_share=0.0, beside_share=0.0,
        side_share=(0.95, 1.0), flatness=(0.0, 0.0), variations=(0.0,), gap_share=(0.1, 0.1),
        grid_share=0.0,
    )  # fmt: skip
    batch = make(tmp_path, params)(FIRST)
    for picture, classes in zip(maps_of(batch), batch.classes, strict=True):
        boxes = [box for box, _ in boxes_of_cores(picture)]
        assert 3 <= len(boxes) <= 5
        assert int((classes >= 0).sum()) == len(boxes)
        tops = [box.top for box in boxes]
        assert tops == sorted(tops)


def test_boxes_lie_on_the_ink_of_a_lone_character(tmp_path):
    params = SettingParams(
        opening_share=1.0, ending_share=1.0, joined_share=0.0, beside_share=0.0, drift_share=0.0
    )
    batch = make(tmp_path, params, size=60)(FIRST)
    alone = [row for row in range(60) if int((batch.classes[row] >= 0).sum()) == 1]
    assert alone
    shares = []
    for row in alone:
        ((box, _),) = boxes_of_cores(maps_of(batch)[row])
        extent = ink_extent(((batch.images[row, 0] + 1) * 127.5).byte().numpy())
        if extent is not None:
            shares.append(intersection_over_union(box, extent))
    # Damage takes away from some, and specks lie around others.
    assert np.median(shares) > 0.8


def test_the_seed_decides_everything_and_slices_share_it_out(tmp_path):
    first, again, other = (make(tmp_path, seed=seed)(FIRST) for seed in (3, 3, 4))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.classes, again.classes)
    assert not torch.equal(first.images, other.images)
    parts = [make(tmp_path)(Slice(number=0, part=part, parts=5)) for part in range(5)]
    assert [len(part.images) for part in parts] == [4, 5, 5, 5, 5]
