"""The labelling screen as an annotator meets it: a real server, a real browser, no mouse.

Needs Label Studio, Chromium, Playwright and the fonts of `make material`; skipped where one is
missing, except under ``CI=true``.

    BEITIE_PICTURES=folder pytest tests/annotation/test_screen.py      keeps the handbook's pictures
"""

from __future__ import annotations

import logging
import os
import time

import pytest

from annotation import interface
from annotation.journal import Journal
from annotation.pull import pull
from annotation.push import PushParams, push
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import CONTENT_FONT, load_fonts, require_font
from pipelines.records import Decision, Mark, Review
from tests.annotation.brush import brush_batch

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

logger = logging.getLogger(__name__)

HAND = "yuji-mai"
NEXT, SUBMIT, EMPTY = "Alt+.", "Control+Enter", "Control+a"
STORE = "window.Htx?.annotationStore?.selected"


@pytest.fixture(scope="module")
def fonts(material):
    found = load_fonts(None, material / "fonts")
    return [FontFace(require_font(found, name).files) for name in (HAND, CONTENT_FONT)]


@pytest.fixture
def screen(chromium, server):
    """A page of a browser that is signed in, and whose own errors fail the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(90_000)
    troubles = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{server.url}/user/login")
    page.fill("input[name=email]", server.username)
    page.fill("input[name=password]", server.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url, wait_until="commit")
    yield page
    context.close()
    assert troubles == []


@pytest.fixture
def pushed(real, server, fonts, tables, store):
    """Pushes columns with their drafts; returns the batch and the report."""

    def run(name, texts, drafts, *, max_characters=20, **more):
        batch = brush_batch(tables, store, fonts[0], texts, drafts, name=name, **more)
        report = push(
            tables,
            store,
            name,
            real,
            images=server.images,
            code_version="test",
            face=fonts[1],
            params=PushParams(with_page_view=False, max_characters_per_task=max_characters),
        )
        assert report.rejected == {}
        return batch, report

    return run


def tasks_of(client, report):
    """Tasks by their number of characters."""
    return {len(t.data["character_ids"]): t.task_id for t in client.tasks(report.project_id)}


def opened(page, server, report, task_id, boxes):
    """Opens a task and waits until all its boxes stand; seconds until a key is answered."""
    began = time.monotonic()
    page.goto(f"{server.url}/projects/{report.project_id}/data?task={task_id}")
    page.wait_for_selector("canvas")
    page.wait_for_function(f"() => {STORE}?.regionStore.regions.length >= {boxes}")
    page.keyboard.press(NEXT)
    page.wait_for_function(f"() => {STORE}.regionStore.regions.findIndex(r => r.selected) === 0")
    return time.monotonic() - began


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def go_on(page, place):
    """The next box, which is the one at ``place`` (from 1)."""
    page.keyboard.press(NEXT)
    page.wait_for_function(
        f"() => {STORE}.regionStore.regions.findIndex(r => r.selected) === {place - 1}"
    )


def typed(page, text):
    """As the handbook says: Enter opens the field, Enter closes it."""
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.tagName === 'INPUT'")
    page.keyboard.press(EMPTY)
    page.keyboard.insert_text(text)
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.tagName !== 'INPUT'")


def submit(page):
    page.keyboard.press(SUBMIT)
    page.wait_for_function(f"() => {STORE}?.pk")


def pictured(page, name, tmp_path):
    """A picture of the screen, kept where BEITIE_PICTURES names a folder; None is blank."""
    folder = os.environ.get("BEITIE_PICTURES", str(tmp_path))
    data = page.screenshot(path=f"{folder}/{name}.jpg", type="jpeg", quality=72, scale="css")
    assert len(data) > 20_000


def test_a_column_is_corrected_by_keyboard_alone(
    screen, server, real, pushed, tables, tmp_path, request
):
    true, draft = "永和九年在癸丑春之初", "永和九手在左丑舂之初"
    others = {"手": "毛年", "左": "在右存", "丑": "五王", "舂": "春泰", "九": "几丸力"}
    batch, report = pushed("keyboard", [true, true[:4]], [draft, true[:4]], others=others)
    task_id = tasks_of(real, report)[10]
    opened(screen, server, report, task_id, 10)
    pictured(screen, "annotate-column", tmp_path)
    for place in (2, 3, 4):
        go_on(screen, place)
    press(screen, "2")  # the second reader's: 年
    go_on(screen, 5)
    go_on(screen, 6)
    pictured(screen, "annotate-character", tmp_path)
    typed(screen, "癸")
    go_on(screen, 7)
    press(screen, "i")
    go_on(screen, 8)
    press(screen, "2", "d")
    go_on(screen, 9)
    press(screen, "s")
    go_on(screen, 10)
    press(screen, "y")
    press(screen, "a")
    submit(screen)
    found = pull(tables, "keyboard", real, journal=Journal(tmp_path / "journal"))
    assert (found.reviews, found.rejected) == (1, {"not_reviewed": 1})
    (review,) = tables.read("reviews", "keyboard", Review)
    assert review.decision is Decision.APPROVED
    assert [c.written for c in review.characters] == list("永和九年在癸□春之初")
    assert [c.is_damaged for c in review.characters] == [False] * 7 + [True, False, False]
    assert [c.is_illegible for c in review.characters] == [False] * 6 + [True] + [False] * 3
    marks = [c.marks for c in review.characters]
    assert marks == [()] * 8 + [(Mark.SIGNATURE,), (Mark.SEAL,)]
    column = next(c for c in batch.columns if c.column_id == review.column_id)
    assert [c.box for c in review.characters] == [c.box for c in column.characters]
    assert [c.character_id for c in review.characters] == [
        c.character_id for c in column.characters
    ]
    assert not review.is_simulated


def test_a_quarrel_of_key_and_field_is_asked_back(screen, server, real, pushed, tables, tmp_path):
    _, report = pushed("quarrel", ["永和"], ["手和"])
    opened(screen, server, report, tasks_of(real, report)[2], 2)
    press(screen, "2")
    typed(screen, "水")
    press(screen, "a")
    submit(screen)
    pull(tables, "quarrel", real, journal=Journal(tmp_path / "journal"))
    (rejection,) = tables.rejections("reviews", "quarrel")
    assert rejection.reason == "typed_and_picked"
    assert "typed 水 and picked 2 永: which?" in rejection.detail


def test_the_screen_is_filled_from_the_newest_release(screen, server, real, pushed):
    pushed("newest", ["永和九"], ["手和九"])
    _, report = pushed("newest", ["永和九"], ["毛和九"], release="release-2")
    opened(screen, server, report, tasks_of(real, report)[3], 3)
    shown = screen.evaluate(
        f"() => {STORE}.results.filter(r => r.from_name.name === '{interface.WRITTEN}')"
        ".map(r => r.mainValue[0])"
    )
    assert shown == list("毛和九")


def test_how_long_a_page_of_300_boxes_takes(screen, server, real, pushed, record_property):
    """Measured and told, not judged: other programs on the machine disturb it."""
    text = "永和九年在癸丑春之初" * 30
    _, report = pushed("large", [text, text[:20]], [text, text[:20]], max_characters=300)
    by_size = tasks_of(real, report)
    opened(screen, server, report, by_size[20], 20)  # the browser fetches the program once
    for size in (20, 300):
        seconds = opened(screen, server, report, by_size[size], size)
        began = time.monotonic()
        press(screen, "1")
        screen.wait_for_function(f"() => {STORE}.results.some(r => r.from_name.name === 'pick')")
        pick = time.monotonic() - began
        began = time.monotonic()
        press(screen, "a")
        submit(screen)
        sent = time.monotonic() - began
        said = f"{size} boxes: {seconds:.2f} s to open, {pick:.2f} s a pick, {sent:.2f} s to send"
        logger.warning(said)
        record_property(f"boxes_{size}", said)
    submitted = {t.task_id: len(t.annotations) for t in real.tasks(report.project_id)}
    assert set(submitted.values()) == {1}
