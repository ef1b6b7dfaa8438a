"""``python -m training restyle`` and its kin: files in, files out, and clear sentences."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pipelines.imaging.codec import decode_picture, encode_png
from pipelines.imaging.ink import normalize_ink
from pipelines.records import Page, Polarity
from pipelines.tables import Tables
from pipelines.truth import Corpus, CorpusPage
from tests.pipelines.examples import a_page, a_work
from tests.training.creativesynth import drawn
from tests.training.test_restyled_corpus import corpus as corpus
from training.__main__ import main
from training.families.creativesynth import miniature
from training.families.creativesynth.weights import BUNDLED

UNICALLI = BUNDLED.parents[2] / "unicalli" / "checkpoints" / "tiny"


def run(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def folder(tmp_path):
    ink, _ = drawn.strokes()
    (tmp_path / "page.png").write_bytes(encode_png(255 - ink))
    (tmp_path / "rubbing.png").write_bytes(encode_png(drawn.scan()))
    (tmp_path / "sheet.png").write_bytes(encode_png(drawn.scan(is_rubbing=False)))
    (tmp_path / "blank.png").write_bytes(encode_png(drawn.blank()))
    return tmp_path


def restyle(capsys, folder, *more, page="page.png", like="rubbing.png"):
    return run(
        capsys, "restyle", folder / page, "--like", folder / like, "--out", folder / "out", *more
    )


class TestRestyle:
    def test_a_page_is_set_into_a_scan(self, capsys, folder):
        status, out, _ = restyle(capsys, folder)
        report = json.loads(out)
        (one,) = report["restyled"]
        assert status == 0
        assert one["ink_iou"] > 0.7
        assert one["polarity"] == "light_on_dark"
        made = Image.open(folder / "out" / "page.png")
        assert made.size == drawn.SHAPE[::-1]
        assert "synthetic" in made.info["Description"]
        assert made.info["Source"] == "surface of rubbing.png"
        assert normalize_ink(np.asarray(made)).polarity is Polarity.LIGHT_ON_DARK

    def test_the_same_seed_makes_the_same_file(self, capsys, folder):
        pictures = []
        for seed in (1, 1, 2):
            assert restyle(capsys, folder, "--seed", seed)[0] == 0
            pictures.append(decode_picture((folder / "out" / "page.png").read_bytes()))
            (folder / "out" / "page.png").unlink()
        assert np.array_equal(pictures[0], pictures[1])
        assert not np.array_equal(pictures[0], pictures[2])

    def test_pages_go_to_scans_in_turn_and_bad_ones_are_named(self, capsys, folder):
        (folder / "nothing.png").write_bytes(encode_png(np.full((200, 200), 255, np.uint8)))
        pages = [folder / "page.png", folder / "nothing.png"]
        scans = [folder / "sheet.png", folder / "rubbing.png"]
        status, out, _ = run(
            capsys, "restyle", *pages, "--like", *scans, "--out", folder / "out", "--strength", 0.5
        )
        report = json.loads(out)
        assert status == 0
        assert [one["polarity"] for one in report["restyled"]] == ["dark_on_light"]
        assert [one["reason"] for one in report["refused"]] == ["no_ink"]
        assert [path.name for path in (folder / "out").iterdir()] == ["page.png"]

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (("--sdxl", "."), "is no SDXL folder"),
            (("--ip-adapter", "."), "--ip-adapter goes with --sdxl"),
            (("--checkpoint", UNICALLI), "holds family 'unicalli'"),
            (("--checkpoint", "nowhere"), "There is no checkpoint at nowhere"),
            (("--strength", 2), "--strength lies between 0 and 1; got 2"),
        ],
    )
    def test_what_cannot_be_is_refused_in_a_sentence(self, capsys, folder, more, said):
        status, out, error = restyle(capsys, folder, *more)
        assert status == 1
        assert not out
        assert said in error
        assert not (folder / "out").exists()

    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ({"like": "blank.png"}, "blank.png is blank"),
            ({"page": "blank.png"}, "blank.png has no ink"),
            ({"page": "missing.png"}, "missing.png cannot be read"),
        ],
    )
    def test_blank_pages_and_scans_leave_nothing_behind(self, capsys, folder, how, said):
        status, _, error = restyle(capsys, folder, **how)
        assert status == 1
        assert said in error
        assert not (folder / "out").exists()

    def test_nothing_is_overwritten(self, capsys, folder):
        assert restyle(capsys, folder)[0] == 0
        before = (folder / "out" / "page.png").read_bytes()
        status, _, error = restyle(capsys, folder, "--seed", 7)
        assert status == 1
        assert "nothing is overwritten" in error
        assert (folder / "out" / "page.png").read_bytes() == before

    @pytest.mark.slow
    def test_sdxl_draws_the_ground_and_the_ink_stays(self, capsys, folder):
        sdxl = miniature.make_sdxl(folder / "sdxl")
        adapter = miniature.make_ip_adapter(folder / "adapter")
        status, out, _ = restyle(capsys, folder, "--sdxl", sdxl, "--ip-adapter", adapter)
        report = json.loads(out)
        assert status == 0
        assert report["restyler"].startswith("SDXL sdxl")
        assert report["restyled"][0]["ink_iou"] > 0.6


class TestCorpus:
    def words(self, tmp_path, *more):
        return (
            "restyle-corpus", "--tables", tmp_path / "tables", "--store", tmp_path / "store",
            "--corpus", "old", "--out-corpus", "new", *more,
        )  # fmt: skip

    def test_a_corpus_is_set_into_files(self, capsys, folder, corpus):
        status, out, _ = run(
            capsys,
            *self.words(folder, "--like", folder / "sheet.png", "--like-rights", "public domain"),
        )
        report = json.loads(out)
        assert status == 0
        assert report["pages"] == 2
        assert report["refused"] == {"no_ink": 1}
        assert report["lowest_ink_iou"] > 0.7
        assert len(Tables(folder / "tables").read("corpus_pages", "new", CorpusPage)) == 2

    def test_a_corpus_is_set_into_the_pages_of_a_batch(self, capsys, folder, corpus, store, tables):
        key = store.put(encode_png(drawn.scan()), ".png")
        tables.write("pages", "stele", Page, [replace(a_page(a_work(), store), image_key=key)])
        status, out, _ = run(capsys, *self.words(folder, "--like-batch", "stele"))
        assert status == 0
        (made,) = tables.read("corpora", "new", Corpus)
        assert a_work().rights in made.rights

    def test_synthetic_scans_are_refused(self, capsys, folder, corpus, store, tables):
        key = store.put(encode_png(drawn.scan()), ".png")
        synthetic = replace(a_page(a_work(is_synthetic=True), store), image_key=key)
        tables.write("pages", "made", Page, [synthetic])
        status, _, error = run(capsys, *self.words(folder, "--like-batch", "made"))
        assert status == 1
        assert "a real look needs real scans" in error

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ((), "either --like-batch BATCH or --like FILE"),
            (("--like", "rubbing.png"), "need --like-rights"),
        ],
    )
    def test_scans_and_their_rights_must_be_named(self, capsys, folder, corpus, more, said):
        status, _, error = run(capsys, *self.words(folder, *more))
        assert status == 1
        assert said in error


class TestTraining:
    def test_surfaces_are_learned_from_scans_and_corpora(self, capsys, folder, corpus, monkeypatch):
        import training.learning as learning
        from training.recipes.creativesynth import debug
        from training.restyling import train_surface

        few = {"creativesynth.surface": lambda: replace(debug(), name="creativesynth.surface")}
        monkeypatch.setattr(learning, "TRAINERS", learning.trainers_of(train_surface, few))
        status, out, _ = run(
            capsys, "train", "--recipe", "creativesynth.surface", "--out", folder / "made",
            "--scans", folder / "rubbing.png", folder / "sheet.png",
            "--tables", folder / "tables", "--store", folder / "store",
        )  # fmt: skip
        assert status == 0
        assert json.loads(out)["steps"] == 4
        assert "2 real scans and 3 synthetic pages" in (folder / "made" / "card.md").read_text()
        assert restyle(capsys, folder, "--checkpoint", folder / "made")[0] == 0

    def test_the_sdxl_recipe_says_that_it_trains_nothing(self, capsys, tmp_path):
        status, _, error = run(
            capsys, "train", "--recipe", "creativesynth.sdxl", "--out", tmp_path / "out"
        )
        assert status == 1
        assert "trains nothing" in error

    def test_no_scans_are_refused(self, capsys, tmp_path):
        status, _, error = run(
            capsys, "train", "--recipe", "creativesynth.surface", "--out", tmp_path / "out"
        )
        assert status == 1
        assert "no pictures to learn surfaces from" in error
        assert not (tmp_path / "out").exists()

    @pytest.mark.slow
    def test_debug_runs_every_part(self, capsys, tmp_path):
        status, out, _ = run(
            capsys, "train", "--recipe", "creativesynth.debug", "--out", tmp_path / "out"
        )
        report = json.loads(out)
        assert status == 0
        assert report["tasks"] == ["fusion", "editing", "variation"]
        assert report["inversion_error"] < 0.5
        assert (tmp_path / "out" / "model.safetensors").is_file()
