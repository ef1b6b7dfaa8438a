"""The eye for orientation: torch and OpenCV agree, it learns, and the command writes its folder."""

import json

import cv2
import numpy as np
import pytest
import torch

import training.hands
from pipelines.finding.orientation import CHECKPOINT, load_network, to_onnx
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.detector.test_command import Drawn
from tests.training.examples import CHARACTERS
from training.__main__ import main
from training.detector.orientation import Orienter, laid
from training.slices import Team


def test_opencv_and_torch_say_the_same():
    torch.manual_seed(0)
    model = Orienter((4, 6, 8, 10)).train()
    model(torch.rand(16, 1, 32, 32))
    model.eval()
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    network = cv2.dnn.readNetFromONNX(np.frombuffer(to_onnx(weights), np.uint8))
    cells = np.random.default_rng(0).random((5, 1, 32, 32), dtype=np.float32)
    network.setInput(cells)
    with torch.no_grad():
        expected = model(torch.from_numpy(cells)).numpy()
    assert np.abs(network.forward().reshape(5, 8) - expected).max() < 1e-4


def test_the_eight_ways_are_eight():
    character = torch.rand(1, 1, 32, 32)
    ways = [laid(character, way) for way in range(8)]
    for first in range(8):
        assert [torch.equal(ways[first], other) for other in ways].count(True) == 1
    assert torch.equal(laid(character, 4)[..., 0], character[..., -1])


@pytest.fixture
def words(tmp_path, monkeypatch):
    """A run of few steps with one drawn hand, into the folder ``made``."""
    font = Drawn(draw_font(tmp_path / "drawn.ttf", CHARACTERS))
    monkeypatch.setattr(training.hands, "load_fonts", lambda *_: {"ma-shan-zheng": font})
    monkeypatch.setenv("BEITIE_HOME", str(tmp_path / "home"))
    made = str(tmp_path / "made")
    return ["train", "--recipe", "orientation.debug", "--out", made, "--threads", "1"]


def test_the_command_writes_a_folder_that_opencv_runs(words, tmp_path, capsys):
    made = tmp_path / "made"
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["steps"] == 3
    assert 0 <= report["accuracy"] <= 1
    load_network(made)
    assert "ma-shan-zheng" in (made / "card.md").read_text()
    assert (made / "curve.jsonl").read_text().count("\n") == 3
    assert main(words) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_of_several_processes_only_the_first_writes(words, tmp_path, monkeypatch):
    monkeypatch.setattr(Team, "gathered", lambda: Team(rank=1))
    assert main(words) == 0
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["orientation.safetensors", "card.md", "curve.jsonl"])
def test_the_bundled_eye_is_whole(name):
    assert (CHECKPOINT / name).stat().st_size > 0
