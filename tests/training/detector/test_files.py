"""OpenCV and torch say the same of the same weights, and a checkpoint is whole or refused."""

import cv2
import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from pipelines.finding.detector import CHECKPOINT
from pipelines.finding.network import load_network, to_onnx
from training.detector.files import load_detector, save_detector
from training.detector.network import Detector, DetectorDims

SMALL = DetectorDims(widths=(4, 6, 8, 10, 12), deep=8, head=6)


def trained(dims=SMALL):
    """A network whose norms have seen something, so that folding them changes numbers."""
    torch.manual_seed(0)
    model = Detector(dims).train()
    for _ in range(3):
        model(torch.rand(2, 1, 64, 64) * torch.rand(2, 1, 1, 1))
    torch.nn.init.normal_(model.answer.weight)
    return model.eval()


def forwarded(network, ink):
    network.setInput(ink)
    return network.forward()


def by_torch(model, ink):
    with torch.no_grad():
        return model(torch.from_numpy(ink)).numpy()


@pytest.mark.parametrize("shape", [(64, 64), (96, 160), (320, 32)])
def test_onnx_and_torch_agree(shape):
    model = trained()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    network = cv2.dnn.readNetFromONNX(np.frombuffer(to_onnx(weights), np.uint8))
    ink = np.random.default_rng(0).random((1, 1, *shape), dtype=np.float32)
    maps = forwarded(network, ink)
    assert maps.shape == (1, 5, shape[0] // 4, shape[1] // 4)
    assert np.abs(maps - by_torch(model, ink)).max() < 1e-4
    assert np.abs(maps).max() > 0.1


def test_a_saved_detector_is_loaded_whole(tmp_path):
    (tmp_path / "curve.jsonl").write_text('{"step": 1}\n')
    model = trained()
    save_detector(model, tmp_path / "made", "# card\n", tmp_path / "curve.jsonl")
    again = load_detector(tmp_path / "made")
    assert again.dims == SMALL
    ink = np.random.default_rng(1).random((1, 1, 64, 64), dtype=np.float32)
    assert np.abs(by_torch(again, ink) - by_torch(model, ink)).max() < 0.05
    assert (
        np.abs(forwarded(load_network(tmp_path / "made"), ink) - by_torch(again, ink)).max() < 1e-4
    )
    with pytest.raises(ModelError, match="never overwritten"):
        save_detector(model, tmp_path / "made", "", tmp_path / "curve.jsonl")


@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_a_broken_checkpoint_is_refused_by_name(tmp_path, content):
    if content is not None:
        (tmp_path / "detector.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"detector\.safetensors"):
        load_detector(tmp_path)
    with pytest.raises(ModelError, match=r"detector\.safetensors"):
        load_network(tmp_path)


def test_the_bundled_weights_say_the_same_in_both():
    model = load_detector(CHECKPOINT)
    ink = np.zeros((1, 1, 256, 192), np.float32)
    ink[..., 40:200:24, 30:160] = 1
    ink[..., 40:200, 60:66] = 1
    maps = forwarded(load_network(CHECKPOINT), ink)
    assert np.abs(maps - by_torch(model, ink)).max() < 1e-3


def test_the_bundled_checkpoint_is_small_and_says_what_it_is():
    assert sum(file.stat().st_size for file in CHECKPOINT.iterdir()) < 10 << 20
    assert {file.name for file in CHECKPOINT.iterdir()} == {
        "card.md", "curve.jsonl", "detector.safetensors",
    }  # fmt: skip
    assert "CODH" in (CHECKPOINT / "card.md").read_text()
