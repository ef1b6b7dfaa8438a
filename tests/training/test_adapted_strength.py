"""How strongly a learned hand is applied."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.scripts import canonical
from tests.training.calliffusion.examples import CHARACTERS, bundle, face
from tests.training.calliffusion.test_adapting import RECIPE, some
from tests.training.scriptvit.examples import bundle as knowing
from training.adapted_strength import STRENGTHS, Trial, best_of, trials_of, with_strength
from training.families.calliffusion.adapting import learn_hand
from training.families.calliffusion.weights import with_adapter
from training.families.calliffusion.writing import CalliffusionWriter
from training.roles import Proposal


def trial(strength, far, read):
    return Trial(strength=strength, far=far, read=read)


@pytest.mark.parametrize(
    ("trials", "best"),
    [
        ([(0, 0.3, 0.9), (0.5, 0.2, 0.88), (1, 0.1, 0.4)], 0.5),  # the likest is not legible
        ([(0, 0.3, 0.1), (0.5, 0.2, 0.2), (1, 0.1, 0.3)], 1),
        ([(0, 0.1, 0.9), (0.5, 0.2, 0.9), (1, 0.3, 0.9)], 0),  # nothing was gained
        ([(0, 0.1, 0.1), (0.5, 0.2, 0.4), (1, 0.3, 0.8)], 1),  # a little less like, and legible
    ],
)
def test_look_and_legibility_count_alike(trials, best):
    assert best_of([trial(*one) for one in trials]).strength == best


class AlwaysReads:
    """Reads what it is told to; a double beside the real reader of the commands' tests."""

    def __init__(self, text):
        self.text = text

    def read_columns(self, columns):
        return [
            [Proposal(text=canonical(c), score=1.0, margin=1.0, candidates=()) for c in self.text]
        ]


def test_each_strength_writes_what_was_not_shown(tmp_path):
    base = bundle()
    pictures = some(tmp_path)
    adapter = learn_hand(base, "mine", pictures, face(tmp_path), RECIPE)
    text = CHARACTERS[3:]
    found = trials_of(base, adapter, knowing(), AlwaysReads(text), pictures, face(tmp_path))
    assert [one.strength for one in found] == list(STRENGTHS)
    assert all(one.read == 1 and 0 <= one.far <= 2 for one in found)
    assert len({one.far for one in found}) > 1
    facts = with_strength(adapter, found).facts
    assert facts["strength"] == best_of(found).strength
    assert [one["far"] for one in facts["trials"]] == [one.far for one in found]
    # Strength 0 is the base in the known hand, to the bit.
    plain, zero = (
        CalliffusionWriter(ready, face(tmp_path)).write_column(text, adapter.prompt)
        for ready in (base, with_adapter(base, replace(adapter), 0.0))
    )
    assert np.array_equal(plain.ink, zero.ink)
