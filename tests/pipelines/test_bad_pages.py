"""Pages that are none, or no ordinary ones: each comes to a clear result or reason."""

from __future__ import annotations

import resource
import subprocess
import sys

import cv2
import numpy as np
import pytest

from pipelines.imaging.codec import encode_png
from pipelines.imaging.ink import normalize_ink
from pipelines.metadata import WorkMetadata
from pipelines.pages import PageParams, make_pages
from pipelines.records import Page, Polarity
from pipelines.scans import ingest
from pipelines.tables import Tables
from tests.drawing import as_scan, draw_page

WORK = WorkMetadata(title="禮器碑", rights="public domain")


def made(tmp_path, store, image):
    (tmp_path / "scan.png").write_bytes(encode_png(image))
    (scan,) = ingest([tmp_path / "scan.png"], WORK, store, "v1")
    (result,) = make_pages(scan, store, PageParams(), "v1")
    return result


def paper(rng, height=600, width=450, grey=215):
    return np.clip(rng.normal(grey, 3, (height, width)), 0, 255).astype(np.uint8)


def only_a_frame(rng):
    page = paper(rng)
    cv2.rectangle(page, (30, 30), (420, 570), 40, 3)
    return page


def only_rules(rng):
    page = paper(rng)
    for x in range(40, 440, 50):
        cv2.line(page, (x, 30), (x, 570), 60, 2)
    return page


def only_a_seal(rng):
    page = np.dstack([paper(rng)] * 3)
    cv2.rectangle(page, (200, 250), (260, 310), (205, 60, 45), -1)
    for x in range(210, 256, 12):
        cv2.line(page, (x, 258), (x, 302), (215, 210, 200), 3)
    return page


@pytest.mark.parametrize(
    ("draw", "reason", "sentence"),
    [
        (lambda rng: paper(rng), "no_ink", "it is blank"),
        (lambda rng: paper(rng, grey=8), "no_ink", "it is black"),
        (lambda rng: np.zeros((300, 200), np.uint8), "no_ink", "it is black"),
        (only_a_frame, "only_lines", "nothing but frames, rules or the edge of a page"),
        (only_rules, "only_lines", "nothing but frames"),
        (only_a_seal, "only_seals", "nothing but 1 red seal"),
    ],
    ids=["blank", "black", "all black", "frame", "rules", "seal"],
)
def test_a_page_without_text_has_its_own_reason(tmp_path, store, rng, draw, reason, sentence):
    rejection = made(tmp_path, store, draw(rng))
    assert (rejection.stage, rejection.reason) == ("pages", reason)
    assert sentence in rejection.detail
    assert "scan.png" in rejection.detail


def wall(rng, height=900, width=700):
    """Bricks with mortar, light from one side."""
    page = np.full((height, width), 120.0)
    for row, y in enumerate(range(0, height, 60)):
        page[y : y + 8] = 170
        for x in range(60 * (row % 2), width, 130):
            page[y : y + 60, x : x + 8] = 170
    page += rng.normal(0, 12, page.shape) + 25 * np.linspace(-1, 1, width)
    return cv2.GaussianBlur(np.clip(page, 0, 255).astype(np.uint8), (0, 0), 1.2)


def test_a_wall_is_not_turned_and_says_how_little_is_sure(tmp_path, store, rng):
    """Bricks are no writing, but the ink alone does not tell; the page comes with its doubts."""
    result = made(tmp_path, store, wall(rng))
    if isinstance(result, Page):
        assert result.skew_deg == 0
        assert result.line_fraction > 0.005 or result.noise_score > 0.05
    else:
        assert result.reason in {"no_ink", "only_lines"}


