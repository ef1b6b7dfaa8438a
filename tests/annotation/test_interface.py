"""The labelling interfaces, and the offline check against the SDK's own."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ElementTree

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from annotation import interface
from annotation.tasks import decision_item, region

PLACE = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 5.0, "rotation": 0}
TOOL_KEYS = set("bekmopruvwh[]z")
"""Keys that Label Studio's own tools take while a picture is shown."""


def good():
    texts = {interface.WRITTEN: "峯", interface.CANONICAL: "峰"}
    states = [interface.DAMAGED, interface.VARIANT]
    return [
        *region("r1", PLACE, texts=texts, states=states, width=80, height=400, pick=2),
        decision_item(interface.APPROVE),
    ]


def changed(index, **changes):
    result = copy.deepcopy(good())
    result[index] |= changes
    return result


def test_every_named_control_exists():
    controls = interface.column_interface().controls
    assert set(controls) == {
        interface.BOX,
        interface.PICK,
        interface.WRITTEN,
        interface.CANONICAL,
        interface.STATE,
        interface.DECISION,
        interface.NOTE,
        interface.SCRIPT,
        interface.CALLIGRAPHER,
    }
    assert controls[interface.PICK].values == set("12345")
    assert controls[interface.STATE].values == {
        *("damaged", "illegible", "variant"),
        *("signature", "seal", "small-note"),
    }
    assert controls[interface.DECISION].values == {"approve", "reject", "needs-expert"}
    assert set(interface.page_interface().controls) == {"layout", "order", "page_decision"}


@pytest.mark.parametrize("made", [interface.column_interface, interface.page_interface])
def test_the_sdk_takes_the_interface(made):
    parsed = LabelInterface(made().xml)
    parsed.validate()
    assert set(made().controls) == {control.name for control in parsed.controls}


@pytest.mark.parametrize("made", [interface.column_interface, interface.page_interface])
def test_hotkeys_are_unique_and_free(made):
    keys = [e.get("hotkey") for e in ElementTree.fromstring(made().xml).iter() if e.get("hotkey")]
    assert len(keys) == len(set(keys))
    assert not TOOL_KEYS & set(keys)


def test_the_decision_is_required():
    root = ElementTree.fromstring(interface.column_interface().xml)
    decision = root.find(".//Choices[@name='decision']")
    assert decision is not None
    assert decision.get("required") == "true"


def test_a_good_result_passes_here_and_in_the_sdk():
    assert interface.result_problems(good(), interface.column_interface()) == []
    parsed = LabelInterface(interface.column_interface().xml)
    prediction = {"model_version": "m", "score": 0.5, "result": good()}
    assert parsed.validate_prediction(prediction, return_errors=True) == []


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (changed(0, from_name="rect"), "uses the control 'rect'"),
        (changed(0, to_name="img"), "speaks about 'image'"),
        (changed(1, type="text"), "has type 'text'"),
        (changed(-1, value={"choices": ["perhaps"]}), r"has no \['perhaps'\]"),
        (changed(3, value={**PLACE, "choices": ["6"]}), r"'pick' has no \['6'\]"),
        (changed(1, value={**PLACE, "text": "峯"}), "list of strings"),
        (changed(0, value={**PLACE, "x": 90.0}), "percent run from 0 to 100"),
        (changed(1, value={**PLACE, "y": 21.0, "text": ["峯"]}), "two places"),
        (changed(0, value={"rotation": 0}), "has no place"),
        (changed(0, id=""), "Region ''"),
        ([*good(), good()[0]], "answers 'box' twice"),
    ],
)
def test_what_label_studio_would_swallow_is_refused(result, said):
    problems = interface.result_problems(result, interface.column_interface())
    assert len(problems) >= 1
    assert any(re.search(said, problem) for problem in problems), problems


def test_a_task_without_what_the_screen_shows_is_refused():
    problems = interface.task_problems({"data": {"image": "u"}}, interface.column_interface())
    assert problems == [
        "The task has no field 'comparison', which the interface shows.",
        "The task has no field 'title', which the interface shows.",
    ]


def guided(**changes):
    data = {
        **{"image": "u", "title": "t", "comparison": "c"},
        **{"character_ids": ["a"], "candidates": [["天", "夫"]]},
        **{"crop": [10, 0, 50, 100], "frame": [10, 0, 90, 100]},
    }
    return {"data": data | changes, "predictions": [{"result": good()}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"frame": [10, 0, 50, 100]}, None),
        ({"candidates": []}, "candidates for 0 characters, but 1"),
        ({"candidates": [["天", "天"]]}, "expected at most 5, all different and none empty"),
        ({"candidates": [[""]]}, "none empty"),
        ({"candidates": [list("天地玄黃宇宙")]}, "at most 5"),
        ({"frame": [0, 0, 90, 100]}, "stands at its left"),
        ({"frame": [10, 0, 40, 100]}, "stands at its left"),
        ({"frame": [10, 0, 150, 100]}, "reaches into the guide: the ink ends at 28.6"),
    ],
)
def test_what_the_picture_shows_fits_what_the_task_says(changes, said):
    problems = interface.task_problems(guided(**changes), interface.column_interface())
    if said is None:
        assert problems == []
    else:
        assert len(problems) == 1
        assert said in problems[0]
