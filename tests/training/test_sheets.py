"""Written columns as files that say what they are."""

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
from PIL import Image

from pipelines.geometry import Box
from training.roles import WrittenColumn
from training.sheets import ENLARGED, sheet_png, sheet_svg

SAID = {"Title": "天　地", "Description": "Synthetic <ink> & no work.", "Seed": "3"}


def column(count, side=24):
    ink = np.zeros((48 * count, 48), np.uint8)
    for index in range(count):
        top = 48 * index + 12
        ink[top : top + side, 12 : 12 + side] = 255
        ink[top + 8 : top + 16, 20:28] = 0
    boxes = tuple(Box(12, 48 * k + 12, 36, 48 * k + 36) for k in range(count))
    return WrittenColumn(text="口" * count, ink=ink, box_map=ink, boxes=boxes)


def test_a_picture_is_black_on_white_and_says_what_it_is():
    picture = Image.open(io.BytesIO(sheet_png([column(3), column(2)], SAID)))
    assert {name: picture.info[name] for name in SAID} == SAID
    pixels = np.asarray(picture)
    wide, gap = 48 * ENLARGED, 24 * ENLARGED
    assert pixels.shape == (3 * wide + 2 * gap, 2 * (wide + gap) + gap)
    assert pixels[0, 0] == 255
    # The first column stands on the right: it has ink where the shorter one has ended.
    last = pixels[gap + 2 * wide : gap + 3 * wide]
    assert last[:, gap + wide + gap :].min() < 50
    assert last[:, : gap + wide].min() > 200


def test_outlines_have_the_holes_of_the_ink():
    svg = ElementTree.fromstring(sheet_svg([column(2)], SAID))
    name = "{http://www.w3.org/2000/svg}"
    path = svg.find(f"{name}path")
    assert path.get("fill-rule") == "evenodd"
    assert path.get("d").count("M") == 4, "two squares, each with a hole"
    assert "Synthetic <ink> & no work." in svg.find(f"{name}desc").text


def test_a_blank_column_is_a_blank_page():
    blank = np.zeros((48, 48), np.uint8)
    empty = WrittenColumn(text="一", ink=blank, box_map=blank, boxes=(Box(0, 0, 48, 48),))
    assert np.asarray(Image.open(io.BytesIO(sheet_png([empty], SAID)))).min() == 255
    assert 'd=""' in sheet_svg([empty], SAID)