def test_a_printed_page_with_a_figure_keeps_both(tmp_path, store, rng):
    page = draw_page(rng, (14,) * 8, size=26, column_gap=14, gap=6, margin=40)
    scan = as_scan(page.ink, rng)
    figure = np.clip(rng.normal(120, 40, (180, 200)), 0, 255).astype(np.uint8)
    scan = np.vstack([np.full((240, scan.shape[1]), 200, np.uint8), scan])
    scan[30:210, 60:260] = cv2.GaussianBlur(figure, (0, 0), 2)
    result = made(tmp_path, store, scan)
    assert isinstance(result, Page)
    assert result.polarity is Polarity.DARK_ON_LIGHT
    ink = normalize_ink(scan).ink[240:]
    assert (ink[page.ink > 0] > 0).mean() > 0.85


@pytest.mark.parametrize("code", [cv2.ROTATE_180, None], ids=["upside down", "mirrored"])
def test_ink_does_not_depend_on_which_way_the_page_lies(rng, code):
    """Neither is told from the ink: reading tells it, by finding nothing it knows."""
    page = draw_page(rng, (8, 8, 8, 8))
    scan = as_scan(page.ink, rng)

    def turn(image):
        return image[:, ::-1].copy() if code is None else cv2.rotate(image, code)

    upright, other = normalize_ink(scan), normalize_ink(turn(scan))
    assert other.polarity is upright.polarity
    agreement = (turn(upright.ink) == other.ink).mean()
    assert agreement > 0.995


def test_what_was_found_is_stored_and_comes_back_from_the_table(tmp_path, store, rng):
    page = draw_page(rng, (8, 8, 8, 8), size=60)
    image = np.dstack([as_scan(page.ink, rng)] * 3)
    cv2.rectangle(image, (4, 500), (24, 540), (205, 60, 45), -1)
    result = made(tmp_path, store, image)
    assert isinstance(result, Page)
    assert result.seal_key is not None
    assert len(result.seals) == 1
    assert result.damage_key != result.ink_key
    (region,) = result.polarity_regions
    assert region.polarity is result.polarity
    assert 0 <= result.damage_fraction < 0.1
    tables = Tables(tmp_path / "tables")
    tables.write("pages", "b", Page, [result])
    assert tables.read("pages", "b", Page) == [result]


def test_a_leaning_page_is_set_upright_and_remembers_by_how_much(tmp_path, store, rng):
    from pipelines.imaging.skew import turned

    page = draw_page(rng, (9,) * 7)
    scan = as_scan(page.ink, rng)
    straight = made(tmp_path, store, scan)
    assert (straight.skew_deg, straight.width) == (0, scan.shape[1])
    leaning = made(tmp_path, store, turned(scan, -2.0))
    assert leaning.skew_deg == pytest.approx(2.0, abs=0.3)
    assert leaning.skew_confidence > 0.5
    assert leaning.width > scan.shape[1]


SCROLL = """
import resource, sys
import numpy as np, cv2
from pipelines.imaging.ink import normalize_ink
cv2.setNumThreads(1)
height, width = int(sys.argv[1]), int(sys.argv[2])
page = np.full((height, width), 215, np.uint8)
rng = np.random.default_rng(0)
for x in range(100, width - 200, 220):
    for y in range(100, height - 200, 200):
        for _ in range(6):
            a = rng.integers(0, 140, 4)
            start, end = (int(x + a[0]), int(y + a[1])), (int(x + a[2]), int(y + a[3]))
            cv2.line(page, start, end, 35, 10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = normalize_ink(page)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024 / page.size, found.ink_fraction, found.polarity.value)
"""


@pytest.mark.slow
def test_a_long_handscroll_needs_a_few_bytes_a_pixel():
    """20,000 by 4,000 pixels: nothing is held at more than a byte a pixel, and little of it."""
    assert resource.getpagesize()
    command = [sys.executable, "-W", "ignore", "-c", SCROLL, "4000", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    per_pixel, ink, polarity = done.stdout.split()
    assert float(per_pixel) < 5
    assert 0.02 < float(ink) < 0.4
    assert polarity == "dark_on_light"
