"""The checkpoint folder: whole, strict, of this family."""

import json

import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from tests.training.scriptvit.examples import bundle, material
from training.families.scriptvit.attribution import style_vectors
from training.families.scriptvit.weights import load_bundle, save_bundle


def test_what_is_loaded_tells_and_writes_as_what_was_saved(tmp_path):
    made = bundle()
    save_bundle(made, tmp_path / "model", "# card\n")
    found = load_bundle(tmp_path / "model")
    sets = material().pictures[:6].reshape(2, 3, 32, 32)
    before, after = style_vectors(made.encoder, sets), style_vectors(found.encoder, sets)
    assert np.allclose(before, after, atol=2e-2)  # halves
    contents = torch.rand(2, 1, 32, 32)
    memory = torch.rand(2, 32, 32)
    assert torch.allclose(
        made.generator(contents, memory), found.generator(contents, memory), atol=1e-2
    )
    assert found.enrolled.names == made.enrolled.names
    assert found.enrolled.thresholds == made.enrolled.thresholds
    assert found.letters == made.letters
    assert len(found.fingerprint) == 16
    assert (tmp_path / "model" / "card.md").read_text() == "# card\n"
    with pytest.raises(ModelError, match="never overwritten"):
        save_bundle(made, tmp_path / "model", "")


def test_a_model_that_does_not_write_is_saved_without_a_generator(tmp_path):
    save_bundle(bundle(generator=None, reader=None), tmp_path / "model", "")
    found = load_bundle(tmp_path / "model")
    assert found.generator is None
    assert found.reader is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"family": "unicalli"}, "holds family 'unicalli'"),
        ({"format_version": 9}, "format 9; expected 'scriptvit' in format 1"),
        ({"enrolled": ["one"]}, "does not fit its recipe"),
        ({"writes": False}, "does not fit its recipe"),
    ],
)
def test_a_folder_that_is_something_else_is_refused(tmp_path, changed, said):
    folder = tmp_path / "model"
    save_bundle(bundle(), folder, "")
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps({**recipe, **changed}))
    with pytest.raises(ModelError, match=said):
        load_bundle(folder)


def test_truncated_weights_are_refused(tmp_path):
    folder = tmp_path / "model"
    save_bundle(bundle(), folder, "")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="no whole safetensors file"):
        load_bundle(folder)
