"""Which works look like one hand."""

from dataclasses import replace

from pipelines.hand_styles import Hand, alike
from pipelines.records import Script


def a_hand(work_id, angle_cosine=1.0, **changed):
    vector = (angle_cosine, (1 - angle_cosine**2) ** 0.5)
    hand = Hand(
        work_id=work_id, calligrapher="unknown", script=Script.REGULAR, vector=vector,
        references=5, spread=0.1, is_one_hand=True, nearest_hand="x", distance=0.1, threshold=0.2,
        is_rejected=False, near_works=(), model_fingerprint="m", code_version="test",
    )  # fmt: skip
    return replace(hand, **changed)


def test_works_no_farther_apart_than_one_hand_share_a_look():
    found = alike([a_hand("b"), a_hand("a", 0.9), a_hand("c", 0.0)])
    assert found == {"a": "a", "b": "a", "c": "c"}


def test_works_that_others_link_are_alike():
    links = [a_hand("c", 0.70), a_hand("a", 1.0), a_hand("b", 0.92)]
    assert links[0].threshold < 1 - 0.70  # a and c alone are not
    assert set(alike(links).values()) == {"a"}


def test_the_smaller_threshold_holds_and_models_are_not_compared():
    near = a_hand("b", 0.9)
    assert alike([a_hand("a"), replace(near, threshold=0.05)])["b"] == "b"
    assert alike([a_hand("a"), replace(near, model_fingerprint="other")])["b"] == "b"
    assert alike([]) == {}
