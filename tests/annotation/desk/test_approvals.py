"""Approval at the desk: the queue, one column, and that nobody approves their own work."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from annotation.desk.approvals import compared, sheet_of
from annotation.journal import Decided, Flagged
from pipelines.corrections import Edit
from pipelines.records import Column, Decision
from pipelines.states import State
from tests.annotation.desk.serving import PASSWORD, Browser
from tests.pipelines.examples import a_column, a_page, a_review, a_work

AT = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = "2026-01"
ANNOTATOR, APPROVER = "annotator@example.org", "approver@example.org"


@pytest.fixture
def columns(desk):
    """Three columns that an annotator has done; the draft read the second character as 他."""
    page = a_page(a_work(), desk.store)
    ink = np.random.default_rng(1).integers(0, 255, (120, 100)).astype("uint8")
    found = [a_column(page, desk.store, ink, left=left) for left in (60, 30, 0)]
    desk.tables.write("columns", BATCH, Column, found)
    for minute, column in enumerate(found):
        file(desk, column, reviewed_at=AT + timedelta(minutes=minute))
    return found


def file(desk, column, *, editors=(), note="", **changes):
    """Write a decision into the journal, as a pull does."""
    given = {"draft": "天他玄黃宇", "annotator": ANNOTATOR, "state": State.DONE, **changes}
    review = a_review(column, **{"content_hash": column.column_id[:6], "edit_count": 1, **given})
    decided = Decided(
        review=review, annotation_ids=(3,), lead_time_s=1.0, editors=editors, note=note
    )
    desk.approvals.journal.append(BATCH, [decided], at=AT)
    return decided


def flag_edit(desk, decided, text="夫地玄黃宇"):
    characters = tuple(
        replace(c, written=t, canonical=t)
        for c, t in zip(decided.review.characters, text, strict=True)
    )
    edited = replace(decided.review, characters=characters, content_hash="edited")
    flag = Flagged(
        column_id=edited.column_id,
        reason="edited_after_approval",
        detail=f"It now reads {text}.",
        content_hash="edited",
        edited=replace(decided, review=edited),
    )
    desk.approvals.journal.append(BATCH, [flag], at=AT)


def at(column):
    return f"/approvals/{BATCH}/{column.column_id}"


def standing(desk, column):
    return desk.approvals.find(BATCH, column.column_id).standing


def do(browser, column, action, **fields):
    page = browser.get(at(column)).text
    seen = re.search('name="content_hash" value="([^"]+)"', page)
    fields = {"content_hash": seen[1] if seen else "", **fields}
    return browser.post(at(column), action=action, **fields)


def test_the_queue_shows_what_waits_the_longest_waiting_first(browser, columns):
    browser.enter("approver")
    page = browser.get("/approvals").text
    assert "3 columns" in page
    links = re.findall(rf'href="/approvals/{BATCH}/(\w+)"', page)
    assert links == [column.column_id for column in columns]
    assert 'aria-current="page"' in page


def test_an_approver_goes_through_the_queue(browser, desk, columns):
    browser.enter("approver")
    page = browser.get(at(columns[0])).text
    assert "Character 2:" in page
    assert '<del lang="zh-Hant">他</del>' in page
    answer = do(browser, columns[0], "approve")
    assert (answer.status, answer.headers["location"]) == (303, f"{at(columns[1])}?said=approve")
    assert standing(desk, columns[0]).state is State.APPROVED
    assert standing(desk, columns[0]).approver == APPROVER
    assert "Approved." in browser.get(answer.headers["location"]).text
    assert do(browser, columns[1], "send_back").status == 400
    answer = do(browser, columns[1], "send_back", reason="the second is 池")
    assert answer.headers["location"] == f"{at(columns[2])}?said=send_back"
    answer = do(browser, columns[2], "approve")
    assert answer.headers["location"] == "/approvals?said=approve"
    assert "the second is 池" in browser.get("/approvals?state=in_progress").text
    history = browser.get(at(columns[1])).text
    assert "sent it back: <span>the second is 池</span>" in " ".join(history.split())
    answer = do(browser, columns[0], "ground_truth")
    assert answer.headers["location"] == f"{at(columns[0])}?said=ground_truth"
    assert do(browser, columns[0], "revoke", reason="a forgery").status == 303
    assert standing(desk, columns[0]).state is State.IN_PROGRESS
    events = [line["event"] for line in desk.audit.last(20)]
    assert events.count("approval_approve") == 2
    assert {"approval_send_back", "approval_ground_truth", "approval_revoke"} <= set(events)
    assert "approval_refused" in events


@pytest.mark.parametrize("action", ["approve", "ground_truth"])
@pytest.mark.parametrize("how", ["submitted", "edited", "no_address"])
def test_nobody_approves_their_own_work_whatever_they_send(browser, desk, columns, action, how):
    state = State.DONE if action == "approve" else State.APPROVED
    mine = {
        "submitted": {"annotator": APPROVER},
        "edited": {"editors": (APPROVER,)},
        "no_address": {},
    }[how]
    if how == "no_address":
        desk.users.change("approver", desk.users.find("approver").roles, is_active=True, email="")
    file(desk, columns[0], content_hash="mine", state=state, **mine)
    browser.enter("approver")
    page = browser.get(at(columns[0])).text
    if how != "no_address":
        assert "another person must approve it" in page
        assert f'value="{action}"' not in page
    before = desk.approvals.journal.entries(BATCH)
    answer = browser.post(at(columns[0]), action=action, content_hash="mine")
    assert answer.status == 409
    assert desk.approvals.journal.entries(BATCH) == before
    line = desk.audit.last(1)[0]
    expected = "no_address" if how == "no_address" else "own_work"
    assert (line["event"], line["reason"]) == ("approval_refused", expected)


@pytest.mark.parametrize("role", ["annotator", "archivist", "engineer"])
def test_only_approvers_act(browser, desk, columns, role):
    browser.enter(role)
    assert (browser.get(at(columns[0])).status == 200) == (role == "annotator")
    answer = browser.post(at(columns[0]), action="approve", content_hash="x")
    assert answer.status == 403
    assert browser.post(f"/approvals/{BATCH}/ground-truth").status == 403
    assert standing(desk, columns[0]).state is State.DONE


def test_what_changed_since_it_was_looked_at_is_not_approved(browser, desk, columns):
    browser.enter("approver")
    browser.get(at(columns[0]))
    old = standing(desk, columns[0]).review.content_hash
    file(desk, columns[0], content_hash="newer")
    answer = browser.post(at(columns[0]), action="approve", content_hash=old)
    assert answer.status == 409
    assert "Look at it again" in answer.text
    assert standing(desk, columns[0]).state is State.DONE
    assert browser.post(at(columns[0]), action="destroy").status == 400
    assert browser.get("/approvals/none/none").status == 404
    assert browser.get(f"/approvals/{BATCH}/none").status == 404
    assert browser.get("/approvals?state=other").status == 404


def test_a_form_of_another_site_approves_nothing(browser, desk, columns):
    browser.enter("approver")
    answer = browser.post(at(columns[0]), action="approve", form_token="0" * 64)
    assert answer.status == 403
    assert standing(desk, columns[0]).state is State.DONE


def test_flags_are_listed_and_settled_by_an_approver(browser, desk, columns):
    browser.enter("approver")
    for column in columns[:2]:
        do(browser, column, "approve")
        flag_edit(desk, standing(desk, column).decided)
    page = browser.get("/approvals").text
    assert "Look at these again (2)" in page
    assert "夫地玄黃宇" in page
    assert "Keep the approval" in browser.get(at(columns[0])).text
    assert browser.post(at(columns[0]), action="keep", content_hash="edited").status == 303
    assert standing(desk, columns[0]).review.text == "天地玄黃宇"
    answer = browser.post(at(columns[1]), action="accept", content_hash="edited")
    assert answer.headers["location"] == "/approvals?said=accept"
    assert standing(desk, columns[1]).review.text == "夫地玄黃宇"
    assert "Look at these again" not in browser.get("/approvals").text


def test_a_whole_batch_becomes_ground_truth_without_ones_own(browser, desk, columns):
    browser.enter("approver")
    do(browser, columns[0], "approve")
    file(desk, columns[1], content_hash="mine", state=State.APPROVED, annotator=APPROVER)
    assert "Mark everything approved" in browser.get("/approvals?state=approved").text
    assert browser.post(f"/approvals/{BATCH}/ground-truth").status == 303
    assert standing(desk, columns[0]).state is State.GROUND_TRUTH
    assert standing(desk, columns[1]).state is State.APPROVED
    assert browser.post("/approvals/none/ground-truth").status == 404


def test_the_picture_of_a_column_is_a_jpeg_and_a_lost_column_still_has_its_page(
    browser, desk, columns
):
    browser.enter("approver")
    answer = browser.get(f"{at(columns[0])}/column.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.body[:2] == b"\xff\xd8"
    desk.tables.write("columns", BATCH, Column, columns[1:])
    assert browser.get(f"{at(columns[0])}/column.jpg").status == 404
    assert "has no such column any more" in browser.get(at(columns[0])).text


def test_notes_and_words_of_people_are_text_and_no_markup(browser, desk, columns):
    file(desk, columns[0], content_hash="b", note="<script>alert(1)</script>")
    browser.enter("approver")
    page = browser.get(at(columns[0])).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_desk_speaks_chinese_about_it(port, columns):
    chinese = Browser(port, "zh-TW")
    chinese.enter("approver", PASSWORD)
    page = chinese.get(at(columns[0])).text
    assert "審定通過" in page
    assert "第 2 字" in page
    assert "請寫明原因" in do(chinese, columns[0], "send_back").text


def test_what_was_changed_stands_at_its_place(columns):
    review = a_review(columns[0], "天地玄黃宇", draft="天他玄黃")
    found = compared(review)
    assert [(m.number, m.edit, m.was) for m in found.changed] == [
        (2, Edit.REPLACE, "他"),
        (5, Edit.INSERT, ""),
    ]
    assert compared(replace(review, draft="天地地玄黃宇")).removed in [((2, "地"),), ((3, "地"),)]
    assert compared(replace(review, characters=(), draft="天")).removed == ((1, "天"),)
    sheet = sheet_of(columns[0].box, found.marks)
    tops = [placed.y for placed in sheet.placed]
    assert tops == sorted(tops)
    assert all(sheet.width < placed.x < sheet.total for placed in sheet.placed)


def test_a_rejected_column_can_be_sent_back_and_not_approved(browser, desk, columns):
    file(desk, columns[0], content_hash="r", decision=Decision.REJECTED)
    browser.enter("approver")
    page = browser.get(at(columns[0])).text
    assert 'value="approve"' not in page
    assert do(browser, columns[0], "send_back", reason="there is writing").status == 303
