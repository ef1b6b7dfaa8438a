"""From an annotation in a real Label Studio to an approval at the desk, in a real browser.

BEITIE_PICTURES=folder pytest tests/annotation/desk/test_approval_in_a_browser.py
"""

import os
import shutil

import pytest

from annotation.journal import Step
from pipelines.records import Sample
from pipelines.samples import samples_from_reviews
from tests.annotation.desk.serving import a_desk, served
from tests.annotation.examples import a_batch
from tests.annotation.loop import Loop

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

ANNOTATOR = "annotator@example.org"


def samples(loop):
    outcomes = samples_from_reviews(
        loop.reviews(), loop.batch.columns, loop.batch.pages, loop.batch.store, code_version="test"
    )
    return [one for one in outcomes if isinstance(one, Sample)]


def test_from_an_annotation_to_an_approved_sample_and_an_edit_afterwards(
    real, server, prepared, opened, tmp_path
):
    pictures = os.environ.get("BEITIE_PICTURES", str(tmp_path))
    shutil.copytree(prepared, tmp_path / "desk")
    desk = a_desk(tmp_path)
    batch = a_batch(desk.tables, desk.store, (7, 5), name="approval-in-a-browser")
    loop = Loop(real, batch, server.images, desk.approvals.journal)
    loop.push()
    first, second = loop.tasks()
    annotation = loop.submit(first, "天地玄黃宇宙洪", ANNOTATOR)
    loop.submit(second, "荒日月盈夨", ANNOTATOR)
    assert loop.pull(needs_second_person=True).states == {"done": 2}
    assert samples(loop) == []

    with served(desk) as port:
        at = f"http://127.0.0.1:{port}"
        annotator = opened(port, "annotator")
        annotator.goto(f"{at}/approvals")
        annotator.click("table.queue a")
        annotator.wait_for_selector(".column-sheet svg")
        assert annotator.locator("button[name=action]").count() == 0

        page = opened(port, "approver")
        page.click("text=Approval")
        page.screenshot(path=f"{pictures}/desk-approvals.png", scale="css")
        page.locator(f"a[href$='{first.data['column_id']}']").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".column-sheet svg")
        page.wait_for_load_state("networkidle")
        assert page.locator("svg .glyph.replace").all_text_contents() == ["地"]
        assert page.locator("ul.changes li").count() == 1
        page.screenshot(path=f"{pictures}/desk-approval.png", scale="css")
        unnamed = page.locator("textarea:visible, input:not([type=hidden]):visible").all()
        assert all(field.evaluate("e => e.labels.length > 0") for field in unnamed)
        page.keyboard.press("a")
        page.wait_for_url("**/*said=approve")
        assert page.locator("[role=status]").inner_text() == "Approved."

        # The next that waits came by itself; it goes back, and the key asks for the reason.
        page.keyboard.press("b")
        assert page.evaluate("() => document.activeElement.id") == "reason"
        page.keyboard.type("the last is 昃, a and b are no keys here")
        page.click("button[value=send_back]")
        page.wait_for_url("**/approvals?said=send_back")

        found = loop.pull(needs_second_person=True)
        assert found.states == {"approved": 1, "in_progress": 1}
        (sample,) = samples(loop)
        assert sample.column_id == first.data["column_id"]
        assert "the last is 昃" in real.task(second.task_id).data["title"]
        steps = [e for e in desk.approvals.journal.entries(batch.name) if isinstance(e, Step)]
        assert [step.who for step in steps] == ["approver@example.org"] * 2
        assert "the last is 昃" in opened_text(annotator, f"{at}/approvals?state=in_progress")

        real.update_annotation(annotation, loop.result_of(first, "夫地玄黃宇宙洪"))
        assert [f.reason for f in loop.pull(needs_second_person=True).flags] == [
            "edited_after_approval"
        ]
        assert samples(loop) == [sample]
        assert "夫地玄黃宇宙洪" in opened_text(page, f"{at}/approvals")
        page.screenshot(path=f"{pictures}/desk-flags.png", scale="css")
        page.click(".flags td a")
        page.wait_for_selector("button[value=accept]")
        page.screenshot(path=f"{pictures}/desk-flag.png", scale="css")
        page.keyboard.press("k")
        page.wait_for_url("**/approvals?said=keep")
        assert page.locator(".flags").count() == 0
        assert loop.pull(needs_second_person=True).flags == ()

        chinese = opened(port, "approver", "zh-TW")
        chinese.goto(f"{at}/approvals/{batch.name}/{sample.column_id}")
        chinese.wait_for_load_state("networkidle")
        chinese.screenshot(path=f"{pictures}/desk-approval-zh.png", scale="css", full_page=True)
        chinese.fill("#reason", "拓本有誤")
        chinese.click("button[value=revoke]")
        chinese.wait_for_url("**/*said=revoke")
    loop.pull(needs_second_person=True)
    assert samples(loop) == []


def opened_text(page, address):
    page.goto(address)
    return page.inner_text("main")
