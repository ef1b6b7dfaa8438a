"""Short trainings without one part each."""

import dataclasses

import pytest

from tests.training.examples import bank, bundle, library
from training.families.unicalli.ablation import VARIANTS, AblationParams, ablate
from training.loop import LoopParams


@pytest.mark.slow
def test_every_variant_trains_and_is_judged(tmp_path):
    whole = bundle()
    params = AblationParams(
        loop=LoopParams(steps=2, log_every_s=100),
        columns_at_once=2, judged_columns=2, written_columns=1,
    )  # fmt: skip
    drawn = bank(tmp_path)
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    rows = list(
        ablate(
            whole, library(tmp_path, whole.autoencoder), drawn, {"drawn": "a hand"}, drawn, params
        )
    )
    assert [row.variant for row in rows] == [variant.name for variant in VARIANTS]
    assert all(row.steps == 2 for row in rows)
    shares = [share for row in rows for share in (row.read_right, row.written_right)]
    assert all(0 <= share.low <= share.value <= share.high <= 1 for share in shares)
    assert all(row.read_right.count == 2 * whole.dims.cells for row in rows)
    assert all((value == before[name]).all() for name, value in whole.model.state_dict().items())


def test_variants_differ_from_the_whole_recipe_in_one_thing_each():
    whole, *others = VARIANTS
    for variant in others:
        changed = {
            field.name
            for field in dataclasses.fields(variant)
            if field.name != "name" and getattr(variant, field.name) != getattr(whole, field.name)
        }
        assert len(changed) == 1, variant.name
