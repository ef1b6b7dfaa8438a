"""Approved columns as training material: what people signed, cut out, split and conditioned.

Holds: reviews -> Sample | Rejection. A column enters approved or as ground truth, and leaves when
its approval is revoked. Its work decides
its split (``pipelines.ids.split_of``), the same ink never stands in two splits, and
characters that nobody can read stay in their place as □, so that their neighbours remain
neighbours; a trainer masks them. Characters of a seal are left out.

Keeps out: who may approve (``annotation``), how windows are cut from a sample
(``pipelines.windows``), synthetic columns (``pipelines.synthesis``), tensors (``training``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box, union
from pipelines.ids import derive_id, split_of
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.prompts import style_prompt
from pipelines.records import (
    Column,
    Decision,
    Mark,
    Origin,
    Page,
    Rejection,
    Review,
    Sample,
    SampleCharacter,
    Split,
)
from pipelines.store import Store
from pipelines.wording import Wording

Ink = npt.NDArray[np.uint8]

STAGE = "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleParams:
    """What a column must have to be trained on, and the words of its prompt.

    Attributes:
        min_legible_characters: Characters of it that somebody could read, at least.
        wording: Other words than the bundled ones.
    """

    min_legible_characters: int = 1
    wording: Wording | None = None


def samples_from_reviews(
    reviews: Iterable[Review],
    columns: Iterable[Column],
    pages: Iterable[Page],
    store: Store,
    *,
    code_version: str,
    params: SampleParams | None = None,
    held_out: Mapping[str, Split] | None = None,
) -> Iterator[Sample | Rejection]:
    """One sample or one rejection a review.

    Where a column was reviewed more than once, a person outranks the simulated annotator, and
    then the latest decision counts; the others are rejected as ``superseded``.

    Args:
        reviews: Decisions of people, of any kind.
        columns: The columns they speak of.
        pages: Their pages: an annotator may have drawn a box outside the column, which is then
            cut anew from the ink of the page, and the polarity is recorded there.
        store: Holds the ink; new cuts are put into it.
        code_version: Goes into every sample.
        params: What a column must have.
        held_out: Ink keys of samples made earlier (other batches), with their split.

    Yields:
        Rejections carry one of the reasons ``not_approved``, ``needs_expert``, ``sent_back``,
        ``revoked``, ``awaits_approval``, ``superseded``,
        ``column_missing``, ``page_missing``, ``work_mismatch``, ``empty``, ``seal``,
        ``outside_page``, ``illegible``, ``split_leak``.
    """
    limits = params or SampleParams()
    column_of = {column.column_id: column for column in columns}
    page_of = {page.page_id: page for page in pages}
    split_of_ink = dict(held_out or {})
    ordered = sorted(reviews, key=_rank)
    decided: set[str] = set()
    # What is judged on comes first, so that a doubled picture leaves the training side.
    for review in sorted(ordered, key=lambda r: split_of(r.work.work_id) is Split.TRAIN):
        if review.column_id in decided:
            yield _reject(review, "superseded", "another review of this column outranks it")
            continue
        decided.add(review.column_id)
        outcome = _sample(
            review,
            column_of.get(review.column_id),
            page_of.get(review.page_id),
            store,
            code_version,
            limits,
        )
        if isinstance(outcome, Sample):
            first_seen = split_of_ink.setdefault(outcome.ink_key, outcome.split)
            if first_seen is not outcome.split:
                yield _reject(review, "split_leak", f"the same ink stands in {first_seen}")
                continue
        yield outcome


def sample_id_of(review_id: str, content_hash: str) -> str:
    """The id of the sample that this content of a review makes, whenever it is made."""
    return derive_id(review_id, content_hash, STAGE)


def _rank(review: Review) -> tuple[str, bool, float, str]:
    """Reviews of one column, the one that counts first."""
    return (
        review.column_id,
        review.is_simulated,
        -review.reviewed_at.timestamp(),
        review.review_id,
    )


def _sample(
    review: Review,
    column: Column | None,
    page: Page | None,
    store: Store,
    code_version: str,
    params: SampleParams,
) -> Sample | Rejection:
    if review.decision is Decision.NEEDS_EXPERT:
        return _reject(review, "needs_expert", "an annotator left the column to an expert")
    if review.decision is not Decision.APPROVED:
        return _reject(review, "not_approved", "an annotator rejected the column")
    if review.returned is not None:
        return _reject(review, review.returned.value, review.returned_detail.rstrip("."))
    if not review.is_approved:
        return _reject(review, "awaits_approval", "a second person has not approved it yet")
    if column is None:
        return _reject(review, "column_missing", f"no table holds the column {review.column_id}")
    if page is None:
        return _reject(review, "page_missing", f"no table holds the page {review.page_id}")
    if not review.work.work_id == column.work.work_id == page.work.work_id:
        works = f"{review.work.work_id}, {column.work.work_id} and {page.work.work_id}"
        return _reject(review, "work_mismatch", f"review, column and page name the works {works}")
    if not review.characters:
        return _reject(review, "empty", "it was approved without a character")
    # A carved seal is no ink of the hand: its characters are neither read nor written from.
    characters = [c for c in review.characters if Mark.SEAL not in c.marks]
    if not characters:
        return _reject(review, "seal", "every character of it belongs to a seal")
    legible_count = sum(not character.is_illegible for character in characters)
    if legible_count < params.min_legible_characters:
        return _reject(review, "illegible", f"{legible_count} characters of it can be read")
    boxes = [character.box for character in characters]
    if any(box.clipped(page.width, page.height) != box for box in boxes):
        return _reject(
            review, "outside_page", f"a box leaves its page of {page.width} x {page.height} pixels"
        )
    place, ink_key = _cut(column, boxes, page, store)
    return Sample(
        sample_id=sample_id_of(review.review_id, review.content_hash),
        column_id=column.column_id,
        page_id=page.page_id,
        work=review.work,
        split=split_of(review.work.work_id),
        origin=Origin.SIMULATED_REVIEW if review.is_simulated else Origin.REVIEW,
        ink_key=ink_key,
        polarity=page.polarity,
        characters=tuple(
            SampleCharacter(
                box=character.box.moved(-place.left, -place.top),
                written=character.written,
                canonical=character.canonical,
                is_damaged=character.is_damaged,
            )
            for character in characters
        ),
        prompt=style_prompt(review.work, page.polarity, params.wording),
        review_id=review.review_id,
        code_version=code_version,
    )


def _cut(column: Column, boxes: list[Box], page: Page, store: Store) -> tuple[Box, str]:
    """Where the sample's picture lies on the page, and its key: the column's own, or a new cut.

    The column's own ink is without what its neighbours hold, so that a box that a person drew
    anew asks for another cut: it may lie on just that.
    """
    place = union([column.box, *boxes])
    if place == column.box and {c.box for c in column.characters}.issuperset(boxes):
        return place, column.ink_key
    ink: Ink = decode_png(store.get(page.ink_key))
    cut = ink[place.top : place.bottom, place.left : place.right]
    return place, store.put(encode_png(cut), ".png")


def _reject(review: Review, reason: str, detail: str) -> Rejection:
    return Rejection(
        item_id=review.review_id,
        stage=STAGE,
        reason=reason,
        detail=f"Review {review.review_id} of column {review.column_id}: {detail}.",
    )
