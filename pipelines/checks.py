"""What must hold of the material: predicates over tables, each a list of findings.

Holds: conservation (nothing disappears), unique ids, boxes inside their page, reading order,
readings that fit their column, approvals that are complete, works that never cross a split,
and rights that may stand in one export. An empty list means that the check holds.

Keeps out: which check blocks which asset (``assets.checks``), and repairs: a check only says
what it found, on which item, and what was expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from pipelines.errors import RightsError
from pipelines.geometry import Box, horizontal_overlap, vertical_overlap
from pipelines.ids import split_of
from pipelines.records import (
    Column,
    Decision,
    Page,
    Reading,
    Review,
    Sample,
    Split,
    Work,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that should not be: the check's name, the item, and the sentence for people."""

    check: str
    item_id: str
    message: str


def conservation(stage: str, *, taken: int, accepted: int, rejected: int) -> list[Finding]:
    """In = accepted + rejected, for stages where one item makes one."""
    if taken == accepted + rejected:
        return []
    message = (
        f"{stage} took {taken} items but accounts for {accepted + rejected} "
        f"({accepted} accepted, {rejected} rejected)."
    )
    return [Finding(check="conservation", item_id=stage, message=message)]


def unanswered(stage: str, parents: Iterable[str], answered: Iterable[str]) -> list[Finding]:
    """Every parent has a child or a rejection, and no child has a parent that was not taken.

    For stages where one item makes many. ``answered`` holds the parent ids of the accepted
    records and of the rejections.
    """
    expected, found = set(parents), set(answered)
    findings = [
        Finding(
            check="unanswered",
            item_id=item,
            message=f"{stage} took {item} and returned neither a record nor a rejection for it.",
        )
        for item in sorted(expected - found)
    ]
    return findings + [
        Finding(
            check="unanswered",
            item_id=item,
            message=f"{stage} returned records of {item}, which it was not given.",
        )
        for item in sorted(found - expected)
    ]


def unique_ids(table: str, ids: Iterable[str]) -> list[Finding]:
    """No id stands twice in a table."""
    return [
        Finding(check="unique_ids", item_id=item, message=f"{table} holds {item} {count} times.")
        for item, count in Counter(ids).items()
        if count > 1
    ]


def boxes_inside_page(columns: Iterable[Column], pages: Iterable[Page]) -> list[Finding]:
    """Columns and their characters lie on their page, and characters in their column."""
    sizes = {page.page_id: Box(0, 0, page.width, page.height) for page in pages}
    findings = []
    for column in columns:
        page = sizes.get(column.page_id)
        if page is None:
            findings.append(
                _box_finding(column.column_id, f"its page {column.page_id} is in no table")
            )
            continue
        if not _contains(page, column.box):
            findings.append(
                _box_finding(column.column_id, f"{column.box} leaves its page of {page}")
            )
        findings += [
            _box_finding(character.character_id, f"{character.box} leaves its column {column.box}")
            for character in column.characters
            if not _contains(column.box, character.box)
        ]
    return findings


def reading_order(columns: Iterable[Column]) -> list[Finding]:
    """Columns count 0, 1, 2… from the right, characters stand from top to bottom.

    Two columns are compared only where they stand beside each other (half of the shorter one):
    a page may hold two registers. Inside a column reading may go up again only to the left, from
    the right row of a double-row note to its left one. What is marked as uncertain waits for a
    person and passes, and so does the order of columns that a person gave.
    """
    findings = []
    by_page = sorted(columns, key=lambda column: (column.page_id, column.column_index))
    for page_id, group in groupby(by_page, key=lambda column: column.page_id):
        ordered = list(group)
        indices = [column.column_index for column in ordered]
        if indices != list(range(len(ordered))):
            message = f"The columns of page {page_id} are numbered {indices}, not 0, 1, 2…"
            findings.append(Finding(check="reading_order", item_id=page_id, message=message))
        for first, second in pairwise(ordered):
            if first.is_order_uncertain or second.is_order_uncertain or first.layout_id:
                continue
            is_beside = vertical_overlap(first.box, second.box) > 0.5
            if is_beside and _line_of(second, first.box) > _line_of(first, second.box):
                message = (
                    f"Column {second.column_index} of page {page_id} at {second.box} stands to "
                    f"the right of column {first.column_index} at {first.box}."
                )
                findings.append(
                    Finding(check="reading_order", item_id=second.column_id, message=message)
                )
        findings += [finding for column in ordered for finding in _characters_in_order(column)]
    return findings


def readings_fit(readings: Iterable[Reading], columns: Iterable[Column]) -> list[Finding]:
    """A reading answers for every character of its column, each with at most one character."""
    expected = {
        column.column_id: [character.character_id for character in column.characters]
        for column in columns
    }
    findings = []
    for reading in readings:
        found = [character.character_id for character in reading.characters]
        problem = ""
        if reading.column_id not in expected:
            problem = f"its column {reading.column_id} is in no table"
        elif found != expected[reading.column_id]:
            problem = (
                f"it answers for {len(found)} characters, its column "
                f"{reading.column_id} has {len(expected[reading.column_id])} (or other ones)"
            )
        elif any(len(character.text) > 1 for character in reading.characters):
            problem = "a box holds more than one character"
        elif any(not 0 <= character.score <= 1 for character in reading.characters):
            problem = "a score lies outside 0 to 1"
        if problem:
            findings.append(
                Finding(
                    check="readings_fit",
                    item_id=reading.reading_id,
                    message=f"Reading {reading.reading_id}: {problem}.",
                )
            )
    return findings


