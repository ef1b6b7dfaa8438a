"""What follows what: counted, kept in a file, and weighed against the look of characters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ModelError
from pipelines.texts import Text
from training.context import CONTEXT_FILE, PairModel, PairParams, in_context, pairs_of_texts
from training.vocabulary import Vocabulary

TABLE = Vocabulary(tuple("天地玄黃宇宙洪荒日月"))
PROSE = "天地玄黃宇宙洪荒"


def text(body, file="prose/a.txt"):
    return Text(title="t", author="", body=body, file=file)


def ids(characters):
    return np.array([TABLE.index[c] for c in characters], np.int64)


@pytest.fixture
def model():
    return pairs_of_texts([text(PROSE), text(PROSE), text("天日月")], TABLE, PairParams(least=0.0))


def test_chances_after_a_character_add_up_to_one(model):
    every = np.arange(len(TABLE))
    for first in every:
        assert model.follows(np.array(first), every).sum() == pytest.approx(1, abs=1e-3)


def test_what_followed_often_follows_likelier(model):
    earth, sun, moon = model.follows(ids("天天天"), ids("地日月"))
    assert earth > sun > moon > 0


def test_texts_do_not_run_into_one_another(model):
    after_the_end, never = model.follows(ids("荒荒"), ids("天宙"))
    assert after_the_end / model.common[TABLE.index["天"]] == pytest.approx(
        never / model.common[TABLE.index["宙"]]
    )


def test_an_unknown_character_parts_its_neighbours():
    model = pairs_of_texts([text("天鬱地")] * 5, TABLE, PairParams(least=0.0))
    assert not len(model.pairs)
    assert model.follows(ids("天"), ids("地")) == pytest.approx(model.common[TABLE.index["地"]])


def test_a_large_collection_does_not_drown_a_small_one():
    params = PairParams(full_weight=100, least=0.0)
    verse = text("天日" * 5000, "verse/b.txt")
    prose = text("天地" * 50, "prose/a.txt")
    model = pairs_of_texts([verse, prose], TABLE, params)
    sun, earth = model.follows(ids("天天"), ids("日地"))
    assert 1 < sun / earth < 20, "a hundred times as often, and ten times the weight"


def test_texts_without_known_characters_are_refused():
    with pytest.raises(ModelError, match="no character of the table"):
        pairs_of_texts([text("鬱鬱")], TABLE)
    with pytest.raises(ModelError, match="no character of the table"):
        pairs_of_texts([], TABLE)


def test_the_file_brings_the_same_back(model, tmp_path):
    model.save(tmp_path / CONTEXT_FILE)
    again = PairModel.load(tmp_path / CONTEXT_FILE, TABLE)
    every = np.arange(len(TABLE))
    np.testing.assert_allclose(
        again.follows(every[:, None], every[None]),
        model.follows(every[:, None], every[None]),
        atol=1e-3,
    )


def test_a_file_of_another_table_or_half_a_file_is_refused(model, tmp_path):
    path = tmp_path / CONTEXT_FILE
    model.save(path)
    with pytest.raises(ModelError, match="character table"):
        PairModel.load(path, Vocabulary(tuple("天地")))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ModelError, match="python -m training context"):
        PairModel.load(path, TABLE)


def test_neighbours_decide_between_two_that_look_alike(model):
    candidates = np.stack([ids("天日"), ids("月地"), ids("玄月")])
    looks = np.array([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]])
    chances = in_context(model, candidates, looks, 1.0)
    best = np.take_along_axis(candidates, chances.argmax(axis=1)[:, None], axis=1)[:, 0]
    assert "".join(TABLE.characters[k] for k in best) == "天地玄"
    np.testing.assert_allclose(in_context(model, candidates, looks, 0.0), looks)


def by_hand(model, candidates, looks, weight):
    """Every sequence of candidates, one by one."""
    count, width = looks.shape
    sums = np.zeros_like(looks)
    for chosen in np.ndindex(*[width] * count):
        row = [candidates[k, c] for k, c in enumerate(chosen)]
        chance = float(model.common[row[0]]) ** weight
        for a, b in zip(row, row[1:], strict=False):
            chance *= float(model.follows(np.array(a), np.array(b))) ** weight
        for k, c in enumerate(chosen):
            chance *= looks[k, c]
        for k, c in enumerate(chosen):
            sums[k, c] += chance
    return sums / sums.sum(axis=1, keepdims=True)


@given(st.integers(0, 10**6), st.integers(1, 4), st.floats(0, 1.5))
def test_the_sums_are_those_over_every_sequence(seed, count, weight):
    model = pairs_of_texts([text(PROSE), text("天日月黃")], TABLE, PairParams(least=0.0))
    rng = np.random.default_rng(seed)
    candidates = np.stack([rng.permutation(len(TABLE))[:3] for _ in range(count)])
    looks = rng.uniform(0.01, 1, (count, 3))
    np.testing.assert_allclose(
        in_context(model, candidates, looks, weight),
        by_hand(model, candidates, looks, weight),
        atol=1e-9,
    )


def test_a_character_outside_the_table_counts_as_the_rarest(model):
    assert model.follows(np.array(-1), ids("天")) == pytest.approx(
        model.remaining[-1] * model.common[TABLE.index["天"]]
    )
