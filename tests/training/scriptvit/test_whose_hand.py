"""The verbs: attribute, hands and imitate on files and tables, and the recipes that train."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.hand_styles import Hand, SalientStroke
from pipelines.imaging.codec import encode_png
from pipelines.records import Character, Column
from tests.drawing import draw_page
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.examples import CHARACTERS, WORK
from tests.training.scriptvit.examples import DIMS, SLANTS, TEXTS, bundle, draw
from training import whose_hand
from training.__main__ import main
from training.families.scriptvit.generator import Generator
from training.families.scriptvit.judges import Letters, reader_for
from training.families.scriptvit.style_encoder import StyleEncoder
from training.families.scriptvit.weights import load_bundle, save_bundle
from training.recipes.scriptvit import KNOWN_HANDS


@pytest.fixture
def checkpoint(tmp_path):
    save_bundle(bundle(), tmp_path / "model", "")
    return tmp_path / "model"


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def a_picture(path, hand="bold", text="人", side=32):
    ink = cv2.resize(draw(text, hand, np.random.default_rng(1)), (side, side))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(255 - ink))
    return path


def test_each_picture_gets_its_nearest_hands_and_all_together_too(checkpoint, tmp_path, capsys):
    images = [a_picture(tmp_path / f"{k}.png", side=64 + k) for k in range(2)]
    status, out, err = run(capsys, "attribute", *images, "--checkpoint", checkpoint)
    assert status == 0, err
    report = json.loads(out)
    assert [one["file"] for one in report["images"]] == [str(path) for path in images]
    first = report["images"][0]
    assert {name for name, _ in first["nearest"]} == set(SLANTS)
    distances = [far for _, far in first["nearest"]]
    assert distances == sorted(distances)
    assert first["is_rejected"] == (distances[0] > first["threshold"])
    assert first["hand"] == ("" if first["is_rejected"] else first["nearest"][0][0])
    assert report["together"]["references"] == 2
    for region in first["salient"]:
        left, top, right, bottom = region["box"]
        assert 0 <= left < right <= 64
        assert 0 <= top < bottom <= 64


def test_hands_of_a_folder_are_enrolled_and_found_again(checkpoint, tmp_path, capsys):
    for hand in ("leaning", "bold"):
        a_picture(tmp_path / "hands" / hand / "人.png", hand)
    asked = a_picture(tmp_path / "asked.png", "leaning")
    status, out, err = run(
        capsys, "attribute", asked, "--checkpoint", checkpoint, "--enrolled", tmp_path / "hands"
    )
    assert status == 0, err
    (one,) = json.loads(out)["images"]
    assert one["hand"] == "leaning"
    assert one["nearest"][0][1] == pytest.approx(0, abs=1e-3)


def test_hands_of_a_parquet_file_are_enrolled_and_a_wrong_one_is_refused(
    checkpoint, tmp_path, capsys
):
    asked = a_picture(tmp_path / "asked.png")
    rows = [{"image": asked.read_bytes(), "hand": "mine"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "hands.parquet")
    call = ("attribute", asked, "--checkpoint", checkpoint, "--enrolled")
    status, out, err = run(capsys, *call, tmp_path / "hands.parquet")
    assert status == 0, err
    assert json.loads(out)["images"][0]["hand"] == "mine"
    pq.write_table(pa.Table.from_pylist([{"image": b"", "name": "a"}]), tmp_path / "bad.parquet")
    status, _, err = run(capsys, *call, tmp_path / "bad.parquet")
    assert status == 1
    assert "lacks the columns hand; expected image" in err
    (tmp_path / "empty").mkdir()
    status, _, err = run(capsys, *call, tmp_path / "empty")
    assert status == 1
    assert "holds no hand to enrol" in err


def test_a_column_is_cut_into_its_characters(checkpoint, tmp_path, capsys):
    page = draw_page(np.random.default_rng(2), (5,))
    (tmp_path / "column.png").write_bytes(encode_png(255 - page.ink))
    status, out, err = run(capsys, "attribute", tmp_path / "column.png", "--checkpoint", checkpoint)
    assert status == 0, err
    assert json.loads(out)["images"][0]["references"] == 5


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (encode_png(np.full((40, 40), 255, np.uint8)), "is blank"),
        (b"no picture", "no.png"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_picture_of_a_character_is_refused(checkpoint, tmp_path, capsys, data, said):
    if data is not None:
        (tmp_path / "no.png").write_bytes(data)
    status, _, err = run(capsys, "attribute", tmp_path / "no.png", "--checkpoint", checkpoint)
    assert status == 1
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_checkpoint_of_another_family_is_refused(tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    (other / "recipe.json").write_text(json.dumps({"family": "unicalli", "format_version": 2}))
    asked = a_picture(tmp_path / "asked.png")
    status, _, err = run(capsys, "attribute", asked, "--checkpoint", other)
    assert status == 1
    assert "holds family 'unicalli' in format 2; expected 'scriptvit'" in err


def fill(tables, store, batch="b1"):
    """Two works with a column each and one without a character."""
    columns = []
    for number, hand in enumerate(("bold", "leaning", None)):
        rng = np.random.default_rng(number)
        cells = [draw(text, hand, rng) for text in TEXTS[:6]] if hand else []
        ink = np.concatenate(cells) if cells else np.zeros((40, 32), np.uint8)
        key = store.put(encode_png(ink), ".png")
        work = type(WORK)(
            work_id=f"{batch}-{number}", title=f"work {number}", calligrapher=f"c{number}",
            script=WORK.script, rights=WORK.rights, source=WORK.source,
        )  # fmt: skip
        columns.append(
            Column(
                column_id=f"c{number}", page_id="p", work=work, column_index=0,
                box=Box(100, 50, 132, 50 + len(ink)),
                characters=tuple(
                    Character(
                        character_id=f"{number}.{k}", confidence=1.0,
                        box=Box(100, 50 + 32 * k, 132, 82 + 32 * k),
                    )
                    for k in range(len(cells))
                ),
                image_key=key, ink_key=key, order_confidence=1.0, is_order_uncertain=False,
                code_version="test",
            )
        )  # fmt: skip
    tables.write("columns", batch, Column, columns)


def test_every_work_of_a_batch_gets_a_hand_or_a_reason(checkpoint, tables, store, tmp_path, capsys):
    fill(tables, store)
    fill(tables, store, "b2")
    where = ("--tables", tmp_path / "tables", "--store", tmp_path / "store")
    for batch in ("b1", "b2"):
        status, out, err = run(
            capsys, "hands", *where, "--batch", batch, "--checkpoint", checkpoint
        )
        assert status == 0, err
    report = json.loads(out)
    assert (report["works"], report["accepted"], report["rejected"]) == (3, 2, 1)
    bold, leaning = tables.read("hands", "b2", Hand)
    assert bold.references == 6
    assert np.linalg.norm(bold.vector) == pytest.approx(1, abs=1e-5)
    assert bold.near_works[0].work_id == "b1-0"  # the same ink, in the other batch
    assert bold.near_works[0].distance == pytest.approx(0, abs=1e-5)
    assert {near.work_id for near in bold.near_works} == {"b1-0", "b1-1", "b2-1"}
    assert bold.nearest_hand in SLANTS
    assert bold.is_rejected == (bold.distance > bold.threshold)
    assert bold.model_fingerprint == load_bundle(checkpoint).fingerprint
    assert leaning.vector != bold.vector
    (rejection,) = tables.rejections("hands", "b2")
    assert (rejection.item_id, rejection.reason) == ("b2-2", "no_characters")
    strokes = tables.read("salient_strokes", "b2", SalientStroke)
    assert report["salient_strokes"] == len(strokes) > 0
    assert len({stroke.stroke_id for stroke in strokes}) == len(strokes)
    for stroke in strokes:
        assert stroke.page_id == "p"
        assert stroke.work_id == {"c0": "b2-0", "c1": "b2-1"}[stroke.column_id]
        assert stroke.box == stroke.box.clipped(132, 50 + 6 * 32)
        assert stroke.box.left >= 100
        assert stroke.box.top >= 50


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with a content font and two hands that the test draws."""
    monkeypatch.setenv("BEITIE_HOME", str(tmp_path))
    characters = "".join(sorted(set(CHARACTERS + TEXTS)))
    files = {n: draw_font(tmp_path / f"{n}.ttf", characters) for n in KNOWN_HANDS[:2]}

    class Drawn:
        def __init__(self, path):
            self.files = (path,)

    monkeypatch.setattr(
        whose_hand, "fetched_hands", lambda *_: {n: Drawn(path) for n, path in files.items()}
    )
    monkeypatch.setattr(whose_hand, "content_face", lambda *_: FontFace([files["lxgw-wenkai-tc"]]))
    (tmp_path / "vocabulary.txt").write_text("\n".join(characters) + "\n")
    return tmp_path


