"""The journal survives what kills a process, and never forgets."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from annotation.journal import Action, Cleared, Decided, Flagged, Journal, Step
from annotation.states import standings
from pipelines.errors import TableError
from pipelines.records import Decision, Mark
from pipelines.states import Returned, State
from tests.pipelines.examples import a_column, a_page, a_review, a_work

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def review(store):
    page = a_page(a_work(), store)
    ink = np.zeros((120, 100), np.uint8)
    return a_review(a_column(page, store, ink), content_hash="abc")


def decided(review):
    return Decided(review=review, annotation_ids=(3, 4), lead_time_s=17.25)


FLAG = Flagged(column_id="c", reason="edited_after_approval", detail="一", content_hash="d")


def test_what_is_written_comes_back_whole(tmp_path, review):
    journal = Journal(tmp_path / "journal")
    assert journal.entries("b") == []
    journal.append("b", [decided(review), FLAG], at=AT)
    assert journal.entries("b") == [decided(review), FLAG]
    assert journal.entries("other") == []
    line = json.loads(journal.file_of("b").read_text().splitlines()[0])
    assert line["at"] == "2026-03-01T09:30:00+00:00"
    assert line["who"] == "annotator@example.org"
    assert line["review"]["content_hash"] == "abc"
    assert line["review"]["guideline_version"] == "1"


def test_every_kind_of_line_comes_back(tmp_path, review):
    journal = Journal(tmp_path)
    step = Step(
        column_id="c",
        action=Action.SEND_BACK,
        who="wang@example.org",
        reason="第二字",
        content_hash="d",
        annotation_ids=(3, 4),
        guideline_version="1",
    )
    returned = replace(
        review, state=State.IN_PROGRESS, returned=Returned.REVOKED, returned_detail="Why."
    )
    lines = [
        step,
        Cleared(column_id="c", reason="edited_after_approval", content_hash="d"),
        replace(FLAG, edited=replace(decided(returned), editors=("li@example.org",))),
    ]
    journal.append("b", lines, at=AT)
    assert journal.entries("b") == lines
    assert [line.at for line in journal.lines("b")] == [AT] * 3
    assert journal.batches() == ["b"]


def test_a_line_of_before_there_were_states_still_reads(tmp_path, review):
    journal = Journal(tmp_path)
    journal.append("b", [decided(review), FLAG], at=AT)
    rows = [json.loads(line) for line in journal.file_of("b").read_text().splitlines()]
    for name in ("state", "approver", "returned", "returned_detail"):
        del rows[0]["review"][name]
    del rows[0]["editors"]
    journal.file_of("b").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert journal.entries("b") == [decided(review), FLAG]
    standing = standings(journal.lines("b"))[review.column_id]
    assert (standing.state, standing.is_approved) == (State.APPROVED, True)


def test_the_last_decision_about_a_column_counts(tmp_path, review):
    journal = Journal(tmp_path)
    earlier = replace(review, decision=Decision.REJECTED)
    journal.append("b", [decided(earlier)], at=AT)
    journal.append("b", [decided(review), FLAG], at=AT)
    assert standings(journal.lines("b"))[review.column_id].decided == decided(review)


def test_what_is_decided_under_the_lock_sees_every_line(tmp_path):
    journal = Journal(tmp_path)
    journal.append("b", [FLAG], at=AT)
    journal.amend("b", lambda lines: [line.entry for line in lines], at=AT)
    assert journal.entries("b") == [FLAG, FLAG]

    def refuse(lines):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        journal.amend("b", refuse, at=AT)
    assert journal.entries("b") == [FLAG, FLAG]


def test_a_line_from_before_there_were_marks_and_notes_is_read(tmp_path, review):
    journal = Journal(tmp_path)
    journal.append("b", [decided(review)], at=AT)
    line = json.loads(journal.file_of("b").read_text())
    for name in ("note", "script_remark", "calligrapher_remark"):
        del line["review"][name]
    for character in line["review"]["characters"]:
        del character["marks"]
    journal.file_of("b").write_text(json.dumps(line, ensure_ascii=False) + "\n")
    assert journal.entries("b") == [decided(review)]
    marked = replace(review.characters[0], marks=(Mark.SEAL,))
    later = replace(review, characters=(marked, *review.characters[1:]), note="印")
    journal.append("b", [decided(later)], at=AT)
    assert journal.entries("b") == [decided(review), decided(later)]


@pytest.mark.parametrize("kept_bytes", [1, 20, -1])
def test_a_torn_last_line_is_skipped_and_then_removed(tmp_path, review, kept_bytes):
    journal = Journal(tmp_path)
    journal.append("b", [decided(review)], at=AT)
    whole = journal.file_of("b").read_bytes()
    journal.append("b", [FLAG], at=AT)
    torn = journal.file_of("b").read_bytes()
    tail = torn[len(whole) :]
    journal.file_of("b").write_bytes(whole + tail[:kept_bytes])
    assert journal.entries("b") == [decided(review)]
    journal.append("b", [FLAG], at=AT)
    assert journal.entries("b") == [decided(review), FLAG]
    assert journal.file_of("b").read_bytes() == torn


def test_a_journal_that_is_nothing_but_torn_begins_anew(tmp_path):
    journal = Journal(tmp_path)
    journal.file_of("b").write_bytes(b'{"kind": "fl' * 1000)
    assert journal.entries("b") == []
    journal.append("b", [FLAG], at=AT)
    assert journal.entries("b") == [FLAG]


def test_damage_inside_is_no_torn_line(tmp_path):
    journal = Journal(tmp_path)
    journal.append("b", [FLAG, FLAG], at=AT)
    data = journal.file_of("b").read_bytes()
    journal.file_of("b").write_bytes(b"x" + data)
    with pytest.raises(TableError, match=r"Line 1 of the journal .*restore the file from a copy"):
        journal.entries("b")


def _append_many(folder, count):
    for _ in range(count):
        Journal(folder).append("b", [FLAG], at=AT)


def test_two_processes_do_not_write_into_each_other(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(tmp_path, 20)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert Journal(tmp_path).entries("b") == [FLAG] * 40
