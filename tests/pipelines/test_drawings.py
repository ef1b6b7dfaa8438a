"""Single drawings from Parquet: taken or refused, and held out."""

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.drawings import drawing_ink, is_newcomer, read_drawings, split_drawings
from pipelines.errors import MetadataError, UnreadableImage
from pipelines.imaging.codec import encode_png
from pipelines.records import Script


def picture(side, *, is_dark=True):
    """A rectangle of its own proportions on an even ground."""
    image = np.full((50, 50), 250 if is_dark else 5, np.uint8)
    image[10 : 10 + side, 12:30] = 20 if is_dark else 240
    return image


def parquet(path, rows):
    names = list(rows[0])
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in names}), path)
    return path


def row(side, character, script="oracle_bone"):
    return {"image": encode_png(picture(side)), "character": character, "script": script}


def test_every_row_becomes_a_drawing_or_a_rejection(tmp_path):
    rows = [
        row(10, "日"),
        row(20, "万"),
        row(20, "万"),
        row(30, "月", "seal"),
        row(30, "日月"),
        row(30, None),
        row(30, "木") | {"image": b"no picture"},
        row(30, "木") | {"image": None},
        row(30, "木") | {"image": encode_png(np.full((50, 50), 250, np.uint8))},
    ]
    drawings, refused = read_drawings(parquet(tmp_path / "d.parquet", rows), Script.ORACLE_BONE)
    assert [drawing.character for drawing in drawings] == ["日", "萬"]
    assert [r.reason for r in refused] == [
        "repeated", "other_script", "not_one_character", "not_one_character",
        "not_an_image", "no_picture", "blank",
    ]  # fmt: skip
    assert len(drawings) + len(refused) == len(rows)
    assert "row 4" in refused[1].detail
    assert "'seal'" in refused[1].detail


def test_pictures_may_be_structs_and_the_script_may_be_left_out(tmp_path):
    rows = [{"image": {"bytes": encode_png(picture(10)), "path": None}, "character": "日"}]
    drawings, refused = read_drawings(parquet(tmp_path / "d.parquet", rows), Script.ORACLE_BONE)
    assert (len(drawings), refused) == (1, [])


@pytest.mark.parametrize(("left", "lacks"), [("image", "character"), ("character", "image")])
def test_a_missing_column_is_named(tmp_path, left, lacks):
    path = parquet(tmp_path / "d.parquet", [{left: "x", "other": 1}])
    with pytest.raises(MetadataError, match=f"lacks {lacks}; it has the columns {left}, other"):
        read_drawings(path, Script.ORACLE_BONE)


def test_what_is_no_parquet_is_named(tmp_path):
    (tmp_path / "d.parquet").write_bytes(b"PAR?")
    for name in ("d.parquet", "none.parquet"):
        with pytest.raises(MetadataError, match="cannot be read as Parquet"):
            read_drawings(tmp_path / name, Script.ORACLE_BONE)


def test_ink_is_the_same_whatever_the_ground():
    dark = drawing_ink(picture(20), "dark")
    light = drawing_ink(picture(20, is_dark=False), "light")
    colour = drawing_ink(cv2.cvtColor(picture(20), cv2.COLOR_GRAY2RGB), "colour")
    assert dark.max() == 255
    assert dark[0, 0] == 0
    assert np.array_equal(dark > 127, light > 127)
    assert np.array_equal(dark, colour)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_refused(level):
    with pytest.raises(UnreadableImage, match="sheet.png is blank") as caught:
        drawing_ink(np.full((40, 40), level, np.uint8), "sheet.png")
    assert caught.value.reason == "blank"


def test_what_is_held_out_never_meets_what_is_learned(tmp_path):
    characters = "一丁七三上下不中人今他以任休"
    rows = [
        row(5 + 3 * k + place % 3, c)
        for place, c in enumerate(characters)
        for k in range(1 + place % 3)
    ]
    drawings, _ = read_drawings(parquet(tmp_path / "d.parquet", rows), Script.ORACLE_BONE)
    split = split_drawings(drawings)
    parts = (split.learned, split.others, split.newcomers)
    assert sum(map(len, parts)) == len(drawings)
    known = {d.character for d in split.learned}
    assert {d.character for d in split.others} <= known
    assert not known & {d.character for d in split.newcomers}
    assert all(is_newcomer(d.character) for d in split.newcomers)
    learned = {(d.drawing_id, d.character) for d in split.learned}
    assert not learned & {(d.drawing_id, d.character) for d in split.others}
    again = split_drawings(list(reversed(drawings)))
    assert {d.drawing_id for d in again.others} == {d.drawing_id for d in split.others}


@pytest.mark.shared
def test_the_real_drawings_are_all_taken(shared):
    path = shared / "data" / "oracle_bone_characters.parquet"
    drawings, refused = read_drawings(path, Script.ORACLE_BONE)
    assert (len(drawings), refused) == (1478, [])
    split = split_drawings(drawings)
    assert (len(split.learned), len(split.others), len(split.newcomers)) == (1035, 378, 65)