def test_columns_are_written_after_references_and_say_that_they_are_synthetic(
    checkpoint, home, capsys
):
    references = [a_picture(home / f"{k}.png", text=text) for k, text in enumerate("人大")]
    call = ("imitate", "一七 三", "--checkpoint", checkpoint, "--references", *references)
    status, out, err = run(capsys, *call, "--out", home / "out.png")
    assert status == 0, err
    report = json.loads(out)
    assert report["is_synthetic"] is True
    assert (report["characters"], report["references"]) == (3, 2)
    assert report["not_read_back"] == []
    assert cv2.imread(str(home / "out.png")) is not None
    assert b"is_synthetic" in (home / "out.png").read_bytes()
    status, _, err = run(capsys, *call, "--out", home / "out.svg")
    assert status == 0, err
    assert "is_synthetic: true" in (home / "out.svg").read_text()


def test_a_character_that_the_recogniser_never_learned_is_written_and_not_called_wrong(
    home, tmp_path, capsys
):
    letters, unknown = Letters.of_texts(TEXTS[:-1]), TEXTS[-1]
    reader = reader_for(DIMS, letters, is_of_words=False).eval()
    save_bundle(bundle(letters=letters, reader=reader), tmp_path / "fewer", "")
    call = ("imitate", unknown, "--checkpoint", tmp_path / "fewer", "--references")
    status, out, err = run(capsys, *call, a_picture(home / "a.png"), "--out", home / "out.png")
    assert status == 0, err
    report = json.loads(out)
    assert (report["read_back_otherwise"], report["not_read_back"]) == ([], [unknown])


