import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import MaterialError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font, FontRole, GlyphForm, load_fonts, require_font
from pipelines.imaging.codec import decode_png
from pipelines.metadata import read_metadata
from pipelines.records import Script
from pipelines.scans import find_inputs
from pipelines.synthesis.appearance import Medium
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.setting import Brush
from pipelines.synthesis.works import (
    STRIPS,
    WorkParams,
    WorkPlan,
    draw_page,
    slug_of,
    synthesize_works,
)
from pipelines.texts import Text, load_texts
from pipelines.truth import read_truth
from tests.pipelines.glyphs.drawn_fonts import draw_font

LAYOUT = replace(STRIPS, width_px=110, height_px=170, columns=2, rows=4, brush=Brush(is_grid=True))
PARAMS = WorkParams(layout=LAYOUT)
TEXT = Text(title="千字文", author="周興嗣", body="天地玄黃宇宙洪荒日月盈昃辰宿", file="a.json")


@pytest.fixture(scope="module")
def font(tmp_path_factory):
    file = draw_font(tmp_path_factory.mktemp("fonts") / "f.ttf", "天地玄黄宇宙日月盈昃辰宿")
    return Font(
        font_id="drawn",
        name='A "Drawn" Hand',
        script=Script.RUNNING,
        form=GlyphForm.SIMPLIFIED,
        role=FontRole.HAND,
        licence="OFL-1.1",
        source="local:f.ttf",
        patterns=("*.ttf",),
        archive_sha256="",
        by_default=False,
        base=Path("."),
        files=(file,),
        sha256=("00",),
    )


def plan(font, title="Test work 一", **changes):
    return WorkPlan(title=title, text=TEXT, font=font, pages=5, params=replace(PARAMS, **changes))


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("medium", Medium)
def test_a_page_knows_every_character(font, medium):
    hand = Hand(font, FontFace(font.files))
    rng = np.random.default_rng(1)
    page = draw_page(TEXT.body, hand, replace(PARAMS, medium=medium), rng)
    assert page.image.shape == (*page.ink.shape, 3)
    assert page.missing == {"洪": 1, "荒": 1}
    written = "".join(c.written for c in page.characters)
    assert "天地玄黄宇宙日月盈昃辰宿".startswith(written)
    assert page.characters[3].canonical == "黃"


def test_a_work_is_material_like_any_other(font, tmp_path):
    (work,) = synthesize_works([plan(font)], tmp_path, seed=1)
    files = list(find_inputs([tmp_path / "works"]))
    assert [file.name for file in files] == ["page-001.png", "page-002.png"]
    metadata = read_metadata(files[0])
    assert metadata.is_synthetic
    assert metadata.calligrapher == 'A "Drawn" Hand'
    assert (metadata.script, metadata.rights) == (Script.RUNNING, "OFL-1.1")
    assert "local:f.ttf" in metadata.source
    assert (work.pages, work.characters, work.consumed) == (2, 12, 14)


def test_the_truth_fits_the_pages_and_lies_apart(font, tmp_path):
    (work,) = synthesize_works([plan(font)], tmp_path, seed=1)
    pages = read_truth(work.truth_file)
    assert work.truth_file.parent == tmp_path / "truth"
    assert "".join(c.canonical for p in pages for c in p.characters) == "天地玄黃宇宙日月盈昃辰宿"
    for page in pages:
        image = decode_png((tmp_path / page.file).read_bytes())
        assert image.shape == (page.height, page.width, 3)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(font, tmp_path):
    plans = [plan(font), plan(font, "Second", medium=Medium.PAPER)]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthesize_works(plans, tmp_path / name, seed=seed)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert files_of(tmp_path / "a") != files_of(tmp_path / "c")


def test_a_work_does_not_depend_on_its_neighbours(font, tmp_path):
    synthesize_works([plan(font)], tmp_path / "alone", seed=1)
    synthesize_works([plan(font, "First"), plan(font)], tmp_path / "second", seed=1)
    name = "works/test-work-一/page-001.png"
    assert files_of(tmp_path / "alone")[name] == files_of(tmp_path / "second")[name]


def test_the_works_say_what_they_are_made_of(font, tmp_path):
    synthesize_works([plan(font)], tmp_path, seed=7)
    report = json.loads((tmp_path / "works.json").read_text(encoding="utf-8"))
    assert report["seed"] == 7
    assert report["licences"] == ["OFL-1.1"]
    assert report["fonts"]["drawn"]["coverage"] == round(12 / 14, 4)
    assert report["works"][0]["missing"] == {"洪": 1, "荒": 1}
    assert report["works"][0]["params"]["layout"]["rows"] == 4
    assert report["code_points"]["U+9EC3"] == 1
    assert sum(report["code_points"].values()) == 12


def test_two_works_of_one_name_are_refused(font, tmp_path):
    with pytest.raises(MaterialError, match="share the name test-work-一"):
        synthesize_works([plan(font), plan(font, "TEST work 一!")], tmp_path, seed=1)
    assert list(tmp_path.iterdir()) == []


def test_a_real_hand_draws_the_thousand_characters(material):
    font = require_font(load_fonts(None, material / "fonts"), "zhi-mang-xing")
    text = next(t for t in load_texts(material / "texts") if t.title == "千字文")
    hand = Hand(font, FontFace(font.files))
    page = draw_page(text.body, hand, WorkParams(), np.random.default_rng(1))
    assert len(page.characters) > 60
    assert [c.canonical for c in page.characters[:4]] == list("天地玄黃")
    assert page.characters[3].written == "黄"
    assert sum(page.missing.values()) <= 1
    assert sum(c.is_damaged for c in page.characters) < len(page.characters) / 5


@pytest.mark.parametrize(
    ("title", "slug"),
    [("千字文 I", "千字文-i"), ("../../etc", "etc"), ("A/B: c", "a-b-c"), ("...", "untitled")],
)
def test_slugs_are_plain_file_names(title, slug):
    assert slug_of(title) == slug
