"""Characters that two readers read the same on pages nobody has labelled."""

from dataclasses import replace
from itertools import islice

import pytest

from pipelines.geometry import Box
from pipelines.ids import split_of
from pipelines.records import (
    ILLEGIBLE,
    Character,
    CharacterReading,
    Column,
    Decision,
    Origin,
    Page,
    Reader,
    Reading,
    Rejection,
    Review,
    Sample,
    Script,
    Split,
    Work,
)
from pipelines.weak_labels import (
    WeakLabelParams,
    agreed_characters,
    weak_samples,
    weak_samples_in,
)
from tests.pipelines.examples import a_page, a_review

SURE = 0.95


def work_in(split):
    ids = (f"work-{number}" for number in range(1000))
    (found,) = islice((i for i in ids if split_of(i) is split), 1)
    return Work(
        work_id=found, title=found, calligrapher="unknown", script=Script.REGULAR,
        rights="CC0", source="test",
    )  # fmt: skip


TRAIN = work_in(Split.TRAIN)


def reading(texts, *, reader=Reader.UNICALLI, alone=None, scores=None, work=TRAIN, column="c1"):
    """``alone`` is what the reader named before it heeded another; as the text if not given."""
    return Reading(
        reading_id=f"{reader}-{column}", column_id=column, page_id="p1", work=work, reader=reader,
        release_id="r",
        characters=tuple(
            CharacterReading(
                character_id=f"{column}-{k}", box=Box(10, 10 * k, 20, 10 * k + 8), text=text,
                score=SURE, margin=0.5, candidates=(), alone=(alone or texts)[k],
                alone_score=scores[k] if scores else SURE,
            )
            for k, text in enumerate(texts)
        ),
    )  # fmt: skip


def second(texts, **options):
    return reading(texts, reader=Reader.RAPIDOCR, **options)


def column(count, work=TRAIN, column_id="c1"):
    return Column(
        column_id=column_id, page_id="p1", work=work, column_index=0, box=Box(5, 0, 25, 100),
        characters=tuple(
            Character(character_id=f"{column_id}-{k}", box=Box(10, 10 * k, 20, 10 * k + 8),
                      confidence=1.0)
            for k in range(count)
        ),
        image_key="image", ink_key="ink", order_confidence=1.0, is_order_uncertain=False,
        code_version="test",
    )  # fmt: skip


@pytest.fixture
def page(store):
    return replace(a_page(TRAIN, store), page_id="p1")


@pytest.fixture
def outcome(page):
    def of_one(first, other, reviewed=()):
        (found,) = weak_samples(
            [column(len(first.characters), first.work)], {"p1": page}, {"c1": first},
            {"c1": other} if other else {}, reviewed, code_version="test",
        )  # fmt: skip
        return found

    return of_one


def test_where_the_readers_differ_nothing_is_said(outcome):
    sample = outcome(reading("天地玄"), second("天也玄"))
    assert isinstance(sample, Sample)
    assert [c.canonical for c in sample.characters] == ["天", ILLEGIBLE, "玄"]
    assert [c.box.left for c in sample.characters] == [5, 5, 5], "pixels of the column"


def test_a_weak_sample_is_nobodys_approval(outcome):
    sample = outcome(reading("天地"), second("天地"))
    assert (sample.origin, sample.review_id, sample.split) == (Origin.WEAK, "", Split.TRAIN)


def test_a_reader_that_heeded_the_other_agrees_with_it_for_nothing():
    heeding = reading("天地玄", alone="人人玄")
    assert agreed_characters(heeding, second("天地玄"), WeakLabelParams()) == {"c1-2": "玄"}


def test_variants_agree_and_refusals_do_not():
    agreed = agreed_characters(
        reading(["為", "", "天"]), second(["爲", "", "天"]), WeakLabelParams()
    )
    assert list(agreed) == ["c1-0", "c1-2"]


@pytest.mark.parametrize(("ours", "theirs"), [(0.1, SURE), (SURE, 0.1)])
def test_doubt_of_either_reader_is_no_agreement(outcome, ours, theirs):
    rejection = outcome(reading("天地", scores=[ours] * 2), second("天地", scores=[theirs] * 2))
    assert rejection.reason == "no_agreement"


@pytest.mark.parametrize("split", [Split.VALIDATION, Split.TEST])
def test_works_that_readers_are_judged_on_give_none(outcome, split):
    work = work_in(split)
    rejection = outcome(reading("天地", work=work), second("天地", work=work))
    assert rejection.reason == "held_out"


def test_people_outrank_machines(outcome):
    assert outcome(reading("天地"), second("天地"), reviewed={"c1"}).reason == "reviewed"


def test_one_reader_alone_is_no_agreement(outcome):
    assert outcome(reading("天地"), None).reason == "not_read"


@pytest.mark.parametrize("decision", list(Decision))
def test_everything_in_the_tables_is_a_sample_or_a_rejection(tables, page, decision):
    columns = [column(2, column_id=name) for name in ("c1", "c2")]
    tables.write("columns", "b1", Column, columns)
    tables.write("pages", "b1", Page, [page])
    readings = [reading("天地", column=c.column_id) for c in columns]
    seconds = [second("天地", column=c.column_id) for c in columns]
    tables.write("readings", "b1", Reading, readings)
    assert list(weak_samples_in(tables, code_version="test")) == []
    tables.write("second_readings", "b1", Reading, seconds)
    review = replace(a_review(columns[0], "天地"), decision=decision)
    tables.write("reviews", "b1", Review, [review])
    first, other = weak_samples_in(tables, code_version="test")
    assert isinstance(first, Rejection)
    assert (first.item_id, first.reason) == ("c1", "reviewed")
    assert isinstance(other, Sample)
    assert other.column_id == "c2"
    assert tables.batches("samples") == [], "what nobody approved is no sample"
