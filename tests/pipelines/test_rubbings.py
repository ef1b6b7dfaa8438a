"""Real rubbings that nobody annotated: columns and characters as counted by eye."""

import pytest

from pipelines.characters import find_characters
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import normalize_ink
from pipelines.order.reading import order_columns
from pipelines.records import Polarity

COUNTED = {
    "libei_clerical/img-12.jp2": [6, 6, 6],
    "libei_clerical/img-60.jp2": [6, 6, 6],
    "longchan_running/img-4.jp2": [12] * 6,
    "longchan_running/img-36.jp2": [12] * 6,
}
"""Characters a column from right to left."""


@pytest.mark.shared
@pytest.mark.parametrize(("page", "counted"), COUNTED.items(), ids=COUNTED)
def test_columns_and_characters_of_a_rubbing(shared, page, counted):
    file = shared / "data" / "pages" / page
    (image,) = decode_pages(file.read_bytes(), file.name)
    normalized = normalize_ink(image)
    assert normalized.polarity is Polarity.LIGHT_ON_DARK
    boxes = [found.box for found in find_characters(normalized.ink)]
    columns = order_columns(boxes)
    assert len(columns) == len(counted)
    lefts = [min(boxes[i].left for i in column.indices) for column in columns]
    assert lefts == sorted(lefts, reverse=True), "columns run from right to left"
    for column, count in zip(columns, counted, strict=True):
        tops = [boxes[i].top for i in column.indices]
        assert tops == sorted(tops)
        # A weathered place may cost a character or two, or add as many.
        assert abs(len(tops) - count) <= 2
