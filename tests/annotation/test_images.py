"""Pictures for the browser."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from annotation.candidates import Candidates
from annotation.guide import lay_out
from annotation.images import (
    ImageFolder,
    derivative_size,
    make_derivative,
    make_guided_derivative,
)
from pipelines.errors import ServiceError, StoreError
from pipelines.geometry import Box
from pipelines.imaging.codec import encode_png


@pytest.fixture
def folder(tmp_path):
    made = ImageFolder(document_root=tmp_path / "served")
    made.prepare()
    return made


@pytest.fixture
def key(store):
    picture = np.zeros((400, 100, 3), np.uint8)
    picture[100:300] = (200, 40, 40)
    return store.put(encode_png(picture), ".png")


def test_a_cut_is_a_jpeg_of_what_stands_there(store, folder, key):
    made = make_derivative(store, key, Box(0, 100, 100, 300), images=folder, max_side_px=1000)
    assert (made.width, made.height) == (100, 200)
    (file,) = folder.path.glob("*/*.jpg")
    assert made.url == f"/data/local-files/?d=images/{file.parent.name}/{file.name}"
    picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture.shape == (200, 100, 3)
    assert np.abs(picture.reshape(-1, 3).mean(0) - (200, 40, 40)).max() < 4


class Squares:
    """A standard font of black squares."""

    files = (Path("squares.ttf"),)

    def draw(self, character, em_px):
        return np.full((em_px, em_px), 255, np.uint8)


def test_a_guide_stands_beside_the_ink_in_one_jpeg(store, folder, key):
    boxes = [Box(1010, 110, 1090, 190), Box(1010, 210, 1090, 290)]
    layout = lay_out(boxes, Box(1000, 100, 1100, 300))
    one = Candidates(texts=("天", "夫"), draft="天", second="夫")

    def make(candidates):
        return make_guided_derivative(
            store,
            key,
            Box(0, 100, 100, 300),
            layout=layout,
            candidates=candidates,
            face=Squares(),
            images=folder,
            max_side_px=1000,
        )

    made = make([one, one])
    assert (made.width, made.height) == (layout.frame.width, 200)
    (file,) = folder.path.glob("*/*.jpg")
    picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture.shape == (200, layout.frame.width, 3)
    assert np.abs(picture[:, :95].reshape(-1, 3).mean(0) - (200, 40, 40)).max() < 6
    guide = picture[:, 105:].reshape(-1, 3)
    assert (guide.min(axis=1) > 200).mean() > 0.3, "paper"
    assert (guide.max(axis=1) < 60).mean() > 0.08, "glyphs"
    assert make([one, one]) == made
    other = Candidates(texts=("天",), draft="天", second=None)
    assert make([one, other]).url != made.url
    assert (make([one, other]).width, make([one, other]).height) == (made.width, made.height)


def test_a_large_picture_is_bounded_and_keeps_its_shape(store, folder, key):
    made = make_derivative(store, key, Box(0, 0, 100, 400), images=folder, max_side_px=200)
    assert (made.width, made.height) == (50, 200)
    (file,) = folder.path.glob("*/*.jpg")
    assert cv2.imread(str(file)).shape[:2] == (200, 50)
    assert derivative_size(10_000, 1, 100) == (100, 1)


def test_a_second_call_decodes_nothing(store, folder, key, monkeypatch):
    first = make_derivative(store, key, Box(0, 0, 50, 50), images=folder, max_side_px=100)
    monkeypatch.setattr(store, "get", lambda key: pytest.fail("was read again"))
    assert make_derivative(store, key, Box(0, 0, 50, 50), images=folder, max_side_px=100) == first
    assert not list(folder.path.glob("*/.*"))


def test_a_cut_beyond_the_picture_says_who_disagrees(store, folder, key):
    with pytest.raises(ValueError, match="100 x 400 pixels.*reaches beyond"):
        make_derivative(store, key, Box(0, 0, 101, 400), images=folder, max_side_px=100)
    with pytest.raises(StoreError):
        make_derivative(store, "0" * 64 + ".png", Box(0, 0, 1, 1), images=folder, max_side_px=100)


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "served").write_text("in the way")
    with pytest.raises(ServiceError, match="cannot be made"):
        ImageFolder(document_root=tmp_path / "served").prepare()
