"""``python -m training train --recipe detector.debug``: fonts and approved columns to a folder."""

import json

import pytest

import training.hands
from pipelines.finding.network import load_network
from pipelines.records import Sample, Split
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.detector.test_fitting import sample
from tests.training.examples import CHARACTERS
from training.__main__ import main
from training.detector.files import load_detector
from training.slices import Team


class Drawn:
    """A font that the test drew."""

    def __init__(self, path):
        self.files, self.is_fetched = (path,), True


@pytest.fixture
def drawn_font(tmp_path, monkeypatch):
    font = Drawn(draw_font(tmp_path / "drawn.ttf", CHARACTERS))
    monkeypatch.setattr(training.hands, "load_fonts", lambda *_: {"ma-shan-zheng": font})


def test_approved_columns_of_the_train_split_are_mixed_in(
    tmp_path, store, tables, drawn_font, capsys
):
    rows = [sample(store), sample(store, split=Split.TEST)]
    tables.write("samples", "all", Sample, rows)
    words = ["train", "--recipe", "detector.debug", "--out", tmp_path / "made", "--threads", 1]
    words += ["--tables", tmp_path / "tables", "--store", tmp_path / "store"]
    assert main([str(word) for word in words]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["samples"] == 1
    assert report["hands"] == ["ma-shan-zheng"]
    assert load_detector(tmp_path / "made").dims.head == 8
    load_network(tmp_path / "made")
    assert (tmp_path / "made" / "curve.jsonl").read_text().count("\n") == report["steps"]


def test_of_several_processes_only_the_first_writes(tmp_path, drawn_font, monkeypatch):
    monkeypatch.setattr(Team, "gathered", lambda: Team(rank=1))
    words = ["train", "--recipe", "detector.debug", "--out", str(tmp_path / "made")]
    assert main([*words, "--threads", "1"]) == 0
    assert not (tmp_path / "made").exists()


def test_without_fonts_it_says_what_to_fetch(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training.hands, "load_fonts", lambda *_: {})
    words = ["train", "--recipe", "detector.debug", "--out", str(tmp_path / "made")]
    assert main(words) == 1
    assert "pipelines.glyphs.fetch" in capsys.readouterr().err