def test_words_are_written_below_one_another_and_unknown_letters_refused(home, tmp_path, capsys):
    dims = replace(DIMS, width_px=64, written_width_px=64)
    letters = Letters.of_texts(["一七三"])
    save_bundle(
        bundle(
            dims=dims, encoder=StyleEncoder(dims).eval(), generator=Generator(dims).eval(),
            letters=letters, reader=reader_for(dims, letters, is_of_words=True).eval(),
            recipe={
                "name": "scriptvit.test", "content_font": "lxgw-wenkai-tc", "is_of_words": True,
            },
        ),
        tmp_path / "words", "",
    )  # fmt: skip
    word = a_picture(home / "word.png", side=64)
    call = ("imitate", "--checkpoint", tmp_path / "words", "--references", word, "--out")
    status, out, err = run(capsys, *call, home / "two.png", "一七 七三一")
    assert status == 0, err
    assert json.loads(out)["characters"] == 5
    two = cv2.imread(str(home / "two.png"), cv2.IMREAD_GRAYSCALE)
    run(capsys, *call, home / "one.png", "一七")
    one = cv2.imread(str(home / "one.png"), cv2.IMREAD_GRAYSCALE)
    assert two.shape[1] == one.shape[1]
    assert two.shape[0] > one.shape[0]
    status, _, err = run(capsys, *call, home / "no.png", "一人")
    assert status == 1
    assert "has not learned 人; it knows 一七三" in err
    assert not (home / "no.png").exists()


def test_too_many_references_of_a_writer_are_refused(checkpoint, home, capsys):
    one = a_picture(home / "a.png")
    status, _, err = run(
        capsys, "imitate", "一", "--checkpoint", checkpoint, "--references", *[one] * 16,
        "--out", home / "out.png",
    )  # fmt: skip
    assert status == 1
    assert "16 references of a hand were given; expected 1 to 15" in err


@pytest.mark.slow
def test_the_debug_recipe_trains_saves_and_is_of_use(home, capsys):
    out = home / "models" / "debug"
    status, said, err = run(
        capsys, "train", "--recipe", "scriptvit.debug", "--out", out, "--threads", 1,
        "--vocabulary", home / "vocabulary.txt",
    )  # fmt: skip
    assert status == 0, err
    report = json.loads(said)
    assert report["steps"] == {"hands": 3, "readers": 3, "writing": 4}
    curve = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    assert {"right", "reader", "found_out"} <= {name for line in curve for name in line}
    asked = a_picture(home / "asked.png")
    status, said, err = run(capsys, "attribute", asked, "--checkpoint", out)
    assert status == 0, err
    assert len(json.loads(said)["images"][0]["nearest"]) == 2


def test_the_paper_recipe_and_missing_words_are_refused_with_what_to_do(home, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    status, _, err = run(capsys, "train", "--recipe", "scriptvit.paper", "--out", home / "m")
    assert status == 1
    assert "scriptvit.paper needs a GPU" in err
    status, _, err = run(capsys, "train", "--recipe", "scriptvit.words", "--out", home / "m")
    assert status == 1
    assert "give --words FILE" in err
