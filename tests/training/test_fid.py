"""FID by a file of the right names and shapes; the official weights are not at hand here."""

import hashlib

import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from training.metrics.features import frechet_distance
from training.metrics.fid import Inception, _enlarged, load_inception


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A network of random numbers in the published layout, without the counters of batches."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("fid") / "inception.pth"
    tensors = {k: v for k, v in Inception().state_dict().items() if "num_batches" not in k}
    torch.save(tensors, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_network_has_the_published_tensors():
    # 94 convolutions, each with a kernel and four numbers a channel, and the last linear layer.
    names = [name for name in Inception().state_dict() if "num_batches" not in name]
    assert len(names) == 94 * 5 + 2
    # torchvision's network without its second head, and eight more classes.
    parameters = sum(value.numel() for value in Inception().parameters())
    assert parameters == 23_834_568 + 8 * 2049


def test_enlarging_starts_at_the_first_pixel():
    row = torch.tensor([0.0, 10.0]).reshape(1, 1, 1, 2)
    assert _enlarged(row, 4)[0, 0, 0].tolist() == [0, 5, 10, 10]


@pytest.mark.slow
def test_features_of_a_published_file(published, rng):
    inception = load_inception(published[0], sha256=published[1])
    one, other = rng.integers(0, 256, (2, 2, 48, 48), dtype=np.uint8)
    seen = inception.features(one)
    assert seen.shape == (2, 2048)
    assert frechet_distance(seen, seen) == pytest.approx(0, abs=1e-4)
    assert frechet_distance(seen, inception.features(other)) > 0


def test_other_weights_are_not_called_fid(published):
    with pytest.raises(ModelError, match="would not be FID"):
        load_inception(published[0])


def test_every_key_must_fit(published, tmp_path):
    tensors = torch.load(published[0], weights_only=True)
    del tensors["fc.bias"]
    torch.save(tensors, tmp_path / "short.pth")
    with pytest.raises(ModelError, match=r"fc\.bias"):
        load_inception(tmp_path / "short.pth", sha256="")
