"""What is no text though it is written: readings beside characters, halves of a facing page."""

from pipelines.finding.facing import FacingParams, cut_off
from pipelines.finding.readings import ReadingParams, beside_larger
from pipelines.geometry import Box

COLUMN = [Box(100, 50 * i, 140, 50 * i + 44) for i in range(6)]


def test_readings_close_at_the_right_are_told_from_text():
    readings = [Box(144, 52, 156, 64), Box(145, 66, 156, 78)]
    assert beside_larger([*COLUMN, *readings], ReadingParams()) == {6, 7}


def test_a_note_in_two_columns_and_a_small_column_apart_are_text():
    strands = [Box(x, 310 + 22 * i, x + 18, 328 + 22 * i) for x in (100, 122) for i in range(4)]
    apart = [Box(160, 20 * i, 176, 20 * i + 16) for i in range(6)]
    assert beside_larger([*COLUMN, *strands, *apart], ReadingParams()) == set()
    assert beside_larger([], ReadingParams()) == set()


def page(left_width):
    own = [Box(60 + 50 * c, 50 * i, 100 + 50 * c, 50 * i + 44) for c in range(5) for i in range(6)]
    return [Box(0, 50 * i, left_width, 50 * i + 44) for i in range(6)] + own


def test_a_column_that_the_edge_cuts_is_cut_off():
    assert cut_off(page(22), 320, FacingParams()) == set(range(6))


def test_whole_characters_at_the_edge_and_narrow_crops_stay():
    assert cut_off(page(40), 320, FacingParams()) == set()
    crop = [Box(0, 50 * i, 40, 50 * i + 44) for i in range(8)]
    assert cut_off(crop, 40, FacingParams()) == set()
