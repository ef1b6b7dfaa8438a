"""``python -m training`` with single characters: learned, a hand added, written; and refusals."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from safetensors.torch import load_file

from pipelines.glyphs.fonts import FontFace
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import Script
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.examples import CHARACTERS
from tests.training.examples import bundle as reader_bundle
from training import hands, learning
from training.__main__ import main
from training.families.unicalli.weights import save_bundle
from training.recipes.calliffusion import base, debug
from training.single_characters import train_single_characters


class Drawn:
    def __init__(self, name, path):
        self.name, self.files, self.is_fetched, self.script = name, (path,), True, Script.REGULAR


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with drawn fonts, a reader, and pictures of a hand in both polarities."""
    monkeypatch.setenv("BEITIE_HOME", str(tmp_path))
    fonts = {
        name: Drawn(name, draw_font(tmp_path / f"{name}.ttf", CHARACTERS))
        for name in ("lxgw-wenkai-tc", "ma-shan-zheng", "yuji-mai")
    }
    monkeypatch.setattr(hands, "load_fonts", lambda *_: fonts)
    (tmp_path / "vocabulary.txt").write_text("\n".join(CHARACTERS) + "\n")
    save_bundle(
        replace(reader_bundle(), recipe={**reader_bundle().recipe, "content_font": "yuji-mai"}),
        tmp_path / "reader",
        "",
    )
    face = FontFace(fonts["yuji-mai"].files)
    for place, character in enumerate(CHARACTERS[:3]):
        ink = np.pad(face.draw(character, 60), 10)
        picture = 255 - ink if place else ink
        (tmp_path / f"{character}-2.png").write_bytes(encode_png(picture))
    recipe = replace(debug(), dims=replace(debug().dims, characters=len(CHARACTERS)))
    monkeypatch.setitem(
        learning.TRAINERS,
        "calliffusion.debug",
        lambda arguments: train_single_characters(arguments, recipe),
    )
    return tmp_path


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def trained(home, capsys):
    status, out, err = run(
        capsys, "train", "--recipe", "calliffusion.debug", "--out", home / "model",
        "--vocabulary", home / "vocabulary.txt",
    )  # fmt: skip
    assert status == 0, err
    return json.loads(out.splitlines()[-1])


def test_from_nothing_to_a_new_hand_and_what_is_written_in_it(home, capsys):
    report = trained(home, capsys)
    assert report["steps"] == 4
    assert {p.name for p in (home / "model").iterdir()} == {
        "model.safetensors", "recipe.json", "vocabulary.txt", "card.md", "curve.jsonl",
    }  # fmt: skip
    pictures = [home / f"{character}-2.png" for character in CHARACTERS[:3]]
    status, out, err = run(
        capsys, "adapt", "--checkpoint", home / "model", "--hand", "mine", "--script", "running",
        "--steps", 2, "--out", home / "mine", *pictures,
    )  # fmt: skip
    assert status == 0, err
    said = json.loads(out.splitlines()[-1])
    assert said["learned_from"] == CHARACTERS[:3]
    assert said["seconds"] >= 0
    assert said["near"] in ("ma-shan-zheng", "yuji-mai")
    base_before = (home / "model" / "model.safetensors").read_bytes()

    letter = np.full((70, 70), 255, np.uint8)
    cv2.line(letter, (10, 10), (60, 60), 0, 5)
    (home / "letter.png").write_bytes(encode_png(letter))
    common = (
        "--checkpoint", home / "model", "--steps", 2, "--reader", home / "reader", "--tries", 2,
    )  # fmt: skip
    ways = {
        "hand.png": ("一三 人", "--hand", "ma-shan-zheng"),
        "script.svg": ("一三", "--script", "regular", "--mode", "base"),
        "mine.png": ("一三", "--adapter", home / "mine"),
        "mixed.png": ("一三", "--adapter", home / "mine", "--mix", "ma-shan-zheng=0.5"),
        "letter-written.png": ("L", "--hand", "yuji-mai", "--skeleton", home / "letter.png"),
    }
    for name, way in ways.items():
        status, out, err = run(capsys, "write", *way, *common, "--out", home / name)
        assert status == 0, err
        said = json.loads(out.splitlines()[-1])
        assert (home / name).stat().st_size > 0
        assert said["is_synthetic"]
        assert said["not_read_back"] == (["L"] if name.startswith("letter") else [])
    assert decode_png((home / "hand.png").read_bytes()).std() > 0
    assert (home / "model" / "model.safetensors").read_bytes() == base_before


