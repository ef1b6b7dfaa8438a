"""What lies between two characters of a column is a gap only if it is written on."""

from pipelines.finding.gaps import GapParams, gaps_in_columns, parted
from pipelines.geometry import intersection_over_union
from tests.drawing import draw_page

PARAMS = GapParams()


def test_two_characters_passed_over_are_found_again(rng):
    page = draw_page(rng, (7,), size=40, gap=6)
    known = [box for index, box in enumerate(page.boxes) if index not in (3, 4)]
    small = (page.ink > 0).astype("uint8")
    (gap,) = gaps_in_columns(known, small, PARAMS)
    cells = parted(gap, small, PARAMS)
    assert len(cells) == 2
    for box in page.boxes[3:5]:
        assert max(intersection_over_union(box, cell) for cell in cells) > 0.6


def test_a_blank_stretch_is_no_gap(rng):
    page = draw_page(rng, (7, 7), size=40, gap=6)
    ink = page.ink.copy()
    lost = page.columns[0][3]
    ink[lost.top : lost.bottom, lost.left : lost.right] = 0
    known = [box for box in page.boxes if box != lost]
    assert gaps_in_columns(known, (ink > 0).astype("uint8"), PARAMS) == []


def test_neighbours_of_unlike_size_or_beside_each_other_leave_no_gap(rng):
    page = draw_page(rng, (5, 5), size=40, gap=6)
    small = (page.ink > 0).astype("uint8")
    assert gaps_in_columns(page.boxes, small, PARAMS) == []
    assert gaps_in_columns(page.boxes[:1], small, PARAMS) == []
