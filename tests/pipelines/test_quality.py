"""The archivist's row: it repeats what was measured and says in words what to look at."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.quality import page_quality
from pipelines.records import Rejection
from tests.pipelines.examples import a_column, a_page, a_work


@pytest.fixture
def page(store):
    return replace(a_page(a_work(), store), polarity_confidence=0.5, noise_score=0.01)


@pytest.fixture
def column(page, store):
    return a_column(page, store, np.zeros((120, 100), np.uint8))


def test_a_sound_page_needs_no_look(page, column):
    row = page_quality(page, "stele.tif", [column], [])
    assert (row.column_count, row.character_count, row.character_confidence) == (1, 5, 1.0)
    assert row.advice == ""
    assert row.file_name == "stele.tif"


def test_what_stands_out_is_said(page, column):
    worn = replace(page, polarity_confidence=0.01, noise_score=0.6, skew_deg=-2.5)
    row = page_quality(worn, "stele.tif", [replace(column, is_order_uncertain=True)], [])
    assert "Ink and ground" in row.advice
    assert "60%" in row.advice
    assert "-2.5 degrees" in row.advice
    assert "Order uncertain in 1 of 1" in row.advice


def test_a_page_without_characters_says_why(page):
    refused = Rejection(
        item_id=page.page_id, stage="columns", reason="no_text", detail="Nothing was found."
    )
    row = page_quality(page, "stele.tif", [], [refused])
    assert (row.character_count, row.character_confidence) == (0, 0)
    assert "No characters were found (no_text)." in row.advice
