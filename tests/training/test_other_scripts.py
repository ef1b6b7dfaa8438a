"""``python -m training`` for other scripts: learned, named, written from English; and refusals."""

import dataclasses
import json

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.glyphs.gardiner import sign_of, signs
from pipelines.imaging.codec import encode_png
from pipelines.records import Script
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.examples import CHARACTERS, bundle
from training import hands, learning
from training.__main__ import main
from training.families.unicalli.weights import save_bundle
from training.loop import LoopParams
from training.other_scripts import train_ancient
from training.recipes import unicalli as recipes

SIGNS = "".join([*list(signs().values())[:30], sign_of("N5"), sign_of("N35"), sign_of("O1")])
FEW = LoopParams(steps=2, warmup_steps=1, learning_rate=1e-3, log_every_s=0.0)


class Drawn:
    def __init__(self, name, path):
        self.name, self.files, self.is_fetched, self.script = name, (path,), True, Script.UNKNOWN


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with drawn fonts, a small parent, and recipes of two steps."""
    monkeypatch.setenv("BEITIE_HOME", str(tmp_path))
    fonts = {
        "lxgw-wenkai-tc": draw_font(tmp_path / "kai.ttf", CHARACTERS),
        **{
            name: draw_font(tmp_path / f"{name}.ttf", SIGNS)
            for name in ("noto-hieroglyphs", "gardiner", "aegyptus")
        },
    }
    drawn = {name: Drawn(name, path) for name, path in fonts.items()}
    monkeypatch.setattr(hands, "load_fonts", lambda *_: drawn)
    whole = bundle()
    recipe = {**whole.recipe, "content_font": "lxgw-wenkai-tc"}
    save_bundle(dataclasses.replace(whole, recipe=recipe), tmp_path / "parent", "# parent\n")

    def short(recipe):
        return lambda: dataclasses.replace(recipe(), eye=FEW, brush=FEW, characters_at_once=4)

    few = {
        "unicalli.oracle_bone": short(recipes.oracle_bone),
        "unicalli.hieroglyphs": short(recipes.hieroglyphs),
    }
    for name, trainer in learning.trainers_of(train_ancient, few).items():
        monkeypatch.setitem(learning.TRAINERS, name, trainer)
    return tmp_path


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    report = json.loads(captured.out.splitlines()[-1]) if status == 0 else None
    return status, report, captured.err


def picture(side):
    image = np.full((50, 50), 250, np.uint8)
    image[8 : 8 + side, 10:38] = 10
    return encode_png(image)


def drawings(home):
    path = home / "drawings.parquet"
    rows = [(picture(10 + place + 9 * k), c) for place, c in enumerate(CHARACTERS) for k in (0, 1)]
    rows += [(picture(12), "龍"), (b"nothing", "一")]
    images, labels = zip(*rows, strict=True)
    pq.write_table(pa.table({"image": list(images), "character": list(labels)}), path)
    return path


def hieroglyphs(home, capsys):
    status, report, err = run(
        capsys, "train", "--recipe", "unicalli.hieroglyphs", "--parent", home / "parent",
        "--out", home / "hieroglyphs", "--threads", 1,
    )  # fmt: skip
    assert status == 0, err
    return report


def test_drawings_are_learned_judged_and_named(home, capsys):
    status, report, err = run(
        capsys, "train", "--recipe", "unicalli.oracle_bone", "--parent", home / "parent",
        "--real-characters", drawings(home), "--out", home / "oracle", "--threads", 1,
    )  # fmt: skip
    assert status == 0, err
    assert report["steps"] == [2, 2]
    assert (report["refused"], report["without_reference"]) == ({"not_an_image": 1}, "龍")
    card = (home / "oracle" / "card.md").read_text()
    assert "| nearest learned picture |" in card
    assert "Rows refused: 1 not_an_image." in card
    assert "lacks them: 龍" in card
    assert (home / "oracle" / "curve.jsonl").is_file()

    (home / "one.png").write_bytes(picture(14))
    status, report, err = run(
        capsys, "identify", home / "one.png", "--checkpoint", home / "oracle", "--top", 3
    )
    assert status == 0, err
    (found,) = report["pictures"]
    for reader in ("candidates", "nearest_glyphs"):
        assert len(found[reader]) == 3
        assert {name for name, _, _ in found[reader]} <= set(CHARACTERS)
        scores = [score for _, score, _ in found[reader]]
        assert scores == sorted(scores, reverse=True)


def test_english_is_written_in_hieroglyphs(home, capsys):
    report = hieroglyphs(home, capsys)
    assert report["classes"] == len(SIGNS)
    own = home / "own.toml"
    own.write_text('[chinese]\nhut = "廬"\n[signs]\n"廬" = "O1"\n')
    status, report, err = run(
        capsys, "write", "sun water / hut", "--english", "--lexicon", own, "--steps", 2,
        "--tries", 1, "--checkpoint", home / "hieroglyphs", "--out", home / "out.png",
    )  # fmt: skip
    assert status == 0, err
    assert [(w["english"], w["chinese"], w["code"]) for w in report["words"]] == [
        ("sun", "日", "N5"),
        ("water", "水", "N35"),
        ("hut", "廬", "O1"),
    ]
    page = cv2.imread(str(home / "out.png"), cv2.IMREAD_GRAYSCALE)
    assert page.shape[1] > page.shape[0] * 0.7, "two columns of at most two signs"

    for words, sentence in [
        (["sun flying", "--english"], "no word 'flying'"),
        (["", "--english"], "no word to write"),
        (["日"], "the model does not know 日"),
        (["日", "--lexicon", own], "give --english"),
    ]:
        status, _, err = run(
            capsys, "write", *words, "--checkpoint", home / "hieroglyphs", "--out", home / "x.png"
        )
        assert status == 1
        assert sentence in err
    assert not (home / "x.png").exists()


def test_a_model_of_chinese_writes_no_hieroglyphs(home, capsys):
    status, _, err = run(
        capsys, "write", "sun", "--english", "--checkpoint", home / "parent",
        "--out", home / "x.png",
    )  # fmt: skip
    assert status == 1
    assert "this model writes Chinese characters" in err
    assert "--recipe unicalli.hieroglyphs" in err
    status, _, err = run(
        capsys, "write", "一", "--script", "oracle_bone", "--checkpoint", home / "parent",
        "--out", home / "x.png",
    )  # fmt: skip
    assert status == 1
    assert "test has not learned oracle_bone" in err


def test_what_is_missing_for_learning_is_named(home, capsys):
    lacking = home / "lacking.parquet"
    pq.write_table(pa.table({"picture": [b"x"]}), lacking)
    train = ["train", "--recipe", "unicalli.oracle_bone", "--out", home / "out"]
    status, _, err = run(capsys, *train[:-1], home / "parent", "--parent", home / "parent")
    assert status == 1
    assert "never overwritten" in err
    for words, sentence in [
        ([], "needs --parent"),
        (["--parent", home / "parent"], "give --real-characters FILE"),
        (
            ["--parent", home / "parent", "--real-characters", lacking],
            "lacks image and character; it has the columns picture",
        ),
    ]:
        status, _, err = run(capsys, *train, *words)
        assert status == 1
        assert sentence in err
    assert not (home / "out").exists()


def test_a_blank_picture_has_no_name(home, capsys):
    (home / "blank.png").write_bytes(encode_png(np.full((40, 40), 255, np.uint8)))
    status, _, err = run(capsys, "identify", home / "blank.png", "--checkpoint", home / "parent")
    assert status == 1
    assert "blank.png is blank" in err
    status, _, err = run(capsys, "identify", home / "none.png", "--checkpoint", home / "parent")
    assert status == 1
    assert "none.png cannot be read" in err
