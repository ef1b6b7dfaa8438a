"""What the second reader is given of each character."""

import numpy as np
import pytest

from pipelines.geometry import Box
from training.roles import ColumnInk
from training.second_reader import CROP_PX, _crops, dark_on_light, picture_crop

INK = np.zeros((100, 60), np.uint8)
INK[20:50, 15:45] = 255
BOX = Box(15, 20, 45, 50)


def scanned(is_dark_ink):
    return (
        np.where(INK > 0, 40, 220).astype(np.uint8)
        if is_dark_ink
        else (np.where(INK > 0, 210, 50).astype(np.uint8))
    )


@pytest.mark.parametrize("is_dark_ink", [True, False])
@pytest.mark.parametrize("is_colour", [True, False])
def test_it_sees_dark_ink_on_light_ground(is_dark_ink, is_colour):
    picture = scanned(is_dark_ink)
    if is_colour:
        picture = np.dstack([picture] * 3)
    before = picture.copy()
    (crop,) = _crops(ColumnInk(INK, (BOX,), picture=picture))
    assert crop.shape == (CROP_PX, CROP_PX, 3)
    assert crop[CROP_PX // 2, CROP_PX // 2, 0] < 80
    assert crop[1, 1, 0] > 180, "a margin of ground stands around it"
    assert np.array_equal(picture, before)


def test_without_a_picture_or_with_another_one_it_sees_the_ink():
    (alone,) = _crops(ColumnInk(INK, (BOX,)))
    (other,) = _crops(ColumnInk(INK, (BOX,), picture=np.zeros((7, 9), np.uint8)))
    assert np.array_equal(alone, other)
    assert alone[CROP_PX // 2, CROP_PX // 2, 0] == 0


@pytest.mark.parametrize("box", [Box(-10, -10, 8, 8), Box(50, 90, 80, 130), Box(70, 0, 90, 20)])
def test_boxes_that_leave_the_picture_give_a_crop(box):
    assert picture_crop(scanned(True), box, 220).shape == (CROP_PX, CROP_PX, 3)


def test_no_ink_at_all_leaves_the_picture_as_it_is():
    picture = scanned(False)
    assert np.array_equal(dark_on_light(picture, np.zeros_like(INK)), picture)
