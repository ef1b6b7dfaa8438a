"""Batches of columns to train on."""

import numpy as np
import pytest
import torch

from pipelines.geometry import Box
from tests.training.examples import CHARACTERS, bank
from training.augment import AugmentParams, augment
from training.columns import (
    UNKNOWN_CELL,
    LabelledInk,
    columns_from_bank,
    columns_from_samples,
    mixed,
)
from training.slices import Slice

FIRST = Slice(number=0)


def make(folder, **changes):
    options = {"size": 6, "cells": 5, "cell_px": 48, "is_aged": True, "seed": 3} | changes
    return columns_from_bank(bank(folder), {"drawn": "a drawn hand"}, **options)


@pytest.mark.parametrize("is_aged", [True, False])
def test_a_batch_has_the_promised_shapes(tmp_path, is_aged):
    batch = make(tmp_path, is_aged=is_aged)(FIRST)
    assert batch.images.shape == batch.box_maps.shape == (6, 1, 240, 48)
    assert batch.classes.shape == (6, 5)
    assert batch.images.min() >= -1
    assert batch.images.max() <= 1
    assert batch.prompts == ("a drawn hand",) * 6
    assert set(batch.classes.flatten().tolist()) <= set(range(-1, len(CHARACTERS)))


def test_the_seed_decides_everything(tmp_path):
    first, again, other = (make(tmp_path, seed=seed)(FIRST) for seed in (3, 3, 4))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_a_column_that_ends_early_has_empty_cells_below(tmp_path):
    batch = make(tmp_path, empty_share=1.0, size=20)(FIRST)
    assert (batch.classes[:, 0] >= 0).all()
    assert (batch.classes == -1).any()
    for image, classes in zip(batch.images[:, 0], batch.classes, strict=True):
        for cell, name in zip(image.split(48), classes, strict=True):
            assert (name >= 0) == bool((cell > -1).any())


def test_every_batch_is_another_and_can_be_had_at_once(tmp_path):
    columns = make(tmp_path)
    first, second = columns(FIRST), columns(Slice(number=1))
    assert not torch.equal(first.images, second.images)
    assert torch.equal(make(tmp_path)(Slice(number=1)).images, second.images)


def test_slices_share_a_batch_out(tmp_path):
    columns = make(tmp_path, size=7)
    parts = [columns(Slice(number=0, part=part, parts=3)) for part in range(3)]
    assert [len(part.images) for part in parts] == [2, 2, 3]
    assert not torch.equal(parts[0].images, parts[1].images)


def test_samples_give_their_classes_in_order():
    ink = np.zeros((350, 60), np.uint8)
    boxes = tuple(Box(10, 50 * i, 50, 50 * i + 40) for i in range(7))
    for box in boxes:
        ink[box.top : box.bottom, box.left : box.right] = 255
    sample = LabelledInk(ink, boxes, (0, 1, UNKNOWN_CELL, 3, 4, 5, 6), "somebody")
    batch = columns_from_samples([sample], size=40, cells=5, cell_px=48, is_aged=True, seed=0)(
        FIRST
    )
    assert {tuple(row) for row in batch.classes.tolist()} == {(0, 1, -2, 3, 4), (5, 6, -1, -1, -1)}
    written = columns_from_samples([sample], size=40, cells=5, cell_px=48, is_aged=False, seed=0)(
        FIRST
    )
    assert {tuple(row) for row in written.classes.tolist()} == {
        (0, 1, -2, 3, 4), (1, -2, 3, 4, 5), (-2, 3, 4, 5, 6),
    }  # fmt: skip


def test_columns_that_weigh_more_are_drawn_more_often():
    ink, box = np.full((50, 50), 255, np.uint8), (Box(0, 0, 50, 50),)
    samples = [LabelledInk(ink, box, (k,), "", weight) for k, weight in enumerate((3.0, 1.0))]
    batch = columns_from_samples(samples, size=400, cells=1, cell_px=48, is_aged=False, seed=0)(
        FIRST
    )
    share = (batch.classes == 0).float().mean()
    assert 0.68 < share < 0.82


def test_sources_are_mixed_by_their_weights():
    source = mixed([(0.8, lambda _: "a"), (0.2, lambda _: "b")], seed=0)
    drawn = [source(Slice(number=number)) for number in range(400)]
    share = drawn.count("a") / 400
    assert 0.72 < share < 0.88


def test_augmentation_leaves_its_input_alone_and_keeps_characters_legible():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.zeros(64, 1, 64, 64)
    pictures[:, :, 12:52, 12:52] = 1
    before = pictures.clone()
    aged = augment(pictures, 48, AugmentParams(), generator)
    assert torch.equal(pictures, before)
    assert aged.shape == (64, 1, 48, 48)
    middle = aged[:, :, 16:32, 16:32].mean(dim=(1, 2, 3))
    # A hollowed stroke is empty in the middle, and a piece may be gone: rarely.
    assert (middle > 0.3).float().mean() > 0.8
