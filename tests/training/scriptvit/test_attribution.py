"""Whose hand it is: learning to tell, enrolling, thresholds, and none of the known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from pipelines.errors import ModelError
from tests.training.scriptvit.examples import DIMS, SLANTS, TEXTS, draw, material
from training.families.scriptvit.attribution import (
    TOGETHER,
    Attribution,
    AttributionParams,
    Enrolled,
    attribute,
    drawn_sets,
    enrol,
    require_one_hand,
    spread,
    style_vectors,
    unit,
)
from training.families.scriptvit.objective import (
    VARIATIONS,
    HandObjective,
    HandParams,
    varied,
    weighted,
)
from training.families.scriptvit.stages import enrolled_of
from training.families.scriptvit.style_encoder import HandHead, StyleEncoder
from training.loop import LoopParams, fit
from training.slices import Slice

PARAMS = HandParams(pictures_at_once=30, set_sizes=(1, 3), variations=VARIATIONS[:1])


@pytest.fixture(scope="module")
def learned():
    """An encoder that has learned to tell three drawn hands, and what was held out from it."""
    data = material(copies=6)
    own = data.part(~data.is_held_out)
    torch.manual_seed(0)
    encoder, head = StyleEncoder(DIMS), HandHead(DIMS.style_width, 3)
    both = nn.ModuleDict({"encoder": encoder, "head": head})
    params = LoopParams(steps=60, learning_rate=3e-3, warmup_steps=5, average_decay=0.9)
    fitted = fit(both, HandObjective(encoder, head, own, PARAMS, 0), params)
    return encoder.eval(), own, data.part(data.is_held_out), fitted


def test_it_learns_to_tell_hands_by_characters_it_never_saw(learned):
    encoder, own, held_out, fitted = learned
    assert fitted.parts["right"] > 0.8
    enrolled = enrolled_of(encoder, own, held_out)
    assert sorted(enrolled.thresholds) == [1, 3, 5]  # too few were held out for sets of 15
    vectors = style_vectors(encoder, held_out.pictures[:, None])
    named = [attribute(vector, 1, enrolled).nearest[0][0] for vector in vectors]
    right = np.mean(
        [n == held_out.hand_names[h] for n, h in zip(named, held_out.hands, strict=True)]
    )
    assert right > 0.8


def test_more_references_lie_nearer_to_their_hand(learned):
    encoder, own, held_out, _ = learned
    thresholds = enrolled_of(encoder, own, held_out).thresholds
    assert thresholds[5] <= thresholds[1]


def test_references_of_several_hands_are_noticed_and_refused_where_asked(learned):
    encoder, own, held_out, _ = learned
    rng = np.random.default_rng(5)
    one = np.stack([draw(text, "bold", rng) for text in TEXTS[:4]])
    names = [f"{text}.png" for text in TEXTS[:4]]
    mixed = one.copy()
    mixed[2] = draw(TEXTS[2], "leaning", rng)
    apart = spread(encoder, one), spread(encoder, mixed)
    assert apart[0] < apart[1]
    enrolled = replace(enrolled_of(encoder, own, held_out), spread_limit=sum(apart) / 2)
    require_one_hand(encoder, one, enrolled, names)
    with pytest.raises(ModelError, match="4 references look like several hands.*三.png"):
        require_one_hand(encoder, mixed, enrolled, names)


def test_none_of_the_known_hands_is_an_answer():
    enrolled = Enrolled(("a", "b"), np.eye(2, dtype=np.float32), {1: 0.3, 5: 0.1})
    near = np.asarray([0.9, np.sqrt(1 - 0.81)], np.float32)
    assert attribute(near, 1, enrolled).hand == "a"
    assert attribute(near, 4, enrolled).threshold == 0.3
    exact = attribute(np.asarray([0.0, 1.0], np.float32), 7, enrolled)
    assert (exact.hand, exact.is_rejected, exact.nearest[0]) == ("b", False, ("b", 0.0))
    between = attribute(np.asarray([1, 1], np.float32) / np.sqrt(2, dtype=np.float32), 5, enrolled)
    assert between == Attribution(nearest=between.nearest, threshold=0.1, references=5)
    assert between.is_rejected
    assert between.hand == ""
    with pytest.raises(ModelError, match="no threshold for 2 references; calibrated are \\[3\\]"):
        attribute(near, 2, Enrolled(("a", "b"), np.eye(2, dtype=np.float32), {3: 0.3}))


def test_many_references_are_taken_in_parts_as_large_as_in_training():
    torch.manual_seed(1)
    encoder = StyleEncoder(DIMS).eval()
    pictures = material().pictures[:12]
    (found,) = style_vectors(encoder, pictures[None])
    assert TOGETHER == 5
    parts = style_vectors(encoder, pictures.reshape(3, 4, 32, 32))
    assert np.allclose(found, unit(parts.mean(axis=0)), atol=1e-5)


def test_one_picture_is_enough_to_enrol_and_none_twice_in_a_set():
    torch.manual_seed(1)
    encoder = StyleEncoder(DIMS).eval()
    data = material(copies=1)
    enrolled = enrol(encoder, {"one": data.pictures[:1]}, AttributionParams())
    (alone,) = style_vectors(encoder, data.pictures[None, :1])
    assert np.allclose(enrolled.prototypes[0], alone, atol=1e-5)
    sets = drawn_sets(data.pictures[:6], 6, 3, np.random.default_rng(0))
    assert all(len(np.unique(one.reshape(6, -1), axis=0)) == 6 for one in sets)
    with pytest.raises(ModelError, match="set of 5 references cannot be drawn from 2 pictures"):
        drawn_sets(data.pictures[:2], 5, 1, np.random.default_rng(0))
    assert spread(encoder, data.pictures[:1]) == 0


def test_a_batch_is_a_function_of_its_number_and_labels_are_hands_with_variations():
    data = material()
    encoder, params = StyleEncoder(DIMS), HandParams(pictures_at_once=12, set_sizes=(1, 3))
    objective = HandObjective(encoder, HandHead(16, 9), data, params, seed=4)
    pictures, labels = objective.drawn(Slice(number=1))
    assert pictures.shape == (4, 3, 1, 32, 32)
    assert 0 <= labels.min() <= labels.max() < 3 * len(VARIATIONS)
    again, _ = objective.drawn(Slice(number=1))
    other, _ = objective.drawn(Slice(number=4))
    assert torch.equal(pictures, again)
    assert not torch.equal(pictures, other)


def test_variations_lean_widen_and_weigh_as_they_say():
    rng = np.random.default_rng(0)
    cells = np.stack([draw("人", "upright", rng)] * 3)
    pictures = torch.from_numpy(cells)[:, None].float() / 255
    assert weighted(pictures, torch.ones(1)).sum() > pictures.sum() > weighted(
        pictures, -torch.ones(1)
    ).sum()  # fmt: skip
    assert torch.equal(weighted(pictures, torch.zeros(1)), pictures)
    generator = torch.Generator().manual_seed(0)
    changed = varied(pictures, torch.tensor([0, 1, 2]), HandParams(), generator)
    assert changed.shape == pictures.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    # The wide variation is bold, the leaning one thin.
    assert changed[2].sum() > changed[1].sum()
    assert set(SLANTS) == set(material().hand_names)
