"""The desk as a person meets it: a real browser, a real server, keyboard and mouse, both languages.

Needs Chromium and Playwright. Where one of them is missing the tests are skipped and say so, except
under ``CI=true``, where a missing browser is a failure.

    BEITIE_PICTURES=folder pytest tests/annotation/desk/test_in_a_browser.py     keeps screenshots
"""

import os
import shutil
import threading
import time

import numpy as np
import pytest

from tests.annotation.desk.a_project import WORK_ID, fill
from tests.annotation.desk.pictures import noise_bmp
from tests.annotation.desk.sending import files_of
from tests.annotation.desk.serving import a_desk, served
from tests.annotation.desk.test_interruption import DeskProcess, a_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled(tmp_path_factory, prepared):
    home = tmp_path_factory.mktemp("seen")
    shutil.copytree(prepared, home / "desk")
    desk = a_desk(home)
    fill(desk, np.random.default_rng(3), home / "sources")
    with served(desk) as port:
        yield desk, port


def pages_of(desk):
    return next(one for one in desk.works() if one.work.work_id == WORK_ID).pages


def described(page, port, title="九成宮醴泉銘"):
    page.goto(f"http://127.0.0.1:{port}/deliveries")
    page.fill("#title", title)
    page.fill("#rights", "public domain")
    page.click("button.main")
    page.wait_for_selector("#drop")
    page.wait_for_load_state("load")


def outcomes(page, count):
    """What stands in the last cell of each row, once no file is on its way."""
    page.locator("#files tr").nth(count - 1).wait_for()
    page.locator("#upload-total[value='" + str(count) + "']").wait_for()
    return page.locator("#files tr td:last-child").all_inner_texts()


def test_an_archivist_uploads_a_folder_and_watches_it(filled, opened, rng, tmp_path):
    desk, port = filled
    folder = tmp_path / "jiuchenggong"
    folder.mkdir()
    for index in range(3):
        (folder / f"img-{index}.bmp").write_bytes(noise_bmp(rng, 6 << 20 if index == 0 else 9000))
    (folder / "again.bmp").write_bytes((folder / "img-1.bmp").read_bytes())
    (folder / "notes.txt").write_text("not a scan")
    (folder / ".DS_Store").write_bytes(b"x")
    page = opened(port, "archivist")
    described(page, port)
    page.set_input_files("#folder-input", str(folder))
    cells = [cell.strip() for cell in outcomes(page, 6)]
    assert cells.count("Taken") == 3
    said = " ".join(cells)
    assert "the very same file" in said.lower()
    assert "This kind of file is not taken" in said
    assert "All 6 files are finished, 2 not taken" in page.inner_text("#upload-status")
    assert len(files_of(desk.place.inbox / desk.now().date().isoformat())) == 3
    page.click("text=See what becomes of them")
    page.wait_for_selector("h1:has-text('九成宮醴泉銘')")
    assert "3 files wait in the inbox" in page.inner_text("main")


def test_a_page_goes_on_by_itself_when_the_desk_was_killed(
    chromium, opened, prepared, tmp_path, rng
):
    shutil.copytree(prepared, tmp_path / "desk")
    desk = DeskProcess(tmp_path, a_port())
    desk.start()
    try:
        page = opened(desk.port, "archivist")
        described(page, desk.port)
        files = []
        for index in range(12):
            files.append(tmp_path / f"img-{index}.bmp")
            files[-1].write_bytes(noise_bmp(rng, 5 << 20))

        def interrupt():
            time.sleep(0.8)
            desk.kill()
            time.sleep(0.5)
            desk.start()

        killer = threading.Thread(target=interrupt)
        killer.start()
        page.set_input_files("#files-input", [str(file) for file in files])
        said = outcomes(page, 12)
        killer.join()
        assert said == ["Taken"] * 12
    finally:
        desk.kill()
    found = files_of(tmp_path / "inbox")
    assert len(found) == 12
    assert {len(paths) for paths in found.values()} == {1}


def test_everything_is_reached_by_keyboard(filled, opened):
    page = opened(filled[1], "archivist")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "To the content"
    page.keyboard.press("Enter")
    for _ in range(8):  # no further than the work: beyond the page the browser's own bar begins
        page.keyboard.press("Tab")
        reached = page.evaluate("() => document.activeElement.getAttribute('href')")
        if reached == f"/works/{WORK_ID}":
            break
    assert reached == f"/works/{WORK_ID}"
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('蘭亭序')")
    described(page, filled[1], "鍵盤")
    # Not the dialog itself, which belongs to the browser: that the key asks for it.
    page.evaluate(
        """() => document.getElementById("files-input").addEventListener("click", (event) => {
            event.preventDefault();
            window.isAsked = true;
        })"""
    )
    page.locator("#choose-files").press("Enter")
    assert page.evaluate("() => window.isAsked === true")


def test_a_screen_reader_finds_names_for_everything(filled, opened):
    page = opened(filled[1], "engineer")
    at = f"http://127.0.0.1:{filled[1]}"
    page_id = pages_of(filled[0])[0].page.page_id
    for path in ("/", f"/works/{WORK_ID}", f"/works/{WORK_ID}/pages/{page_id}", "/users", "/audit"):
        page.goto(at + path)
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1
        assert page.locator("html").get_attribute("lang") == "en"
        for field in page.locator("input:not([type=hidden]):visible, select").all():
            label = field.evaluate("e => e.labels.length || e.hasAttribute('aria-label')")
            assert label, field.evaluate("e => e.outerHTML")
        assert page.locator("img:not([alt])").count() == 0
        assert page.locator("th:not([scope])").count() == 0


def test_a_column_lights_up_in_the_picture(filled, opened):
    desk, port = filled
    page_id = pages_of(desk)[0].page.page_id
    page = opened(port, "annotator", "zh-TW")
    page.goto(f"http://127.0.0.1:{port}/works/{WORK_ID}/pages/{page_id}")
    lines = page.locator("ol.vertical li")
    rights = [line.bounding_box()["x"] for line in lines.all()]
    assert rights == sorted(rights, reverse=True), "columns run from right to left"
    lines.nth(1).focus()
    assert "lit" in page.locator("#column-1").get_attribute("class")
    assert page.locator("svg .over").first.is_visible()
    page.uncheck("#show-text")
    assert not page.locator("svg .over").first.is_visible()
    page.click("a[rel=next]")
    page.wait_for_selector("text=第 2 頁")


def test_pages_look_as_they_should(filled, opened, tmp_path):
    """None is blank; where BEITIE_PICTURES names a folder, they are kept for the README."""
    folder = os.environ.get("BEITIE_PICTURES", str(tmp_path))
    desk, port = filled
    at = f"http://127.0.0.1:{port}"
    page_id = pages_of(desk)[1].page.page_id
    for name, user, language, path in (
        ("works", "archivist", "zh-TW", "/"),
        ("work", "archivist", "en", f"/works/{WORK_ID}"),
        ("page", "annotator", "en", f"/works/{WORK_ID}/pages/{page_id}"),
    ):
        page = opened(port, user, language)
        page.goto(at + path)
        page.wait_for_load_state("networkidle")
        data = page.screenshot(path=f"{folder}/desk-{name}.png", scale="css")
        assert len(data) > 10_000
