"""LPIPS by files of the right names and shapes; the official weights are not at hand here."""

import hashlib

import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from training.metrics.lpips import Lpips, load_lpips

SHAPES = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
}
"""As torchvision publishes AlexNet."""
CHANNELS = (64, 192, 384, 256, 256)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """State dicts of random numbers in the official layout, and the hash of the first."""
    folder = tmp_path_factory.mktemp("lpips")
    generator = torch.Generator().manual_seed(0)
    alexnet = {f"{k}.weight": torch.randn(s, generator=generator) / 30 for k, s in SHAPES.items()}
    alexnet |= {f"{k}.bias": torch.zeros(s[0]) for k, s in SHAPES.items()}
    alexnet["classifier.1.bias"] = torch.zeros(4096)
    linear = {
        f"lin{k}.model.1.weight": torch.rand((1, c, 1, 1), generator=generator)
        for k, c in enumerate(CHANNELS)
    }
    torch.save(alexnet, folder / "alexnet.pth")
    torch.save(linear, folder / "alex.pth")
    digest = hashlib.sha256((folder / "alexnet.pth").read_bytes()).hexdigest()
    return folder / "alexnet.pth", folder / "alex.pth", digest


def test_a_picture_is_nothing_from_itself_and_the_same_from_both_sides(files, rng):
    lpips = load_lpips(*files[:2], alexnet_sha256=files[2])
    one, other = rng.integers(0, 256, (2, 3, 48, 48), dtype=np.uint8)
    assert lpips.distances(one, one) == pytest.approx([0, 0, 0])
    assert (lpips.distances(one, other) > 0).all()
    assert lpips.distances(one, other) == pytest.approx(lpips.distances(other, one))


def test_the_weights_of_the_levels_are_those_of_the_file(files, rng):
    lpips = load_lpips(*files[:2], alexnet_sha256=files[2])
    one, other = rng.integers(0, 256, (2, 1, 48, 48), dtype=np.uint8)
    before = lpips.distances(one, other)
    with torch.no_grad():
        for weight in lpips.lin:
            weight.mul_(2)
    assert lpips.distances(one, other) == pytest.approx(2 * before)


def test_levels_are_as_large_as_those_of_alexnet():
    sizes = [tuple(level.shape[1:]) for level in Lpips().levels(torch.zeros(1, 3, 64, 64))]
    assert sizes == [(64, 15, 15), (192, 7, 7), (384, 3, 3), (256, 3, 3), (256, 3, 3)]


def test_other_weights_are_not_called_lpips(files):
    with pytest.raises(ModelError, match="not the official weights"):
        load_lpips(*files[:2])


def test_every_key_must_fit(files, tmp_path):
    linear = torch.load(files[1], weights_only=True)
    del linear["lin4.model.1.weight"]
    torch.save(linear, tmp_path / "short.pth")
    with pytest.raises(ModelError, match=r"lin\.4"):
        load_lpips(files[0], tmp_path / "short.pth", alexnet_sha256=files[2])
    with pytest.raises(ModelError, match="no weights at"):
        load_lpips(files[0], tmp_path / "none.pth", alexnet_sha256=files[2])
    (tmp_path / "text.pth").write_text("no weights", encoding="utf-8")
    with pytest.raises(ModelError, match="no plain tensors"):
        load_lpips(files[0], tmp_path / "text.pth", alexnet_sha256=files[2])
