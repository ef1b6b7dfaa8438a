"""Learning curves as pictures."""

import xml.etree.ElementTree as ElementTree

import pytest

from pipelines.errors import ModelError
from tests.conftest import ROOT
from training.curves import curve_svg, read_curve, stages

SVG = "{http://www.w3.org/2000/svg}"
TINY = ROOT / "training/families/unicalli/checkpoints/tiny/curve.jsonl"


def test_minutes_go_on_where_the_sitting_before_ended():
    found = stages(
        [
            {"stage": "eye", "s": 60, "i": 1, "right": 0.1, "loss": 4},
            {"stage": "eye", "s": 120, "i": 2, "right": 0.2, "loss": 3},
            {"stage": "eye, hard hands", "s": 60, "i": 1, "right": 0.3, "loss": 2},
            {"stage": "columns", "seconds": 30, "step": 1, "write_image": 2.5},
        ]
    )
    assert list(found) == ["eye", "columns"]
    assert found["eye"].points == {"right": [(1, 0.1), (2, 0.2), (3, 0.3)]}
    assert found["eye"].sittings == [2]
    assert found["eye"].is_share
    assert found["columns"].points == {"write_image": [(0.5, 2.5)]}
    assert not found["columns"].is_share


def test_every_figure_is_drawn_with_its_axes_and_name():
    picture = ElementTree.fromstring(
        curve_svg([{"stage": "a & b", "seconds": 60 * k, "loss": 10.0 / k} for k in (1, 2, 5)])
    )
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert "a & b" in texts
    assert "loss: 2 at last" in texts
    assert {"0", "5", "10", "loss"} <= set(texts), "both axes are labelled"
    (drawn,) = picture.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in drawn.get("points").split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points), "a falling loss falls"


def test_the_picture_of_the_bundled_checkpoint_is_of_its_log():
    drawn = curve_svg(read_curve(TINY))
    assert drawn == (ROOT / ".github/pictures/learning_curve.svg").read_text(encoding="utf-8"), (
        "draw it anew: python -m training curve"
    )
    assert len(list(ElementTree.fromstring(drawn).iter(f"{SVG}polyline"))) >= 8


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "no log at"),
        ("", "is empty"),
        ("{", "Line 1 of"),
        ('{"step": 1}', "has no seconds or s"),
        ("[1]", "has no seconds or s"),
    ],
)
def test_a_bad_log_is_named(tmp_path, text, sentence):
    path = tmp_path / "curve.jsonl"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=sentence):
        read_curve(path)
