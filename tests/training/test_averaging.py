"""Between a model and what it became."""

from dataclasses import replace

import pytest
import torch

from pipelines.errors import ModelError
from tests.training.examples import bundle
from training.__main__ import main
from training.averaging import averaged
from training.families.unicalli.weights import load_bundle, save_bundle


def moved(by):
    """The same model a little further along."""
    made = bundle()
    with torch.no_grad():
        for weight in made.model.parameters():
            weight += by
    return made


def weights(made):
    return torch.cat([p.detach().flatten() for p in made.model.parameters()])


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_it_stands_that_share_of_the_way(share):
    between = averaged(bundle(), moved(0.5), share)
    assert torch.allclose(weights(between), weights(bundle()) + 0.5 * share, atol=1e-6)
    assert between.recipe["averaged_share"] == share


def test_only_relatives_are_averaged():
    with pytest.raises(ModelError, match="0 to 1"):
        averaged(bundle(), bundle(), 1.5)
    stranger = bundle()
    with torch.no_grad():
        next(stranger.autoencoder.parameters()).add_(1)
    with pytest.raises(ModelError, match="autoencoders"):
        averaged(stranger, bundle(), 0.5)
    vocabulary = replace(bundle().vocabulary, characters=tuple("一七三上下不中入"))
    with pytest.raises(ModelError, match="character tables"):
        averaged(replace(bundle(), vocabulary=vocabulary), bundle(), 0.5)


def test_the_verb_writes_a_checkpoint(tmp_path, capsys):
    save_bundle(bundle(), tmp_path / "before", "")
    save_bundle(moved(0.5), tmp_path / "after", "")
    ends = ["--before", str(tmp_path / "before"), "--after", str(tmp_path / "after")]
    assert main(["average", *ends, "--share", "0.5", "--out", str(tmp_path / "out")]) == 0
    made = load_bundle(tmp_path / "out")
    assert torch.allclose(weights(made), weights(bundle()) + 0.25, atol=2e-3)
    assert "50%" in (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    assert main(["average", *ends, "--share", "2", "--out", str(tmp_path / "no")]) == 1
    assert "expected 0 to 1" in capsys.readouterr().err
