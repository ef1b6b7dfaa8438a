"""What rare hands lack, and that what a model writes for them stays synthetic."""

from dataclasses import replace

from pipelines.augmentations import AugmentationParams, lacks, written_sample
from pipelines.geometry import Box
from pipelines.records import ILLEGIBLE, Origin, Script, Split
from tests.pipelines.examples import a_sample

PARAMS = AugmentationParams(budget=6, fewest_known=2, rare_hand=10, commonest=20, in_column=2)
COMMONEST = tuple("之不人有大天一中上下")


def shown(text, *, calligrapher="Wang", split=Split.TRAIN, script=Script.RUNNING):
    sample = a_sample(text)
    work = replace(sample.work, calligrapher=calligrapher, script=script)
    return replace(sample, work=work, split=split)


def test_what_a_hand_lacks_is_the_commonest_that_it_has_not():
    (lack,) = lacks([shown("之人大")], COMMONEST, PARAMS)
    assert lack.texts == ("不有", "天一", "中上")
    assert (lack.calligrapher, lack.script) == ("Wang", Script.RUNNING)


def test_what_stands_nowhere_comes_first():
    found = lacks([shown("之人"), shown("不有大", calligrapher="Yan")], COMMONEST, PARAMS)
    assert [lack.calligrapher for lack in found] == ["Wang", "Yan"]
    assert found[0].texts == ("天一", "中")
    assert found[1].texts == ("天一", "中")


def test_known_hands_and_hands_hardly_seen_are_left_alone():
    assert lacks([shown("之")], COMMONEST, PARAMS) == []
    assert lacks([shown("之不人有大天一中上下")], COMMONEST, PARAMS) == []
    assert lacks([], COMMONEST, PARAMS) == []


def test_nothing_is_learned_from_what_is_judged_on():
    assert lacks([shown("之人大", split=Split.TEST)], COMMONEST, PARAMS) == []
    (lack,) = lacks([shown("之人大"), shown("不", split=Split.VALIDATION)], COMMONEST, PARAMS)
    assert len(lack.samples) == 1
    assert lack.texts[0] == "不有"


def test_what_nobody_can_read_is_not_known():
    (lack,) = lacks([shown(f"之人{ILLEGIBLE}")], COMMONEST, PARAMS)
    assert lack.texts[0] == "不有"


def test_the_budget_is_shared_to_the_last_character():
    found = lacks(
        [shown("之人"), shown("之人", calligrapher="Yan"), shown("之人", calligrapher="Su")],
        COMMONEST,
        replace(PARAMS, budget=7),
    )
    assert sum(len(text) for lack in found for text in lack.texts) == 7


def test_what_was_written_is_synthetic_and_says_by_whom():
    (lack,) = lacks([shown("之人大")], COMMONEST, PARAMS)
    boxes = (Box(0, 0, 9, 9), Box(0, 10, 9, 19))
    made = written_sample(
        lack, "不有", boxes, "ink", unreadable={1}, model="0123", code_version="test"
    )
    assert made.origin is Origin.SYNTHETIC
    assert made.work.is_synthetic
    assert made.split is Split.TRAIN
    assert "0123" in made.work.source
    assert made.work.rights == lack.samples[0].work.rights
    assert [c.canonical for c in made.characters] == ["不", ILLEGIBLE]
    assert [c.box for c in made.characters] == list(boxes)
    assert made.review_id == ""
    again = written_sample(
        lack, "不有", boxes, "ink", unreadable=(), model="0123", code_version="test"
    )
    assert again.sample_id == made.sample_id
