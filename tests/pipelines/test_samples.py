from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from pipelines.checks import split_leak
from pipelines.ids import split_of
from pipelines.imaging.codec import decode_png
from pipelines.records import (
    Decision,
    Mark,
    Origin,
    Rejection,
    Sample,
    Split,
)
from pipelines.samples import samples_from_reviews
from tests.pipelines.examples import a_column, a_page, a_review, a_work


@pytest.fixture
def page(store):
    return a_page(a_work(), store)


@pytest.fixture
def ink(page, store):
    return decode_png(store.get(page.ink_key))


@pytest.fixture
def column(page, store, ink):
    return a_column(page, store, ink)


@pytest.fixture
def make(page, column, store):
    """Samples and rejections of some reviews of the column."""

    def run(*reviews, columns=(column,), pages=(page,), held_out=None):
        return list(
            samples_from_reviews(
                reviews, columns, pages, store, code_version="test", held_out=held_out
            )
        )

    return run


def reasons(outcomes):
    return [outcome.reason for outcome in outcomes if isinstance(outcome, Rejection)]


def test_an_approved_column_becomes_a_sample(make, column, store, ink):
    [sample] = make(a_review(column))
    assert isinstance(sample, Sample)
    assert "".join(character.canonical for character in sample.characters) == "天地玄黃宇"
    assert sample.split is split_of(column.work.work_id)
    assert sample.origin is Origin.REVIEW
    assert sample.work.rights == "public domain"
    assert sample.prompt
    assert split_leak([sample]) == []
    picture = decode_png(store.get(sample.ink_key))
    for reviewed, character in zip(a_review(column).characters, sample.characters, strict=True):
        on_page = ink[
            reviewed.box.top : reviewed.box.bottom, reviewed.box.left : reviewed.box.right
        ]
        box = character.box
        assert np.array_equal(picture[box.top : box.bottom, box.left : box.right], on_page)


def test_a_box_drawn_outside_the_column_is_cut_anew(make, column, store, ink):
    review = a_review(column)
    wide = replace(review.characters[4], box=review.characters[4].box.padded(7, 3))
    [sample] = make(replace(review, characters=(*review.characters[:4], wide)))
    picture = decode_png(store.get(sample.ink_key))
    assert sample.ink_key != column.ink_key
    assert picture.shape == (103, 34)
    box = sample.characters[4].box
    assert np.array_equal(
        picture[box.top : box.bottom, box.left : box.right],
        ink[wide.box.top : wide.box.bottom, wide.box.left : wide.box.right],
    )


def test_a_second_run_makes_the_same_samples(make, column):
    assert make(a_review(column)) == make(a_review(column))


def test_what_was_not_approved_stays_out(make, column):
    rejected = a_review(column, decision=Decision.REJECTED)
    waiting = a_review(column, decision=Decision.NEEDS_EXPERT)
    assert reasons(make(rejected)) == ["not_approved"]
    assert reasons(make(waiting)) == ["needs_expert"]


def test_an_illegible_character_keeps_its_place(make, column):
    [sample] = make(a_review(column, "天□玄黃宇"))
    assert [character.canonical for character in sample.characters] == list("天□玄黃宇")
    assert reasons(make(a_review(column, "□□□□□"))) == ["illegible"]


def marked(review, mark, *places):
    characters = [
        replace(c, marks=(mark,)) if i in places else c for i, c in enumerate(review.characters)
    ]
    return replace(review, characters=tuple(characters))


def test_a_seal_is_no_ink_of_the_hand(make, column):
    [sample] = make(marked(a_review(column), Mark.SEAL, 3, 4))
    assert [character.canonical for character in sample.characters] == list("天地玄")
    assert reasons(make(marked(a_review(column), Mark.SEAL, 0, 1, 2, 3, 4))) == ["seal"]
    [signed] = make(marked(a_review(column), Mark.SIGNATURE, 3, 4))
    assert len(signed.characters) == 5


def test_a_person_outranks_the_simulated_annotator(make, column):
    person = a_review(column, review_id="person")
    later = person.reviewed_at + timedelta(days=1)
    machine = a_review(
        column, "天地玄黃由", review_id="machine", is_simulated=True, reviewed_at=later
    )
    outcomes = make(machine, person)
    [sample] = [outcome for outcome in outcomes if isinstance(outcome, Sample)]
    assert sample.review_id == "person"
    assert reasons(outcomes) == ["superseded"]
    [alone] = make(machine)
    assert alone.origin is Origin.SIMULATED_REVIEW


def test_the_latest_decision_counts(make, column):
    first = a_review(column, review_id="first")
    later = first.reviewed_at + timedelta(days=1)
    second = a_review(column, review_id="second", decision=Decision.REJECTED, reviewed_at=later)
    assert sorted(reasons(make(first, second))) == ["not_approved", "superseded"]


def test_what_does_not_belong_together_is_refused(make, column, page):
    review = a_review(column)
    assert reasons(make(review, columns=())) == ["column_missing"]
    assert reasons(make(review, pages=())) == ["page_missing"]
    assert reasons(make(replace(review, work=a_work("another")))) == ["work_mismatch"]
    assert reasons(make(replace(review, characters=()))) == ["empty"]
    assert reasons(make(review, pages=(replace(page, width=70),))) == ["outside_page"]


def test_the_same_ink_never_stands_in_two_splits(make, column):
    other = next(split for split in Split if split is not split_of(column.work.work_id))
    outcomes = make(a_review(column), held_out={column.ink_key: other})
    assert reasons(outcomes) == ["split_leak"]


def test_every_review_is_answered_once(make, column):
    reviews = [
        a_review(column, review_id="a"),
        a_review(column, review_id="b", decision=Decision.NEEDS_EXPERT),
        a_review(column, review_id="c", column_id="unknown"),
    ]
    outcomes = make(*reviews)
    answered = [getattr(o, "review_id", None) or getattr(o, "item_id", None) for o in outcomes]
    assert sorted(answered) == ["a", "b", "c"]
