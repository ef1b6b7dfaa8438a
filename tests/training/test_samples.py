"""Samples to columns: what is learned of each, and how much each work counts."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.imaging.codec import encode_png
from tests.pipelines.examples import a_sample, a_work
from tests.pipelines.test_hand_styles import a_hand
from training.columns import UNKNOWN_CELL
from training.samples import labelled_inks, look_weights
from training.vocabulary import Vocabulary


def of_work(work_id, text="天地玄黃"):
    return a_sample(text, work=replace(a_work(), work_id=work_id))


def test_what_has_no_name_is_counted_and_not_learned(store):
    key = store.put(encode_png(np.zeros((40, 10), np.uint8)), ".png")
    sample = replace(of_work("a", "天□丂地"), ink_key=key)
    (column,), unknown = labelled_inks([sample], store, Vocabulary(("天", "地")), {"a": 0.25})
    assert column.classes == (0, UNKNOWN_CELL, UNKNOWN_CELL, 1)
    assert dict(unknown) == {"丂": 1}
    assert column.weight == 0.25


def test_hands_that_look_alike_share_their_turns():
    # Works a and b look alike and have 12 characters together, c has 4 by itself.
    samples = [of_work("a"), of_work("a"), of_work("b"), of_work("c")]
    hands = [a_hand("a"), a_hand("b", 0.95), a_hand("c", 0.0)]
    weights = look_weights(samples, hands, 1.0)
    shares = {
        look: sum(
            weights[s.work.work_id] * len(s.characters) for s in samples if s.work.work_id in look
        )
        for look in ("ab", "c")
    }
    assert shares["ab"] == pytest.approx(shares["c"])
    root = look_weights(samples, hands, 0.5)
    assert root["c"] / root["a"] == pytest.approx(3**0.5)
    assert set(look_weights(samples, hands, 0.0).values()) == {1.0}


def test_a_work_of_unknown_look_stands_for_itself():
    weights = look_weights([of_work("a"), of_work("b")], [], 1.0)
    assert weights == {"a": 0.25, "b": 0.25}
