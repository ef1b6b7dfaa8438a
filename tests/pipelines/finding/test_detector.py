"""The learned eye: tiles, sizes and what it makes of pages without writing."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.finding.detector import DetectorParams, apart, decoded, detect, shrunk
from pipelines.geometry import Box, intersection_over_union
from tests.drawing import draw_page

PARAMS = DetectorParams()


def boxes_of(detections, least=0.3):
    return [
        Box(*(round(float(v)) for v in box))
        for box, score in zip(detections.boxes, detections.scores, strict=True)
        if score >= least
    ]


def share_found(page_boxes, found):
    hits = sum(any(intersection_over_union(box, f) >= 0.5 for f in found) for box in page_boxes)
    return hits / len(page_boxes)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (33, 31), (900, 700)])
def test_blank_and_black_pages_have_no_characters(shape, value):
    ink = np.full(shape, value, np.uint8)
    ink.flags.writeable = False
    assert boxes_of(detect(ink, PARAMS), 0.5) == []


def test_a_long_scroll_is_seen_in_tiles(rng):
    page = draw_page(rng, (4,) * 40, size=40, column_gap=24, gap=8)
    assert page.ink.shape[1] > 4 * page.ink.shape[0]
    whole = share_found(page.boxes, boxes_of(detect(page.ink, PARAMS)))
    tiled = DetectorParams(tile_px=320, tile_overlap_px=120)
    parts = share_found(page.boxes, boxes_of(detect(page.ink, tiled)))
    assert parts > whole - 0.05
    assert parts > 0.7


@given(st.integers(1, 900), st.integers(1, 900), st.floats(0.05, 1.0))
def test_a_shrunk_page_keeps_its_proportions_and_its_ink(height, width, scale):
    ink = np.full((height, width), 255, np.uint8)
    small = shrunk(ink, scale)
    assert small.shape == (max(1, round(height * scale)), max(1, round(width * scale)))
    assert small[: small.shape[0] * 9 // 10, : small.shape[1] * 9 // 10].min(initial=255) > 200


def test_maps_are_decoded_best_first():
    maps = np.full((5, 8, 8), -8, np.float32)
    maps[1:] = np.log(2)
    maps[0, 2, 3], maps[0, 6, 6] = 1.0, 2.0
    maps[0, 2, 4] = 0.5  # beside a higher one: no peak
    boxes, scores = decoded(maps, 0.3)
    assert np.allclose(boxes[0], (4 * 4.5, 4 * 4.5, 4 * 8.5, 4 * 8.5))
    assert np.allclose(boxes[1], (4 * 1.5, 4 * 0.5, 4 * 5.5, 4 * 4.5))
    assert np.all(np.diff(scores) <= 0)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(4, 40), st.integers(4, 40)),
        max_size=12,
    )
)
def test_boxes_that_stay_are_apart_and_the_best_stays(places):
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in places], np.float32).reshape(-1, 4)
    kept = apart(boxes, 0.4, 0.75)
    if len(boxes):
        assert kept[0] == 0
    chosen = [Box(*(int(v) for v in boxes[i])) for i in kept]
    assert all(
        intersection_over_union(a, b) <= 0.4 + 1e-6
        for i, a in enumerate(chosen)
        for b in chosen[i + 1 :]
    )
    assert list(apart(boxes[kept], 0.4, 0.75)) == list(range(len(kept)))


def test_a_page_is_found_at_any_scan_size(rng):
    page = draw_page(rng, (6, 6, 6, 6), size=40, gap=8)
    for factor in (1, 4):
        ink = cv2.resize(page.ink, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
        boxes = [box.scaled(factor, factor) for box in page.boxes]
        assert share_found(boxes, boxes_of(detect(ink, PARAMS))) > 0.7
