"""Works: their way through the stages, refusals in plain language, search, text and downloads."""

import io
import json
import shutil
import zipfile
from urllib.parse import quote

import numpy as np
import pytest

from annotation.desk.progress import Partitions
from pipelines.hand_styles import Hand, Likeness
from pipelines.imaging.codec import decode_picture
from pipelines.records import Scan
from tests.annotation.desk.a_project import BATCH, TEXT, WORK_ID, fill
from tests.annotation.desk.serving import Browser, a_desk, served


@pytest.fixture(scope="module")
def filled(tmp_path_factory, prepared):
    home = tmp_path_factory.mktemp("filled")
    shutil.copytree(prepared, home / "desk")
    desk = a_desk(home)
    pages, columns = fill(desk, np.random.default_rng(3), home / "sources")
    return desk, pages, columns


@pytest.fixture(scope="module")
def annotator(filled):
    with served(filled[0]) as port:
        browser = Browser(port)
        browser.enter("annotator")
        yield browser


def test_a_work_is_listed_with_what_each_stage_made_of_it(filled, annotator):
    desk, pages, columns = filled
    (one,) = desk.works()
    assert one.counts["scans"] == 4
    assert one.counts["pages"] == len(pages) == 2
    assert one.counts["columns"] == one.counts["readings"] == len(columns)
    assert one.approved == sum(c.page_id == pages[0].page_id for c in columns)
    assert "review_tasks" not in one.counts, "a stage that has not run has no count"
    assert [seen.page.page_id for seen in one.pages] == [page.page_id for page in pages]
    page = annotator.get("/").text
    assert "蘭亭序" in page
    assert f"<b>{len(columns)}</b>" in page


def test_nothing_disappears_and_every_refusal_is_told_plainly(filled, annotator):
    (one,) = filled[0].works()
    assert {(r.stage, r.item, r.reason) for r in one.refusals} == {
        ("scans", "notes.pdf", "not_an_image"),
        ("pages", "torn.png, 1", "truncated"),
        ("pages", "empty.png, 1", "no_ink"),
    }
    english = annotator.get(f"/works/{WORK_ID}").text
    assert "part of the picture is missing" in english
    assert "No writing was found" in english
    chinese = annotator.get(f"/works/{WORK_ID}", headers={"Cookie": _zh(annotator)}).text
    assert "檔案不完整" in chinese
    assert "頁上未見字跡" in chinese


def _zh(browser):
    return f"beitie_desk={browser.cookies['beitie_desk']}; beitie_language=zh"


def test_files_that_wait_are_counted(filled, tmp_path):
    desk = a_desk(tmp_path)
    folder = desk.place.inbox / "b9" / "w"
    folder.mkdir(parents=True)
    (folder / "work.toml").write_text('title = "w"\nrights = "CC0"\n')
    (folder / "a.png").write_bytes(b"x")
    (folder / ".b.png.partial").write_bytes(b"x")
    (one,) = desk.works()
    assert (one.waiting, one.counts, one.batches) == (1, {}, ("b9",))


def test_the_page_renews_its_stages_and_says_one_sentence(annotator):
    told = annotator.get(f"/works/{WORK_ID}/status").json
    assert "Now: Decided. 3 items not taken." in told["spoken"]
    assert "No writing was found" in told["html"]
    assert "蘭亭序" in annotator.get("/works/list?q=").json["html"]


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ("蘭亭", True),
        ("兰亭", True),
        ("王羲之 running", True),
        ("癸丑", True),
        ("lanting-1", True),
        ("2026-01", True),
        ("天地玄黃", False),
        ("蘭亭 天地玄黃", False),
        ("%", False),
        ("<script>", False),
    ],
)
def test_search_finds_descriptions_and_text_in_any_variant(annotator, wanted, is_found):
    page = annotator.get(f"/?q={quote(wanted)}").text
    assert (f"/works/{WORK_ID}" in page) is is_found
    assert "<script>alert" not in page
    assert 'value="<script>' not in page