def approvals_complete(reviews: Iterable[Review]) -> list[Finding]:
    """An approved column has text, one character a box, and names who approved it."""
    findings = []
    for review in reviews:
        if review.decision is not Decision.APPROVED:
            continue
        problem = ""
        if not review.characters:
            problem = "it is approved without any character"
        elif any(len(c.canonical) != 1 for c in review.characters):
            problem = "a box does not hold exactly one character (□ where nobody can tell)"
        elif not review.annotator:
            problem = "nobody is named as the annotator"
        if problem:
            findings.append(
                Finding(
                    check="approvals_complete",
                    item_id=review.review_id,
                    message=f"Review {review.review_id} of column {review.column_id}: {problem}.",
                )
            )
    return findings


def split_leak(
    samples: Iterable[Sample], held_out: Mapping[str, Split] | None = None
) -> list[Finding]:
    """A work, and the very same ink, stand in one split alone, the one that the hash says.

    Args:
        samples: What training may see and what it is judged on.
        held_out: Ink keys that were frozen earlier, with their split.
    """
    findings = []
    split_of_ink = dict(held_out or {})
    for sample in samples:
        expected = split_of(sample.work.work_id)
        first_seen = split_of_ink.setdefault(sample.ink_key, sample.split)
        problem = ""
        if sample.split is not expected:
            problem = f"its work {sample.work.work_id} belongs to {expected}"
        elif first_seen is not sample.split:
            problem = f"the same ink stands in {first_seen}"
        if problem:
            findings.append(
                Finding(
                    check="split_leak",
                    item_id=sample.sample_id,
                    message=f"Sample {sample.sample_id} is in {sample.split}, but {problem}.",
                )
            )
    return findings


def rights_named(works: Iterable[Work]) -> list[Finding]:
    """Every work says who may use it how, and where it comes from."""
    return [
        Finding(
            check="rights_named",
            item_id=work.work_id,
            message=f"The work {work.title!r} has no {field}; add it to its sidecar file.",
        )
        for work in {work.work_id: work for work in works}.values()
        for field in ("rights", "source")
        if not getattr(work, field).strip()
    ]


def rights_mixture(works: Iterable[Work]) -> list[Finding]:
    """Whether the works may stand in one derived, published data set.

    No-derivatives works (ND) may not be cut and annotated at all; a share-alike work (SA) asks
    for its own licence on the whole, so it mixes with no other share-alike licence and with no
    non-commercial one (NC) but its own; unknown rights mix with nothing. Licences are compared
    by their words, as in ``CC BY-SA 4.0`` or ``CC-BY-SA-4.0``: careful, and no legal advice.
    """
    by_id = {work.work_id: work for work in works}
    findings = rights_named(by_id.values())
    licences = {work_id: _licence_words(work.rights) for work_id, work in by_id.items()}
    for work_id, words in licences.items():
        if words & {"ND", "UNKNOWN"}:
            message = (
                f"{by_id[work_id].title!r} (rights: {by_id[work_id].rights}) allows no derived "
                f"work that anybody knows of; leave it out of the export."
            )
            findings.append(Finding(check="rights_mixture", item_id=work_id, message=message))
    for work_id, words in licences.items():
        rivals = [
            other_id
            for other_id, other in licences.items()
            if "SA" in words and other != words and ("SA" in other or "NC" in other)
        ]
        if rivals:
            work, rival = by_id[work_id], by_id[rivals[0]]
            message = (
                f"{work.title!r} ({work.rights}) asks for its own licence on the whole, which "
                f"{rival.title!r} ({rival.rights}) does not allow; export them apart."
            )
            findings.append(Finding(check="rights_mixture", item_id=work_id, message=message))
    return findings


def refuse_mixture(works: Iterable[Work]) -> None:
    """Raise what :func:`rights_mixture` found.

    Raises:
        RightsError: If the works may not stand in one export.
    """
    findings = rights_mixture(works)
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise RightsError(findings[0].message + more, reason="rights_mixture")


def _licence_words(rights: str) -> frozenset[str]:
    return frozenset(rights.upper().replace("-", " ").split())


def _box_finding(item_id: str, problem: str) -> Finding:
    return Finding(
        check="boxes_inside_page", item_id=item_id, message=f"The box of {item_id}: {problem}."
    )


def _contains(outer: Box, inner: Box) -> bool:
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


def _line_of(column: Column, beside: Box) -> float:
    """Where a column stands at the heights of another: a slanted one is elsewhere on the whole."""
    near = [
        character.box.center[0]
        for character in column.characters
        if beside.top <= character.box.center[1] <= beside.bottom
    ]
    return median(near) if near else column.box.center[0]


def _characters_in_order(column: Column) -> list[Finding]:
    if column.is_order_uncertain:
        return []
    return [
        Finding(
            check="reading_order",
            item_id=column.column_id,
            message=(
                f"Column {column.column_id}: the character at {second.box} stands above the one "
                f"before it, at {first.box}."
            ),
        )
        for first, second in pairwise(column.characters)
        if second.box.center[1] < first.box.center[1]
        and not _starts_next_row(first.box, second.box)
    ]


def _starts_next_row(first: Box, second: Box) -> bool:
    is_left = second.center[0] < first.center[0]
    return is_left and horizontal_overlap(first, second) < 0.5
