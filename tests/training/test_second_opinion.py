"""Two readers weighed against each other."""

import numpy as np
import pytest

from training.roles import NOTHING, Proposal
from training.second_opinion import Candidates, heeding

TORN = Candidates(("未", "末", "木"), np.array([0.5, 0.45, 0.05]), 0.0)


def said(text, score):
    return Proposal(text=text, score=score, margin=score, candidates=((text, score),))


def best(candidates):
    return candidates.texts[int(candidates.chances.argmax())]


def test_a_sure_second_reader_decides_between_two_that_look_alike():
    assert best(heeding(TORN, said("末", 0.95))) == "末"


def test_an_unsure_one_does_not_overrule_a_clear_look():
    clear = Candidates(("未", "末"), np.array([0.9999, 0.0001]), 0.0)
    assert best(heeding(clear, said("末", 0.05))) == "未"


def test_a_character_that_was_not_listed_is_added_and_may_win():
    heeded = heeding(TORN, said("鬱", 0.99))
    assert heeded.texts == ("未", "末", "木", "鬱")
    assert best(heeded) == "鬱"
    assert best(heeding(TORN, said("鬱", 0.1))) == "未"


def test_who_names_nothing_changes_nothing():
    assert heeding(TORN, NOTHING) is TORN


@pytest.mark.parametrize("score", [-1.0, 0.0, 1.0, 7.0])
def test_any_score_leaves_finite_chances(score):
    assert np.isfinite(heeding(TORN, said("末", score)).chances).all()


def test_nothing_is_written_into_what_was_given():
    before = TORN.chances.copy()
    heeding(TORN, said("末", 0.9))
    assert np.array_equal(TORN.chances, before)