def test_the_text_stands_in_columns_over_its_page(filled, annotator):
    _, pages, columns = filled
    text = annotator.get(f"/works/{WORK_ID}/pages/{pages[0].page_id}").text
    mine = sorted(
        (c for c in columns if c.page_id == pages[0].page_id), key=lambda c: c.column_index
    )
    assert text.count("<rect") == len(mine)
    assert text.count('<text class="over"') == sum(len(c.characters) for c in mine)
    first = mine[0].characters[0].box
    assert f'x="{first.left}" y="{(first.top + first.bottom) / 2}"' in text
    assert ">禊</text>" in text, "what people approved stands before what the reader drafted"
    assert 'class="vertical" lang="zh-Hant"' in text
    places = [text.index(f'data-column="column-{c.column_index}"') for c in mine]
    assert places == sorted(places)


def test_pictures_are_made_anew_and_small(filled, annotator):
    _, pages, _ = filled
    address = f"/works/{WORK_ID}/pages/{pages[0].page_id}"
    answer = annotator.get(f"{address}/small.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert max(decode_picture(answer.body).shape) == 260
    assert annotator.get(f"{address}/huge.jpg").status == 404


def test_text_and_json_hold_every_column(filled, annotator):
    _, pages, columns = filled
    answer = annotator.get(f"/works/{WORK_ID}/text")
    assert "attachment" in answer.headers["content-disposition"]
    lines = [line for line in answer.text.splitlines() if line]
    assert len(lines) == len(columns)
    assert lines[0].startswith("禊" + TEXT[1:4])
    told = json.loads(annotator.get(f"/works/{WORK_ID}/json").text)
    assert [page["page_id"] for page in told] == [page.page_id for page in pages]
    assert {column["standing"] for column in told[0]["columns"]} == {"approved"}
    assert {column["standing"] for column in told[1]["columns"]} == {"draft"}
    assert told[0]["rights"] == "CC BY 4.0"


def test_what_is_approved_leaves_as_page_xml_for_who_may_export(filled, annotator):
    desk, pages, _ = filled
    address = f"/works/{WORK_ID}/approved/page-xml"
    assert annotator.get(address).status == 403
    with served(desk) as port:
        approver = Browser(port)
        approver.enter("approver")
        with zipfile.ZipFile(io.BytesIO(approver.get(address).body)) as archive:
            names = archive.namelist()
            xml = archive.read(f"{pages[0].page_id}.xml").decode()
        assert f"{pages[1].page_id}.xml" not in names, "drafts do not leave as approved"
        assert "禊" in xml
        assert approver.get(f"/works/{WORK_ID}/approved/doc").status == 404


@pytest.mark.parametrize("path", ["/works/x", "/works/x/text", f"/works/{WORK_ID}/pages/x"])
def test_what_is_not_there_is_said(annotator, path):
    assert annotator.get(path).status == 404


def test_a_partition_is_read_once_and_again_when_it_changed(filled, tmp_path):
    desk = filled[0]
    partitions = Partitions(desk.tables)
    first, _ = partitions.read("scans", BATCH, Scan)
    assert partitions.read("scans", BATCH, Scan)[0] is first
    desk.tables.write("scans", "other", Scan, first[:1])
    assert len(partitions.read("scans", "other", Scan)[0]) == 1
    desk.tables.write("scans", "other", Scan, [])
    assert partitions.read("scans", "other", Scan)[0] == []


def test_works_in_a_like_hand_are_named_and_those_that_are_gone_are_not(filled, annotator):
    desk, pages, _ = filled
    assert "Works in a like hand" not in annotator.get(f"/works/{WORK_ID}").text
    near = (Likeness(work_id=WORK_ID, distance=0.123), Likeness(work_id="gone", distance=0.2))
    hand = Hand(
        work_id=WORK_ID, calligrapher="", script=pages[0].work.script, vector=(1.0, 0.0),
        references=5, spread=0.1, is_one_hand=True, nearest_hand="x", distance=0.1, threshold=0.2,
        is_rejected=False, near_works=near, model_fingerprint="m", code_version="test",
    )  # fmt: skip
    desk.tables.write("hands", BATCH, Hand, [hand])
    page = annotator.get(f"/works/{WORK_ID}").text
    assert "Works in a like hand" in page
    assert f'<a href="/works/{WORK_ID}" lang="zh-Hant">蘭亭序</a> 0.12' in page
    assert "gone" not in page
