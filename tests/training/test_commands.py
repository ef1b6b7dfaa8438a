"""``python -m training``: every verb on real tables, from nothing to a better reader."""

import json
import logging
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pipelines.evaluations import Evaluation
from pipelines.geometry import Box
from pipelines.ids import split_of
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import (
    Character,
    Column,
    Origin,
    Page,
    Polarity,
    Reader,
    Reading,
    Sample,
    SampleCharacter,
    Script,
    Split,
)
from tests.conftest import ROOT
from tests.pipelines.examples import a_column, a_page, a_work
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.examples import CHARACTERS, WORK, drawn_column
from training import learning, other_families
from training.__main__ import main
from training.context import PairModel
from training.readings import to_reading
from training.recipes import calliffusion, creativesynth, scriptvit
from training.roles import Proposal
from training.vocabulary import Vocabulary


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose content font and one hand are drawn by the test."""
    monkeypatch.setenv("BEITIE_HOME", str(tmp_path))
    registry = {}
    for name in ("lxgw-wenkai-tc", "ma-shan-zheng"):
        registry[name] = draw_font(tmp_path / f"{name}.ttf", CHARACTERS)
    import training.hands as hands

    class Drawn:
        def __init__(self, name, path):
            self.name, self.files, self.is_fetched = name, (path,), True
            self.script = Script.REGULAR

    drawn = {name: Drawn(name, path) for name, path in registry.items()}
    monkeypatch.setattr(hands, "load_fonts", lambda *_: drawn)
    (tmp_path / "vocabulary.txt").write_text("\n".join(CHARACTERS) + "\n")
    return tmp_path


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def places(home):
    return ["--tables", home / "tables", "--store", home / "store"]


def fill(home, tables, store):
    ink_key = store.put(encode_png(drawn_column(6)), ".png")
    boxes = [Box(8, 4 + 48 * i, 48, 44 + 48 * i) for i in range(6)]
    column = Column(
        column_id="c1", page_id="p1", work=WORK, column_index=0, box=Box(100, 200, 156, 488),
        characters=tuple(
            Character(character_id=f"k{i}", box=b.moved(100, 200), confidence=1.0)
            for i, b in enumerate(boxes)
        ),
        image_key=ink_key, ink_key=ink_key, order_confidence=1.0, is_order_uncertain=False,
        code_version="test",
    )  # fmt: skip
    tables.write("columns", "b1", Column, [column])
    samples = [
        Sample(
            sample_id=f"s{i}", column_id=f"c{i}", page_id="p1", work=WORK, split=split,
            origin=Origin.REVIEW, ink_key=ink_key, polarity=Polarity.DARK_ON_LIGHT,
            characters=tuple(
                SampleCharacter(box=b, written=c, canonical=c, is_damaged=False)
                for b, c in zip(boxes, CHARACTERS[:5] + "□", strict=True)
            ),
            prompt="real, nobody", review_id=f"r{i}", code_version="test",
        )
        for i, split in enumerate([Split.TRAIN, Split.TEST])
    ]  # fmt: skip
    tables.write("samples", "all", Sample, samples)


def agree(tables, store):
    """A column of an unlabelled page that two readers read the same but for one character."""
    titles = (f"work {number}" for number in range(100))
    works = (a_work(title) for title in titles)
    page = a_page(next(w for w in works if split_of(w.work_id) is Split.TRAIN), store)
    column = a_column(page, store, decode_png(store.get(page.ink_key)))
    tables.write("pages", "b2", Page, [page])
    tables.write("columns", "b2", Column, [column])
    for table, reader, text in (
        ("readings", Reader.UNICALLI, CHARACTERS[:5]),
        ("second_readings", Reader.RAPIDOCR, CHARACTERS[:4] + "人"),
    ):
        proposals = [Proposal(text=c, score=0.9, margin=0.5, candidates=()) for c in text]
        tables.write(table, "b2", Reading, [to_reading(column, proposals, reader, "r")])


@pytest.mark.slow
def test_the_whole_life_of_a_model(home, tables, store, capsys, caplog):
    caplog.set_level(logging.INFO)
    fill(home, tables, store)
    first = home / "models" / "first"
    status, out, err = run(
        capsys, "train", "--recipe", "unicalli.debug", "--out", first,
        "--vocabulary", home / "vocabulary.txt", "--threads", 1,
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["hands"] == ["ma-shan-zheng"]
    curve = [json.loads(line) for line in (first / "curve.jsonl").read_text().splitlines()]
    assert {"reconstruction", "retrieval"} <= {name for line in curve for name in line}

    status, out, err = run(
        capsys, "read", *places(home), "--batch", "b1", "--checkpoint", first,
        "--release-id", "release-1",
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["characters"] == 6
    (reading,) = tables.read("readings", "b1", Reading)
    assert reading.release_id == "release-1"
    assert [c.character_id for c in reading.characters] == [f"k{i}" for i in range(6)]
    assert reading.characters[0].box == Box(108, 204, 148, 244)

    second = home / "models" / "second"
    status, out, err = run(
        capsys, "train", *places(home), "--parent", first, "--out", second, "--seconds", 2,
    )  # fmt: skip
    assert status == 0, err
    report = json.loads(out.splitlines()[-1])
    assert report["samples"] == 1
    assert report["replayed_hands"] == ["ma-shan-zheng"]
    assert report["weak_labels"] == 0, "off unless a recipe asks for them"
    card = (second / "card.md").read_text()
    assert "first" in card
    assert f"Hands learned: {WORK.calligrapher} ({WORK.script})" in card

    agree(tables, store)
    status, out, err = run(
        capsys, "train", *places(home), "--parent", first, "--out", home / "models" / "weak",
        "--seconds", 2, "--recipe", "unicalli.weak",
    )  # fmt: skip
    assert status == 0, err
    report = json.loads(out.splitlines()[-1])
    assert (report["samples"], report["weak_labels"]) == (1, 4)
    assert "nobody approved" in (home / "models" / "weak" / "card.md").read_text()

    augmented = home / "models" / "augmented"
    asked = ["train", *places(home), "--parent", first, "--out", augmented, "--seconds", 2]
    asked += ["--recipe", "unicalli.augmented"]
    status, _, err = run(capsys, *asked)
    assert status == 1
    assert "nothing synthetic" in err
    sample = next(s for s in tables.read("samples", "all", Sample) if s.split is Split.TRAIN)
    tables.write("augmentations", "r1", Sample, [replace(sample, origin=Origin.SYNTHETIC)])
    status, out, err = run(capsys, *asked)
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["synthetic_characters"] == 5, "□ is nobody's"
    assert "nobody's hand" in (augmented / "card.md").read_text()

    balanced = ["train", *places(home), "--parent", first, "--out", home / "models" / "balanced"]
    status, out, err = run(capsys, *balanced, "--seconds", 2, "--recipe", "unicalli.balanced")
    assert status == 0, err

    status, out, err = run(
        capsys, "evaluate", *places(home), "--checkpoint", second, "--model-id", "m2",
        "--batch", "m2", "--against", first, "--against-id", "m1",
    )  # fmt: skip
    assert status == 0, err
    assert "corrections per 100" in caplog.text, "people get a table of readers side by side"
    rows = tables.read("evaluations", "m2", Evaluation)
    more = {(r.model_id, r.against, r.reader.value) for r in rows if r.against}
    assert more == {("m2", "m1", "unicalli"), ("m2", "m1", "both")}
    assert {(r.model_id, r.reader.value, r.metric) for r in rows if not r.against} == {
        (model_id, reader, metric)
        for model_id, readers in (
            ("m2", ("unicalli", "rapidocr", "both", "nearest_glyph")),
            ("m1", ("unicalli", "both")),
        )
        for reader in readers
        for metric in (
            "accuracy",
            "accuracy_as_written",
            "precision",
            "precision_as_written",
            "f1",
            "f1_as_written",
            "ned",
            "ned_as_written",
            "callibench_precision",
            "callibench_recall",
            "callibench_f1",
            "callibench_ned",
            "calibration_error",
            "corrections_per_100",
        )
    }
    judged = {row.character_count for row in rows if row.metric.startswith("accuracy")}
    assert judged == {5}, "what nobody can read is not judged"

    status, out, err = run(
        capsys, "write", "一七三", "--checkpoint", second, "--out", home / "w.png", "--steps", 2,
    )  # fmt: skip
    assert status == 0, err
    assert (home / "w.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_second_reader_reads_the_same_columns(home, tables, store, capsys):
    fill(home, tables, store)
    status, _, err = run(
        capsys, "read", *places(home), "--batch", "b1", "--reader", "rapidocr", "--threads", 1
    )
    assert status == 0, err
    (reading,) = tables.read("second_readings", "b1", Reading)
    assert len(reading.characters) == 6


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "--recipe", "unicalli.huge", "--out", "x"], "Known recipes: unicalli.fine_tune"),
        (["train", "--recipe", "unicalli.base", "--out", "x"], "needs a GPU, and torch"),
        (["train", "--recipe", "unicalli.flux", "--out", "x"], "needs --flux FOLDER as well"),
        (["train", "--recipe", "unicalli.flux", "--flux", "y", "--out", "x"], "needs a GPU"),
        (["profile", "--recipe", "detector.tiny"], "Recipes with one: unicalli.tiny"),
        (["train", "--out", "x"], "needs --tables, --store, --parent"),
        (["write", "一", "--checkpoint", "nowhere", "--out", "x.png"], "recipe.json is missing"),
        (["judge-writing", "--checkpoint", "nowhere", "--sheet", "x.jpg"], "The sheet is a .png"),
        (
            ["judge-writing", "--checkpoint", "nowhere", "--sheet", "x.png"],
            "recipe.json is missing",
        ),
        (["curve", "--checkpoint", "nowhere", "--out", "x.svg"], "no log at nowhere"),
    ],
)
def test_a_failure_is_one_sentence_and_a_status(home, capsys, monkeypatch, words, sentence):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    status, out, err = run(capsys, *words)
    assert status == 1
    assert out == ""
    assert sentence in err


def test_profile_says_what_a_network_costs(capsys):
    status, out, err = run(
        capsys, "profile", "--recipe", "unicalli.debug", "--columns", 2, "--threads", 1
    )
    assert status == 0, err
    report = json.loads(out.splitlines()[-1])
    assert report["train_flops_per_column"] > 2 * report["read_flops_per_column"] > 0
    assert report["read_columns_per_second"] > 0
    if report["device"] == "cpu":
        assert report["train_utilisation"] is None
        assert "not measured" in report["utilisation_note"]


def test_columns_are_learned_on_a_flux_folder(home, capsys):
    from tests.training.unicalli.flux import miniature
    from training.families.unicalli.flux.weights import load_flux_bundle

    flux = miniature.make(home / "flux")
    words = [
        "train", "--recipe", "unicalli.flux_debug", "--flux", flux, "--out", home / "on-flux",
        "--vocabulary", home / "vocabulary.txt", "--threads", 1,
    ]  # fmt: skip
    status, out, err = run(capsys, *words)
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["column_steps"] == 4
    assert "licence of the FLUX checkpoint" in (home / "on-flux" / "card.md").read_text()
    bundle = load_flux_bundle(home / "on-flux", flux)
    assert bundle.recipe["hands"] == ["ma-shan-zheng"]
    words[4] = home / "elsewhere"
    words[6] = home / "another"
    status, _, err = run(capsys, *words)
    assert status == 1
    assert "Give the folder of a FLUX.1 checkpoint in diffusers' layout" in err


def test_context_is_learned_without_what_is_judged(home, capsys, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "first.txt").write_text("一七三上下" * 3, encoding="utf-8")
    (texts / "judged.txt").write_text("不中人一七三上下不中人", encoding="utf-8")
    (texts / "copy.txt").write_text(
        "三下三下三下" + "不中人一七三上下" + "三下三下三下" * 2, encoding="utf-8"
    )
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    Vocabulary(tuple(CHARACTERS)).save(checkpoint / "vocabulary.txt")
    words = ["context", "--texts", texts, "--checkpoint", checkpoint, "--out", tmp_path / "c"]
    status, out, err = run(capsys, *words, "--leave-out", "judged")
    assert status == 0, err
    report = json.loads(out.splitlines()[-1])
    assert report["left_out"] == ["judged"]
    assert report["shared_characters_cut"] >= 8, "a copy of what is judged goes as well"
    model = PairModel.load(tmp_path / "c", Vocabulary(tuple(CHARACTERS)))
    one, seven, none = (np.array(CHARACTERS.index(c)) for c in "一七不")
    assert model.follows(one, seven) > 0.5
    assert model.follows(none, np.array(CHARACTERS.index("中"))) < 0.2
    status, _, err = run(capsys, *words)
    assert status == 1
    assert "already something" in err
    words[-1] = tmp_path / "d"
    status, _, err = run(capsys, *words, "--leave-out", "misspelt")
    assert status == 1
    assert "No text is called misspelt" in err


def test_nothing_to_judge_on_says_what_to_do(home, tables, store, capsys):
    status, _, err = run(
        capsys, "evaluate", *places(home), "--checkpoint", "x", "--model-id", "m", "--batch", "m"
    )
    assert status == 1
    assert "Approve columns of a work of the validation or test split" in err


def test_real_characters_need_their_columns(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.errors import ModelError
    from training.hands import read_characters

    data = encode_png(np.full((20, 20), 255, np.uint8))
    path = tmp_path / "characters.parquet"
    pq.write_table(
        pa.table({"image": [data, data], "character": ["一", "七"], "split": ["train", "test"]}),
        path,
    )
    assert [label for _, label in read_characters(path, "train")] == ["一"]
    pq.write_table(pa.table({"image": [data]}), path)
    with pytest.raises(ModelError, match="lacks the columns character, split"):
        list(read_characters(path, "train"))


def test_the_commands_come_without_the_libraries_of_the_other_families():
    """They take seconds to import, and a machine that trains UniCalli alone has none of them."""
    asked = (
        "import sys, training.commands; print(*{'diffusers', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == ""


def test_every_recipe_that_is_named_can_be_made():
    modules = {"calliffusion": calliffusion, "scriptvit": scriptvit, "creativesynth": creativesynth}
    names = [
        *other_families.CALLIFFUSION, *other_families.SCRIPTVIT, *other_families.CREATIVESYNTH,
    ]  # fmt: skip
    for name in names:
        family, _, recipe = name.partition(".")
        assert name in learning.TRAINERS
        assert getattr(modules[family], recipe)()