def test_a_finished_model_goes_on_learning_and_another_one_does_not(home, capsys, monkeypatch):
    trained(home, capsys)
    more = ("train", "--recipe", "calliffusion.debug", "--parent", home / "model", "--out")
    status, out, err = run(capsys, *more, home / "more")
    assert status == 0, err
    said = json.loads((home / "more" / "recipe.json").read_text())
    assert said["went_on_from"]["steps"] == 4
    assert len(said["went_on_from"]["fingerprint"]) == 16
    before, after = (load_file(home / name / "model.safetensors") for name in ("model", "more"))
    assert before.keys() == after.keys()
    assert any((before[key] != after[key]).any() for key in before)
    other = replace(debug(), dims=replace(debug().dims, characters=3))
    monkeypatch.setitem(
        learning.TRAINERS,
        "calliffusion.debug",
        lambda arguments: train_single_characters(arguments, other),
    )
    status, out, err = run(capsys, *more, home / "other")
    assert (status, out) == (1, "")
    assert "has other dimensions than calliffusion.debug" in err
    assert not (home / "other").exists()


def test_what_cannot_be_used_is_refused_in_one_sentence(home, capsys):
    trained(home, capsys)
    blank = home / "永.png"
    blank.write_bytes(encode_png(np.full((40, 40), 200, np.uint8)))
    (home / "two words.png").write_bytes(blank.read_bytes())
    adapt = ("adapt", "--checkpoint", home / "model", "--hand", "mine", "--out", home / "mine")
    write = ("write", "一", "--checkpoint", home / "model", "--out", home / "x.png")
    good = home / f"{CHARACTERS[0]}-2.png"
    wrong = {
        "0 characters of 'mine' were given": adapt,
        "1 characters of 'mine' were given": (*adapt, good),
        "is blank": (*adapt, good, blank),
        "does not say which character it shows": (*adapt, good, home / "two words.png"),
        "cannot be read": (*adapt, good, home / "不.png"),
        "not learned the hand 'nobody'. It knows ma-shan-zheng, yuji-mai": (
            *write, "--hand", "nobody",
        ),
        "holds family 'calliffusion' in format 1; expected 'calliffusion.adapter'": (
            *write, "--adapter", home / "model",
        ),
        "expected 'calliffusion'": ("adapt", *adapt[1:2], home / "reader", *adapt[3:], good, good),
        "names no weight": (*write, "--mix", "yuji-mai"),
        "永.png is blank": (*write, "--skeleton", blank),
        "the text is empty": ("write", " ", *write[2:]),
        "makes .png or .svg": (*write[:-1], home / "x.gif"),
        "never overwritten": (
            "train", "--recipe", "calliffusion.debug", "--out", home / "model",
        ),
    }  # fmt: skip
    for sentence, words in wrong.items():
        status, out, err = run(capsys, *words)
        assert (status, out) == (1, ""), sentence
        assert sentence in err.splitlines()[-1], err
        assert not (home / "mine").exists()
        assert not (home / "x.png").exists()


def test_what_needs_a_gpu_says_so(home, capsys):
    status, _, err = run(capsys, "train", "--recipe", "calliffusion.base", "--out", home / "large")
    assert base().needs_gpu
    assert status == 1
    assert "calliffusion.base needs a GPU" in err
    assert not (home / "large").exists()
