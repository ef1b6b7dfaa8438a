"""The page view as an annotator meets it: a real browser on a real Label Studio, and what follows.

BEITIE_PICTURES=folder pytest tests/annotation/test_pages_in_a_browser.py     keeps screenshots
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotation.client import connect
from annotation.journal import Journal
from annotation.layout_pull import pull_layouts
from annotation.push import push
from pipelines.columns import ColumnParams, make_columns, process_columns
from pipelines.hand_styles import SalientStroke
from pipelines.ids import derive_id
from pipelines.layouts import LayoutReview, Said
from pipelines.records import Column, Page, Reader, Reading, Rejection
from tests.annotation.layouts import page_tasks
from tests.drawing import draw_page
from tests.pipelines.test_columns import page_of

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

BATCH = "in-a-browser"


@pytest.fixture
def pushed(server, tables, store):
    """A drawn page of four columns, before people."""
    rng = np.random.default_rng(3)
    page = page_of(draw_page(rng, (6, 5, 6, 5)).ink, store)
    columns = list(make_columns(page, store, ColumnParams(), "test"))
    assert len(columns) == 4
    readings = [
        Reading(
            reading_id=derive_id(column.column_id),
            column_id=column.column_id,
            page_id=column.page_id,
            work=column.work,
            reader=Reader.UNICALLI,
            release_id="test",
            characters=(),
        )
        for column in columns
    ]
    tables.write("pages", BATCH, Page, [page])
    tables.write("columns", BATCH, Column, columns)
    tables.write("readings", BATCH, Reading, readings)
    tables.write("salient_strokes", BATCH, SalientStroke, [a_stroke(columns[0])])
    client = connect(server.url, server.token)
    push(tables, store, BATCH, client, images=server.images, code_version="test")
    return client, page, columns


def a_stroke(column):
    """A piece of the first character of a column, as what told the hand."""
    box = column.characters[0].box
    return SalientStroke(
        stroke_id="1234567890abcdef", page_id=column.page_id, column_id=column.column_id,
        work_id=column.work.work_id, weight=0.5, model_fingerprint="m", code_version="test",
        box=replace(box, right=(box.left + box.right) // 2),
    )  # fmt: skip


@pytest.fixture
def opened(chromium, server, pushed):
    """The page view of the page, as an annotator sees it after signing in."""
    client, *_ = pushed
    (task,) = page_tasks(client, BATCH)
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server.url}/user/login")
    page.fill("input[name=email]", server.username)
    page.fill("input[name=password]", server.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)
    project_id = client.find_project(f"Beitie {BATCH} pages")
    page.goto(f"{server.url}/projects/{project_id}/data?task={task.task_id}")
    page.locator(".lsf-outliner-item").nth(3).wait_for()
    yield page
    context.close()


def seen(page, name):
    if folder := os.environ.get("BEITIE_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_strokes_that_told_the_hand_are_looked_at_and_never_begun_with(opened):
    """People begin with the layout; the other prediction is a click away and has the strokes."""
    regions = opened.locator(".lsf-outliner-item")
    assert regions.count() == 4
    opened.locator("[class*=annotations-carousel__carosel] >> text=hand").first.click()
    opened.wait_for_function("document.querySelectorAll('.lsf-outliner-item').length === 1")
    assert "stroke" in regions.first.inner_text()
    seen(opened, "page-view-strokes")


def test_a_column_is_renumbered_another_deleted_and_the_page_follows(
    opened, pushed, tables, store, tmp_path
):
    client, page, columns = pushed
    regions = opened.locator(".lsf-outliner-item")
    assert regions.count() == 4
    seen(opened, "page-view")
    regions.nth(3).click()
    place = opened.locator("input[name=order]")
    assert place.input_value() == "4"
    place.fill("0.5")
    place.press("Enter")
    seen(opened, "page-view-renumbered")
    regions.nth(1).click()
    opened.locator("input[name=order]").wait_for()
    opened.keyboard.press("Escape")
    regions.nth(1).click()
    opened.keyboard.press("Backspace")
    opened.wait_for_function("document.querySelectorAll('.lsf-outliner-item').length === 3")
    opened.keyboard.press("a")
    with opened.expect_response(lambda answer: "/annotations" in answer.url) as saved:
        opened.locator("[aria-label='Submit current annotation']").click()
    assert saved.value.ok
    found = pull_layouts(tables, BATCH, client, journal=Journal(tmp_path / "journal"))
    assert (found.rejected, found.unusable) == ({}, ())
    (layout,) = tables.read("layouts", BATCH, LayoutReview)
    expected = [columns[3], columns[0], columns[2]]
    assert list(layout.columns) == [column.box for column in expected]
    cut = list(
        process_columns([page], store, ColumnParams(), "test", said={page.page_id: Said(layout)})
    )
    kept = [one for one in cut if isinstance(one, Column)]
    assert [c.column_id for c in kept] == [c.column_id for c in expected]
    left_out = [one for one in cut if isinstance(one, Rejection)]
    assert len(left_out) == len(columns[1].characters)
    assert {one.reason for one in left_out} == {"outside_layout"}
