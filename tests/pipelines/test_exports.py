"""Exports: what leaves, in which form, and what may not leave together."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from pipelines.errors import MaterialError, RightsError, StoreError
from pipelines.exports import PAGE_NAMESPACE, approved_columns, export
from pipelines.imaging.codec import decode_png
from pipelines.records import Column, Decision, Page, Review
from tests.pipelines.examples import a_column, a_page, a_review, a_work

NAMES = {"p": PAGE_NAMESPACE}


def write_batch(tables, store, batch, *works, decision=Decision.APPROVED):
    pages = [a_page(work, store, seed=index) for index, work in enumerate(works)]
    columns = [a_column(page, store, decode_png(store.get(page.ink_key))) for page in pages]
    reviews = [replace(a_review(column), decision=decision) for column in columns]
    tables.write("pages", batch, Page, pages)
    tables.write("columns", batch, Column, columns)
    tables.write("reviews", batch, Review, reviews)
    return columns, reviews


def test_parquet_holds_the_picture_and_boxes_in_it(tables, store, tmp_path):
    (column,), (review,) = write_batch(tables, store, "b1", a_work())
    done = export("parquet", approved_columns(tables), store, tmp_path / "out")
    assert (done.columns, done.works) == (1, 1)
    (row,) = pq.read_table(done.folder / "columns.parquet").to_pylist()
    assert row["text"] == review.text
    assert row["rights"] == column.work.rights
    picture = decode_png(row["image"]["bytes"])
    left, top, right, bottom = row["characters"][0]["box"]
    assert 0 <= left < right <= picture.shape[1]
    assert 0 <= top < bottom <= picture.shape[0]


def test_json_lines_speak_of_the_page_that_lies_beside(tables, store, tmp_path):
    (column,), (review,) = write_batch(tables, store, "b1", a_work())
    folder = export("jsonl", approved_columns(tables), store, tmp_path / "out").folder
    (line,) = map(json.loads, (folder / "columns.jsonl").read_text().splitlines())
    assert (folder / line["image"]).is_file()
    assert line["box"][0] == column.box.left
    assert "".join(c["canonical"] for c in line["characters"]) == review.text
    assert column.work.title in (folder / "README.md").read_text()


def test_page_xml_says_which_way_it_is_read(tables, store, tmp_path):
    (column,), (review,) = write_batch(tables, store, "b1", a_work())
    folder = export("page-xml", approved_columns(tables), store, tmp_path / "out").folder
    root = ElementTree.parse(folder / f"{column.page_id}.xml").getroot()
    page = root.find("p:Page", NAMES)
    assert page.get("readingDirection") == "top-to-bottom"
    assert page.get("textLineOrder") == "right-to-left"
    glyphs = root.findall(".//p:Glyph/p:TextEquiv/p:Unicode", NAMES)
    assert "".join(glyph.text for glyph in glyphs) == review.text
    assert (folder / page.get("imageFilename")).is_file()


def test_only_what_is_approved_leaves(tables, store):
    write_batch(tables, store, "b1", a_work(), decision=Decision.NEEDS_EXPERT)
    with pytest.raises(MaterialError, match="Nothing is approved"):
        approved_columns(tables)


def test_rights_that_do_not_mix_are_refused_and_may_leave_alone(tables, store):
    free, shared = a_work("A", rights="CC BY-SA 4.0"), a_work("B", rights="CC BY-NC 4.0")
    write_batch(tables, store, "b1", free, shared)
    with pytest.raises(RightsError, match="export them apart"):
        approved_columns(tables)
    assert len(approved_columns(tables, rights="CC BY-SA 4.0")) == 1


def test_nothing_is_overwritten_and_nothing_half_left(tables, store, tmp_path):
    (column,), _ = write_batch(tables, store, "b1", a_work())
    approved = approved_columns(tables)
    (tmp_path / "there").mkdir()
    with pytest.raises(MaterialError, match="overwrites nothing"):
        export("jsonl", approved, store, tmp_path / "there")
    store.filesystem.rm_file(store.path_of(column.image_key))
    with pytest.raises(StoreError, match="has no"):
        export("parquet", approved, store, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []


def test_an_unknown_format_lists_the_known_ones(tables, store, tmp_path):
    with pytest.raises(MaterialError, match="parquet, jsonl, page-xml"):
        export("docx", [], store, tmp_path / "out")
