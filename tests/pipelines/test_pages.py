"""From scans to pages: what is taken, what is refused, and that one bad page stays one."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import ServiceError
from pipelines.imaging.codec import decode_png
from pipelines.metadata import WorkMetadata
from pipelines.pages import PageParams, make_pages, process_pages
from pipelines.records import Page, Polarity, Rejection
from pipelines.scans import ingest
from pipelines.workers import Workers
from tests.pipelines.imaging.files import (
    DeadlyStore,
    jp2_in_parts,
    pdf_of,
    saved,
    tiff_of,
    tiff_with_broken_page,
    written_page,
)

WORK = WorkMetadata(title="禮器碑", rights="public domain")
PARAMS = PageParams()


def scan_of(tmp_path, store, data, name="scan.png"):
    (tmp_path / name).write_bytes(data)
    (scan,) = ingest([tmp_path / name], WORK, store, "v1")
    return scan


def pages_of(tmp_path, store, data, name="scan.png"):
    return list(make_pages(scan_of(tmp_path, store, data, name), store, PARAMS, "v1"))


def test_a_page_carries_the_picture_its_ink_and_what_was_found(tmp_path, store):
    image = written_page()
    scan = scan_of(tmp_path, store, saved(image, "PNG"))
    (page,) = make_pages(scan, store, PARAMS, "v2")
    assert isinstance(page, Page)
    assert (page.scan_id, page.work, page.code_version) == (scan.scan_id, scan.work, "v2")
    assert (page.width, page.height, page.page_index) == (180, 240, 0)
    assert np.array_equal(decode_png(store.get(page.image_key)), image)
    ink = decode_png(store.get(page.ink_key))
    assert ink.shape == image.shape
    assert set(np.unique(ink)) == {0, 255}
    agreement = ((ink == 255) == (image < 128)).mean()
    assert agreement > 0.98
    assert page.polarity is Polarity.DARK_ON_LIGHT
    assert page.ink_fraction == pytest.approx((ink == 255).mean())
    assert page.background > 200


def test_a_rubbing_has_the_same_ink_and_the_other_polarity(tmp_path, store):
    image = written_page()
    (paper,) = pages_of(tmp_path, store, saved(image, "PNG"), "paper.png")
    (rubbing,) = pages_of(tmp_path, store, saved(255 - image, "PNG"), "rubbing.png")
    assert rubbing.polarity is Polarity.LIGHT_ON_DARK
    first, second = (decode_png(store.get(page.ink_key)) for page in (paper, rubbing))
    assert (first == second).mean() > 0.98


def test_a_second_run_makes_the_same_records(tmp_path, store):
    scan = scan_of(tmp_path, store, tiff_of([written_page(seed=s) for s in range(3)]))
    first = list(make_pages(scan, store, PARAMS, "v1"))
    assert first == list(make_pages(scan, store, PARAMS, "v1"))
    assert len({page.page_id for page in first}) == 3
    assert list(make_pages(scan, store, PARAMS, "v1", page_indices=[2])) == first[2:]


BLANK = np.full((200, 150), 240, np.uint8)
BLACK = np.zeros((200, 150), np.uint8)


def _noisy(level):
    noise = np.random.default_rng(0).normal(level, 2, (200, 150))
    return np.clip(noise, 0, 255).astype(np.uint8)


def _stained():
    y, x = np.mgrid[0:400, 0:300]
    stain = 40 * np.exp(-((x - 140) ** 2 + (y - 170) ** 2) / 6000)
    grain = np.random.default_rng(0).normal(0, 3, (400, 300))
    return (225 - 0.05 * x - stain + grain).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "reason", "sentence"),
    [
        (BLANK, "no_ink", "scan.png shows no writing: it is blank: grey from 240 to 240 of 255"),
        (_noisy(235), "no_ink", "scan.png shows no writing: it is blank"),
        (BLACK, "no_ink", "scan.png shows no writing: it is black: grey from 0 to 0 of 255"),
        (_noisy(6), "no_ink", "scan.png shows no writing: it is black"),
        (_stained(), "no_ink", "scan.png shows no writing: 0.00% of it would be ink"),
        (np.zeros((1, 1), np.uint8), "too_small", "scan.png has 1 x 1 pixels; the shorter side"),
        (written_page()[:10], "too_small", "scan.png has 180 x 10 pixels; the shorter side needs"),
    ],
    ids=[
        "blank",
        "blank with noise",
        "black",
        "black with noise",
        "stained",
        "one pixel",
        "a strip",
    ],
)
def test_a_page_without_writing_is_rejected(tmp_path, store, image, reason, sentence):
    (rejection,) = pages_of(tmp_path, store, saved(image, "PNG"))
    assert isinstance(rejection, Rejection)
    assert (rejection.stage, rejection.reason) == ("pages", reason)
    assert sentence in rejection.detail


def test_what_ends_early_becomes_a_rejection_under_the_id_of_its_page(tmp_path, store):
    data = saved(written_page(), "JPEG")
    scan = scan_of(tmp_path, store, data[: len(data) // 2], "cut.jpg")
    (rejection,) = make_pages(scan, store, PARAMS, "v1")
    whole = scan_of(tmp_path, store, data, "whole.jpg")
    (page,) = make_pages(replace(whole, scan_id=scan.scan_id), store, PARAMS, "v1")
    assert rejection.item_id == page.page_id
    assert rejection.reason == "truncated"
    assert "cut.jpg ends early" in rejection.detail


def test_a_bad_page_in_a_book_yields_the_others(tmp_path, store):
    images = [written_page(seed=s) for s in range(4)]
    images[2] = BLANK
    scan = scan_of(tmp_path, store, tiff_with_broken_page(images, 1), "book.tif")
    results = list(make_pages(scan, store, PARAMS, "v1"))
    assert len(results) == scan.page_count == 4
    assert [getattr(r, "reason", "taken") for r in results] == [
        "taken",
        "truncated",
        "no_ink",
        "taken",
    ]
    assert "Page 2 of book.tif ends early" in results[1].detail
    assert "Page 3 of book.tif shows no writing" in results[2].detail
    assert results[3].page_index == 3


def test_bytes_that_left_the_store_are_a_rejection_of_every_page(tmp_path, store):
    scan = scan_of(tmp_path, store, tiff_of([written_page(), written_page(seed=1)]))
    store.filesystem.rm_file(store.path_of(scan.scan_key))
    results = list(make_pages(scan, store, PARAMS, "v1"))
    assert [r.reason for r in results] == ["missing_bytes", "missing_bytes"]
    assert scan.scan_key in results[0].detail


def test_a_pdf_and_a_miscounted_jp2_become_pages(tmp_path, store):
    strokes = [
        f"{x} {y} 4 20 re f {x - 8} {y} 20 4 re f" for x in (80, 200) for y in range(60, 340, 40)
    ]
    drawing = " ".join(strokes).encode()
    (page,) = pages_of(tmp_path, store, pdf_of((300, 400), drawing=drawing), "a.pdf")
    assert (page.width, page.height) == (1250, 1667)
    (page,) = pages_of(tmp_path, store, jp2_in_parts(written_page(), claimed_parts=5), "a.jp2")
    assert (page.width, page.height) == (180, 240)


def test_the_same_pages_come_from_one_process_and_from_two(tmp_path, store):
    scans = [
        scan_of(tmp_path, store, tiff_of([written_page(seed=s) for s in range(10)]), "1.tif"),
        scan_of(tmp_path, store, saved(BLANK, "PNG"), "2.png"),
        scan_of(tmp_path, store, saved(written_page(seed=99), "PNG"), "3.png"),
    ]
    one = list(process_pages(scans, store, PARAMS, "v1"))
    two = list(process_pages(scans, store, PARAMS, "v1", workers=Workers(count=2)))
    assert len(one) == 12
    assert one == two


def test_a_worker_that_is_killed_is_told_in_a_sentence(tmp_path, store):
    scan = scan_of(tmp_path, store, saved(written_page(), "PNG"))
    with pytest.raises(ServiceError, match="One of 2 worker processes was killed"):
        list(process_pages([scan], DeadlyStore(store.root), PARAMS, "v1", workers=Workers(count=2)))


def test_memory_does_not_grow_with_the_number_of_pages(tmp_path, store):
    def peak(count):
        # The same three pages over and over: what a page needs depends on what is on it.
        data = tiff_of(
            [written_page(600, 500, seed=s % 3) for s in range(count)], compression="tiff_lzw"
        )
        scan = scan_of(tmp_path, store, data, f"{count}.tif")
        tracemalloc.start()
        try:
            for page in make_pages(scan, store, PARAMS, "v1"):
                assert isinstance(page, Page)
            return tracemalloc.get_traced_memory()[1] - len(data)
        finally:
            tracemalloc.stop()

    few, many = peak(3), peak(24)
    assert many < few * 1.2 + 100_000
