"""Raw windows: a column goes into them whole, and boxes come back from their cores."""

import numpy as np
import pytest

from pipelines.geometry import Box, intersection_over_union
from pipelines.raw_windows import Strip, boxes_of_cores, core_map, raw_window

TOUCHING = [Box(4, 0, 44, 40), Box(2, 40, 46, 90), Box(10, 84, 30, 130), Box(0, 150, 48, 156)]


def test_boxes_come_back_from_their_cores_even_where_they_touch_and_overlap():
    found = boxes_of_cores(core_map(TOUCHING, 48, 240))
    assert len(found) == len(TOUCHING)
    for (box, confidence), true in zip(found, TOUCHING, strict=True):
        assert intersection_over_union(box, true) > 0.9
        assert confidence == 1


def test_boxes_come_in_order_from_the_top():
    found = [box for box, _ in boxes_of_cores(core_map(TOUCHING[::-1], 48, 240))]
    assert found == sorted(found, key=lambda box: box.top)


def test_a_grey_core_is_less_sure_and_a_pale_one_is_none():
    sure = core_map([Box(4, 10, 40, 50)], 48, 240)
    ((_, half),) = boxes_of_cores((sure * 0.6).astype(np.uint8))
    assert half == pytest.approx(0.6)
    assert boxes_of_cores((sure * 0.4).astype(np.uint8)) == []


def test_specks_and_an_empty_map_are_no_boxes():
    specks = np.zeros((240, 48), np.uint8)
    specks[7, 9] = specks[100, 30] = 255
    assert boxes_of_cores(specks) == []
    assert boxes_of_cores(core_map([], 48, 240)) == []


def test_the_flattest_box_has_a_core():
    for height in range(1, 6):
        assert len(boxes_of_cores(core_map([Box(4, 20, 44, 20 + height)], 48, 240))) == 1


def test_a_strip_is_as_wide_as_the_ink():
    ink = np.zeros((300, 90), np.uint8)
    ink[20:280, 30:80] = 255
    strip = Strip.of(ink)
    assert (strip.left, strip.width, strip.bottom) == (29, 52, 280)
    assert Strip.of(np.zeros_like(ink)) is None


@pytest.mark.parametrize("width", [20, 52, 200])
def test_a_window_is_one_strip_wide_whatever_its_size(width):
    ink = np.zeros((8 * width, width), np.uint8)
    ink[: 6 * width, 1:-1] = 255
    ink.flags.writeable = False
    strip = Strip.of(ink)
    window = raw_window(ink, strip, 0, 5, 48)
    assert window.shape == (240, 48)
    assert window[:, 4:-4].min() > 200
    below = raw_window(ink, strip, 3 * width, 5, 48)
    assert below[:130, 4:-4].min() > 200
    assert not below[170:].any(), "below the picture there is no ink"
