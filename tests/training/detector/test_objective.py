"""What is taught is what is read back: targets decode to the boxes they were made of."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.finding.detector import decoded
from training.detector.objective import loss, targets

SIDE = 160


def maps_of(target):
    """What a perfect network would answer."""
    heat = np.clip(target.heat, 1e-6, 0.999)
    return np.concatenate(
        [np.log(heat / (1 - heat))[None], np.log(np.maximum(target.distances, 0.02))]
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(9, 38), st.integers(9, 38)),
        min_size=1,
        max_size=8,
        unique_by=lambda place: place[:2],
    )
)
@settings(max_examples=50, deadline=None)
def test_targets_decode_to_their_boxes(places):
    boxes = np.array(
        [(40 * x + 1, 40 * y + 1, 40 * x + 1 + w, 40 * y + 1 + h) for x, y, w, h in places],
        np.float32,
    )
    nothing = np.zeros((0, 4), np.float32)
    found, scores = decoded(maps_of(targets(boxes, nothing, SIDE, SIDE)), 0.9)
    assert len(found) == len(boxes)
    assert scores.min() > 0.99
    for box in boxes:
        assert np.abs(found - box).max(axis=1).min() < 0.1


def test_nothing_is_learned_where_it_is_unsure():
    unsure = np.array([[40, 40, 80, 80]], np.float32)
    target = targets(np.zeros((0, 4), np.float32), unsure, SIDE, SIDE)
    answer = torch.zeros(1, 5, 40, 40)
    parts = [torch.from_numpy(a)[None] for a in (target.heat, target.distances, target.weight)]
    before, _ = loss(answer, *parts)
    answer[0, 0, 12:18, 12:18] = 5
    after, _ = loss(answer, *parts)
    assert abs(float(after - before)) < 1e-4
    answer[0, 0, 30, 30] = 5
    assert loss(answer, *parts)[0] > after + 0.1


def test_the_right_answer_costs_least():
    boxes = np.array([[10, 12, 50, 40], [60, 60, 76, 140]], np.float32)
    target = targets(boxes, np.zeros((0, 4), np.float32), SIDE, SIDE)
    parts = [torch.from_numpy(a)[None] for a in (target.heat, target.distances, target.weight)]
    right = torch.from_numpy(maps_of(target))[None]
    total, named = loss(right, *parts)
    assert named["edge"] < 1e-4
    for shift in (0.5, -0.5):
        wrong = right.clone()
        wrong[:, 1:] += shift
        assert loss(wrong, *parts)[0] > total + 0.1
    assert loss(torch.roll(right, 3, 3), *parts)[0] > total + 0.1
