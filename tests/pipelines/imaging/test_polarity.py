"""Which side is ink: for a page, and for the parts of a page that holds both."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.geometry import Box, intersection_over_union
from pipelines.imaging.ink import normalize_ink
from pipelines.imaging.polarity import find_insets, is_ink_dark
from pipelines.records import Polarity
from tests.drawing import as_scan, draw_page


def pasted(rng, *, is_dark_sheet):
    """A sheet with columns on its left, and a sheet of the other kind pasted on its right."""
    sheet = draw_page(rng, (9, 9, 9), size=40, margin=40)
    inset = draw_page(rng, (6, 6, 6), size=40, margin=30)
    height, width = sheet.ink.shape
    down, across = inset.ink.shape
    page = np.full((height + 60, width + across + 60), 45 if is_dark_sheet else 200, np.uint8)
    page = as_scan(np.zeros_like(page), rng, is_dark_ink=not is_dark_sheet)
    truth = np.zeros_like(page)
    page[20 : 20 + height, 10 : 10 + width] = as_scan(sheet.ink, rng, is_dark_ink=not is_dark_sheet)
    truth[20 : 20 + height, 10 : 10 + width] = sheet.ink
    box = Box(width + 30, 60, width + 30 + across, 60 + down)
    page[box.top : box.bottom, box.left : box.right] = as_scan(
        inset.ink, rng, is_dark_ink=is_dark_sheet
    )
    truth[box.top : box.bottom, box.left : box.right] = inset.ink
    return page, truth, box


@pytest.mark.parametrize("is_dark_sheet", [True, False])
def test_a_page_of_both_kinds_is_judged_part_by_part(rng, is_dark_sheet):
    page, truth, box = pasted(rng, is_dark_sheet=is_dark_sheet)
    page.flags.writeable = False
    found = normalize_ink(page)
    main, inset = found.regions
    kinds = [Polarity.LIGHT_ON_DARK, Polarity.DARK_ON_LIGHT]
    if not is_dark_sheet:
        kinds.reverse()
    assert [main.polarity, inset.polarity] == kinds
    assert found.polarity is main.polarity
    assert min(main.confidence, inset.confidence) > 0.2
    assert intersection_over_union(inset.box, box) > 0.85
    agreement = ((found.ink > 0) & (truth > 0)).sum() / ((found.ink > 0) | (truth > 0)).sum()
    assert agreement > 0.8


def test_a_page_of_one_kind_is_one_region(rng):
    for is_dark_ink in (True, False):
        page = draw_page(rng, (8, 8, 8, 8))
        found = normalize_ink(as_scan(page.ink, rng, is_dark_ink=is_dark_ink, shade=0.5))
        assert len(found.regions) == 1


def test_a_ragged_light_place_on_a_rubbing_is_no_sheet(rng):
    page = draw_page(rng, (8, 8, 8, 8))
    scan = as_scan(page.ink, rng, is_dark_ink=False)
    rows, columns = np.mgrid[: scan.shape[0], : scan.shape[1]]
    reach = 70 + 12 * np.sin(np.arctan2(rows - 200, columns - 150) * 5)
    scan[np.hypot(rows - 200, columns - 150) < reach] = 215
    assert find_insets(scan) == []
    assert normalize_ink(scan).polarity is Polarity.LIGHT_ON_DARK


def test_a_blank_page_has_no_region():
    assert normalize_ink(np.full((300, 200), 220, np.uint8)).regions == ()


def test_specks_tell_where_both_masks_score_nothing(rng):
    is_dark = np.ones((400, 300), bool)
    is_dark[20:380, 20:140] = is_dark[20:380, 180:260] = False
    clean = is_dark.copy()
    is_dark[rng.random(is_dark.shape) < 0.02] = False
    assert not is_ink_dark(0.01, 0.0, is_dark), "light specks on dark ground: light strokes"
    assert is_ink_dark(0.0, 0.01, ~is_dark), "the same page as a negative"
    assert is_ink_dark(0.4, 0.0, is_dark), "scores that tell are believed"
    assert is_ink_dark(0.01, 0.0, clean)
    assert not is_ink_dark(0.0, 0.01, clean), "without specks the scores decide, however close"
