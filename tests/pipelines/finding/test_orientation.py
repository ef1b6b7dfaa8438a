"""Which way up a page stands: real rubbings laid all eight ways, and what is no page at all."""

import numpy as np
import pytest

from pipelines.characters import find_characters
from pipelines.columns import ColumnParams, make_columns
from pipelines.errors import ModelError
from pipelines.finding.orientation import (
    CHECKPOINT,
    WEIGHTS_FILE,
    Orientation,
    load_network,
    log_chances,
    orientation_of,
)
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import normalize_ink
from pipelines.quality import page_quality
from tests.pipelines.test_columns import page_of


@pytest.fixture
def rubbing(shared):
    """The ink of a page of running script."""
    file = shared / "data" / "pages" / "longchan_running" / "img-12.jp2"
    return normalize_ink(next(decode_pages(file.read_bytes(), file.name))).ink


def laid(ink, way):
    """Mirrored if ``way`` is above 3, then turned anticlockwise."""
    return np.ascontiguousarray(np.rot90(ink[:, ::-1] if way >= 4 else ink, way % 4))


def put_right(ink, orientation):
    """What the explanation asks for; a mirrored page is mirrored before it is turned."""
    turned = np.rot90(ink, -orientation.turn_deg // 90)
    return np.ascontiguousarray(turned[:, ::-1] if orientation.is_mirrored else turned)


@pytest.mark.shared
@pytest.mark.parametrize("way", [0, 1, 2, 3, 4, 6])
def test_a_rubbing_is_known_whichever_way_it_lies(rubbing, way):
    ink = laid(rubbing, way)
    boxes = [character.box for character in find_characters(ink)]
    found = orientation_of(ink, boxes)
    assert (found.turn_deg, found.is_mirrored) == (90 * (way % 4), way >= 4)
    np.testing.assert_array_equal(put_right(ink, found), rubbing)
    assert found.margin > 1 or found.is_upright


@pytest.mark.shared
def test_columns_of_a_page_upside_down_say_how_to_turn_it(rubbing, store):
    page = page_of(laid(rubbing, 2), store)
    columns = list(make_columns(page, store, ColumnParams(), "v1"))
    assert columns
    assert all(column.is_order_uncertain for column in columns)
    assert {column.order_doubt for column in columns} == {
        "the page seems to be turned: turn it by 180 degrees clockwise, and add it again"
    }
    advice = page_quality(page, "stele.jp2", columns, []).advice
    assert f"Order uncertain in {len(columns)} of {len(columns)} columns: the page" in advice


def test_a_few_characters_or_specks_say_nothing(rng):
    ink = np.zeros((400, 400), np.uint8)
    boxes = [Box(10, 40 * k, 40, 40 * k + 30) for k in range(9)]
    for box in boxes:
        ink[box.top + 14 : box.top + 17, box.left : box.right] = 255
    assert orientation_of(ink, boxes[:3]) == Orientation()
    assert orientation_of(ink, boxes).is_upright, "a level stroke is the same upside down"
    assert orientation_of(ink, []) == Orientation()


def test_chances_of_the_ways_add_up_to_one(rng):
    cells = rng.integers(0, 256, (5, 32, 32), dtype=np.uint8)
    np.testing.assert_allclose(np.exp(log_chances(cells)).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("orientation", "sentence"),
    [
        (Orientation(), ""),
        (Orientation(90), "seems to be turned: turn it by 90 degrees clockwise, and add"),
        (Orientation(0, True), "seems to be mirrored: mirror it, and add it again"),
        (Orientation(180, True), "turn it by 180 degrees clockwise and mirror it, and add"),
    ],
)
def test_the_sentence_names_the_steps(orientation, sentence):
    assert sentence in orientation.explanation
    assert bool(orientation.explanation) is not orientation.is_upright


def test_weights_that_are_missing_or_broken_are_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match=WEIGHTS_FILE):
        load_network(tmp_path)
    whole = (CHECKPOINT / WEIGHTS_FILE).read_bytes()
    (tmp_path / WEIGHTS_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="orientation.tiny"):
        load_network(tmp_path)
